"""A shop as it serves: a rule that another process writes acts on its slates, and stops when it is deleted."""

import time
from pathlib import Path
from zoneinfo import ZoneInfo

from fastapi.testclient import TestClient

from smartshop.backend_api.app import create_app
from smartshop.backend_api.utils.auth import fingerprint
from smartshop.data_collection.connectors.ports import ApiKey
from smartshop.data_collection.pipelines.clock import ShopClock, system_now
from smartshop.data_collection.schemas.ids import ProductId
from smartshop.data_collection.schemas.rules import MerchantRule, Pin, RuleId, RuleProducts
from smartshop.serve import NewestHuman, beside_requests
from smartshop.wiring import build_shop
from tests.api.shop_for_tests import NO_LIMIT, PUBLISHABLE, PUBLISHABLE_KEY, catalogue
from tests.importing.shop import opened_shop

PATIENCE_SECONDS = 30.0
PIN = MerchantRule(
    rule_id=RuleId("r-elsewhere"),
    name="From elsewhere",
    effect=Pin(position=0),
    products=RuleProducts(product_ids=[ProductId("planters-9")]),
    created_at=system_now(),
    changed_at=system_now(),
)


def test_a_rule_written_elsewhere_acts_here(tmp_path: Path) -> None:
    with opened_shop(tmp_path) as serving, opened_shop(tmp_path) as elsewhere:
        stores, now = serving.stores, system_now()
        stores.catalogue.upsert(catalogue(), now)
        public = fingerprint(PUBLISHABLE_KEY)
        stores.keys.add(
            ApiKey(key_id="p", kind="publishable", sha256=public, label="", created_at=now, plain=PUBLISHABLE_KEY)
        )
        newest = NewestHuman()
        shop = build_shop(serving.settings, serving.place, stores, ShopClock(ZoneInfo("UTC"), system_now, newest))
        app = create_app(shop, background=lambda: beside_requests(shop, stores, newest), requests_per_second=NO_LIMIT)
        with TestClient(app) as client:

            def is_pinned() -> bool:
                asked = {"surface": "home", "anonymous_id": "somebody", "limit": 3}
                answer = client.post("/v1/recommendations", json=asked, headers=PUBLISHABLE)
                return bool(answer.json()["items"][0]["product_id"] == "planters-9")

            def becomes(wanted: bool) -> bool:
                deadline = time.monotonic() + PATIENCE_SECONDS
                while time.monotonic() < deadline:
                    if is_pinned() is wanted:
                        return True
                return False

            assert not is_pinned()
            elsewhere.stores.rules.add([PIN])
            assert becomes(True)
            elsewhere.stores.rules.delete(PIN.rule_id)
            assert becomes(False)
