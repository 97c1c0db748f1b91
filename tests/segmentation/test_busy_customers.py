"""Whoever did a lot moves at an order like everybody, and stands where a whole reading of the log puts them."""

from collections.abc import Callable, Iterator
from itertools import count

import msgspec
import pytest

from smartshop.ai_agents.segmentation.live import ShelfViews, look_at
from smartshop.ai_agents.segmentation.refit import nothing_before, rejudge
from smartshop.data_collection.pipelines.clock import DAY, SECOND, format_rfc3339
from smartshop.data_collection.pipelines.ingest import Arrival
from smartshop.data_collection.pipelines.newest_signs import MOST_SIGNS
from smartshop.data_collection.pipelines.reading_customers import load_customer_activity
from smartshop.data_collection.schemas.events import Event, Traffic, Trust
from smartshop.data_collection.schemas.ids import CustomerId, Micros
from smartshop.data_collection.schemas.segments import SegmentKind, Standing
from tests.pipelines.door import door_of
from tests.segmentation.shop_of_two import LEAVES, ShopOfTwo, opened_shop_of_two, product_id

Told = dict[str, object]
History = Callable[[ShopOfTwo, str], None]
names = count()
HOUR = 3_600 * SECOND


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ShopOfTwo]:
    """Learned once; tests use customers of their own."""
    with opened_shop_of_two(tmp_path_factory.mktemp("busy")) as two:
        two.refit()
        yield two


def sign(two: ShopOfTwo, who: str, ago: int, **said: object) -> Told:
    at = format_rfc3339(Micros(two.now - ago))
    seen = {"kind": "product_viewed", "product_id": product_id("Garden > Seeds", ago // HOUR % 5)}
    return {"event_id": f"s-{next(names)}", "customer_id": who, "occurred_at": at, **(seen | said)}


def order(two: ShopOfTwo, who: str, ago: int, leaf: str) -> Told:
    return two.order(who, leaf, number=next(names)) | {"occurred_at": format_rfc3339(Micros(two.now - ago))}


def tell(two: ShopOfTwo, told: list[Told], traffic: Traffic = Traffic.HUMAN) -> None:
    """As an import does: of whatever age."""
    door = door_of(two.shop.stores, now=lambda: two.now)
    arrival = Arrival(source="test", trust=Trust.SERVER, received_at=two.now, from_import=True, traffic=traffic)
    for first in range(0, len(told), 500):
        receipt = door.accept_blocking([msgspec.convert(each, Event) for each in told[first : first + 500]], arrival)
        assert not receipt.rejected, receipt.rejected


def live(two: ShopOfTwo, who: str) -> Standing:
    """As the agent leaves it once the customer was looked at."""
    look_at(two.look(), ShelfViews(), two.model(), CustomerId(who), two.now)
    return two.shop.stores.standings.get([CustomerId(who)])[CustomerId(who)]


def among_all(two: ShopOfTwo, who: str) -> Standing:
    """As a refit puts them that reads the whole log, under the same model."""
    stores, model, learning = two.shop.stores, two.model(), two.learning()
    whole = load_customer_activity(stores.log, stores.customers, learning.shelf, currency="GBP", until=two.now)
    told, nothing = stores.standings.refits()[0], nothing_before(len(whole))
    learned = rejudge(model, whole, learning.shelf, nothing, told, two.now)
    every = learned.standings(log_no=0, now=two.now)
    return next(standing for standing in every if standing.customer_id == who)


def as_judged(standing: Standing) -> Standing:
    return msgspec.structs.replace(standing, log_no=0, in_segment_since=None)


def of_thousands(two: ShopOfTwo, who: str) -> None:
    """5,000 signs and 300 orders in a year, of several products each."""
    leaf = LEAVES["cook"]
    several = [{"product_id": product_id(leaf[n % 2], n % 8)} for n in range(3)]
    tell(two, [sign(two, who, n * 2 * HOUR, session_id=f"v{n // 9}") for n in range(4_000)])
    tell(
        two, [sign(two, who, n * 9 * HOUR, kind="wishlisted", product_id=None, products=several) for n in range(1_000)]
    )
    tell(two, [order(two, who, n * DAY, leaf[n % 2]) for n in range(300)])


def all_at_one_moment(two: ShopOfTwo, who: str) -> None:
    """As of an import that knows only days: what ties with the oldest wanted is more than is read at first."""
    tell(two, [sign(two, who, n // 400 * DAY, product_id=product_id("Kitchen > Pans", n % 8)) for n in range(1_200)])


def mostly_a_robot(two: ShopOfTwo, who: str) -> None:
    """What a robot did is read, and counts for nothing."""
    tell(two, [sign(two, who, (n + 700) * HOUR) for n in range(900)])
    tell(two, [sign(two, who, n * HOUR) for n in range(700)], Traffic.BOT)
    tell(two, [order(two, who, DAY, "Garden > Seeds")])


def exactly_as_many(two: ShopOfTwo, who: str) -> None:
    tell(two, [sign(two, who, n * HOUR) for n in range(MOST_SIGNS)])
    tell(two, [order(two, who, 400 * DAY, "Garden > Seeds")])


@pytest.mark.parametrize("history", [of_thousands, all_at_one_moment, mostly_a_robot, exactly_as_many])
def test_a_busy_customer_stands_live_where_the_whole_log_puts_them(learned: ShopOfTwo, history: History) -> None:
    who = f"busy-{next(names)}"
    history(learned, who)
    assert as_judged(live(learned, who)) == as_judged(among_all(learned, who))


def test_a_customer_of_many_thousand_events_moves_at_an_order(learned: ShopOfTwo) -> None:
    who = CustomerId("looked-and-looked")
    tell(learned, [sign(learned, who, n * HOUR) for n in range(3_000)])
    assert live(learned, who).rfm_group == "rfm-prospects"
    learned.now = Micros(learned.now + SECOND)
    tell(learned, [order(learned, who, 0, "Garden > Seeds")])
    assert live(learned, who).orders == 1
    moves = learned.shop.stores.standings.moves(who)
    assert ("rfm-prospects", "rfm-new") in [(m.from_segment, m.to_segment) for m in moves if m.kind is SegmentKind.RFM]
