"""Segment's Node client itself, pointed at the running service."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from smartshop.data_collection.schemas.events import EventKind
from smartshop.data_collection.schemas.ids import OrderId
from tests.api.live_server import listening
from tests.api.shop_for_tests import PUBLISHABLE_KEY, app_of, make_shop, open_shop_stores

VIEWS = 75


@pytest.fixture(scope="module")
def node_client(repository: Path) -> Path:
    folder = repository / "tests" / "clients" / "node"
    if not (folder / "node_modules" / "@segment").is_dir():
        pytest.skip("Segment's Node client is not installed; `make test` does it (npm ci in tests/clients/node)")
    return folder / "segment.mjs"


@pytest.fixture(scope="module")
def node() -> Path:
    program = Path(sys.executable).parent / "node"
    if not program.exists():
        pytest.skip("there is no Node beside this Python; `make test` puts it there (tools/link_node.py)")
    return program


def test_the_node_client_works_unchanged(tmp_path: Path, node: Path, node_client: Path) -> None:
    stores = open_shop_stores(tmp_path)
    shop = make_shop(stores)
    with listening(app_of(shop)) as url:
        ended = subprocess.run(
            [str(node), str(node_client), url, PUBLISHABLE_KEY, str(VIEWS)],
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
    events = [event for batch in shop.log.scan() for _, event in batch]
    quarantined, order = shop.quarantine.counts(), stores.orders.get(OrderId("o-1"))
    stores.close()
    assert json.loads(ended.stdout) == {"failures": []}
    assert quarantined == {}
    kinds = Counter(event.kind for event in events)
    assert kinds == {
        EventKind.PRODUCT_VIEWED: VIEWS,
        EventKind.IDENTIFIED: 1,
        EventKind.ORDER_COMPLETED: 1,
        EventKind.PAGE_VIEWED: 1,
        EventKind.CUSTOM: 3,
    }
    assert {event.products[0].price_minor for event in events if event.kind is EventKind.PRODUCT_VIEWED} == {950}
    assert "my-id-1" in {event.event_id for event in events}
    assert order is not None
    assert (order.lines[0].quantity, order.lines[0].unit_price_minor, order.currency) == (2, 950, "GBP")
