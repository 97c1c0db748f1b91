"""Answers that never arrive: the client sends again, and every event still counts once."""

from collections import Counter
from pathlib import Path

from tests.api.live_server import listening
from tests.api.shop_for_tests import SECRET_KEY, app_of, make_shop, open_shop_stores
from tests.faults.load import everything_in, sending
from tests.faults.proxy import Fault, faulty_proxy

EVENTS = 1_500
SHARES = {Fault.SWALLOW: 0.25, Fault.CUT: 0.1, Fault.DELAY: 0.1}


def test_an_event_whose_answer_was_lost_is_counted_once(tmp_path: Path) -> None:
    stores = open_shop_stores(tmp_path)
    shop = make_shop(stores)
    with listening(app_of(shop)) as url, faulty_proxy(url, seed=5, shares=SHARES, delay_seconds=0.05) as (door, proxy):
        with sending(door, SECRET_KEY, batch=25) as sender:
            for number in range(EVENTS):
                sender.view(number)
            sender.wait_until_answered()
        duplicates = shop.ingest.totals["duplicates"]
    stored = Counter(event.event_id for event in everything_in(stores))
    quarantined = stores.quarantine.counts()
    stores.close()
    assert sender.given_up == []
    assert proxy.met[Fault.SWALLOW] >= 5, f"the proxy swallowed too little to test anything: {proxy.met}"
    assert duplicates >= proxy.met[Fault.SWALLOW], "a swallowed answer must have been followed by the same events again"
    assert set(stored) == set(sender.sent)
    assert set(stored.values()) == {1}
    assert quarantined == {}
