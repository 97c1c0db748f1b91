"""The running service counts on: what was accepted by HTTP shows in slates without a training."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from fastapi.testclient import TestClient

from smartshop.ai_agents.recommendation.bought_together import fit_bought_together
from smartshop.ai_agents.recommendation.markov import learn_markov
from smartshop.ai_agents.recommendation.model import RecommendationModel
from smartshop.ai_agents.recommendation.recipe import Recipe
from smartshop.ai_agents.recommendation.sequences import make_sequences
from smartshop.ai_agents.recommendation.trending import fit_trending
from smartshop.ai_agents.shelf import Shelf
from smartshop.backend_api.app import create_app
from smartshop.backend_api.utils.auth import fingerprint
from smartshop.data_collection.connectors.ports import ApiKey, ModelRecord
from smartshop.data_collection.connectors.sql.stores import SqlStores
from smartshop.data_collection.pipelines.clock import ShopClock, system_now
from smartshop.data_collection.pipelines.interactions import load_interactions
from smartshop.data_collection.schemas.ids import ModelVersion
from smartshop.serve import NewestHuman, beside_requests
from smartshop.wiring import build_shop
from tests.api.shop_for_tests import NO_LIMIT, SECRET, SECRET_KEY, catalogue
from tests.importing.shop import opened_shop

PATIENCE_SECONDS = 30.0
Items = list[dict[str, Any]]
"""Any: a slate's items as JSON says them."""


def publish_model(stores: SqlStores, shelf: Shelf, version: str) -> None:
    """The three sources that count, trained on the whole log and promoted."""
    read = load_interactions(stores.log, stores.customers, shelf)
    recipe, now = Recipe(), system_now()
    sequences = make_sequences(read, recipe.configs.sequences)
    model = RecommendationModel(
        n_products=sequences.n_products,
        as_of=int(read.data_until),
        recipe=recipe,
        sources=(
            learn_markov(sequences, recipe.configs.markov),
            fit_bought_together(sequences, shelf.category, len(shelf.categories), recipe.configs.bought_together),
            fit_trending(sequences, int(read.data_until), recipe.configs.trending),
        ),
        categories=shelf.categories,
    )
    folder = stores.models.new_folder("recommendation", ModelVersion(version))
    model.save(folder)
    record = ModelRecord(
        agent="recommendation",
        version=ModelVersion(version),
        trained_at=now,
        data_until=read.data_until,
        log_no=read.log_no,
        sha256="",
    )
    stores.models.publish(record, folder)
    stores.models.promote("recommendation", ModelVersion(version), now)


@contextmanager
def serving(folder: Path) -> Iterator[tuple[TestClient, SqlStores, Callable[[], Shelf]]]:
    """The real service over a shop whose first model was trained on two shoppers' looks."""
    with opened_shop(folder) as opened:
        stores, now = opened.stores, system_now()
        stores.catalogue.upsert(catalogue(), now)
        stores.keys.add(ApiKey(key_id="s", kind="secret", sha256=fingerprint(SECRET_KEY), label="", created_at=now))
        newest = NewestHuman()
        shop = build_shop(opened.settings, opened.place, stores, ShopClock(ZoneInfo("UTC"), system_now, newest))
        publish_model(stores, shop.shelves.shelf, "first")
        app = create_app(shop, background=lambda: beside_requests(shop, stores, newest), requests_per_second=NO_LIMIT)
        with TestClient(app) as client:
            yield client, stores, lambda: shop.shelves.shelf


def tell(client: TestClient, *events: dict[str, object]) -> None:
    answer = client.post("/v1/events", json={"events": list(events)}, headers=SECRET)
    assert (answer.status_code, answer.json()["accepted"]) == (202, len(events)), answer.text


def order(number: int, *products: str) -> dict[str, object]:
    return {
        "kind": "order_completed",
        "event_id": f"o-{number}",
        "order_id": f"o-{number}",
        "customer_id": f"buyer-{number}",
        "currency": "GBP",
        "products": [{"product_id": product, "quantity": 1, "price_minor": 1_000} for product in products],
    }


def look(who: str, product: str) -> dict[str, object]:
    return {"kind": "product_viewed", "event_id": f"{who}-{product}", "customer_id": who, "product_id": product}


def becomes(items: Callable[[], Items], wanted: Callable[[Items], bool]) -> Items:
    """The answer once it is as wanted, or the last one before patience ends."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not wanted(found := items()) and time.monotonic() < deadline:
        pass
    return found


def test_orders_and_looks_count_without_a_training_and_with_the_next_model(tmp_path: Path) -> None:
    with serving(tmp_path) as (client, stores, shelf):

        def together() -> Items:
            return list(client.get("/v1/products/tents-1/bought-together", headers=SECRET).json()["items"])

        def trending() -> Items:
            return list(client.get("/v1/trending?limit=3", headers=SECRET).json()["items"])

        def counted(orders: int) -> Callable[[Items], bool]:
            return lambda items: bool(
                items
                and items[0]["product_id"] == "spades-1"
                and items[0]["reason"]["evidence"].get("orders") == orders
            )

        others = [order(100 + number, "stoves-2", "planters-2") for number in range(6)]
        tell(client, *others, *(order(number, "tents-1", "spades-1") for number in range(4)))
        assert counted(4)(becomes(together, counted(4)))
        tell(client, *(look(f"shopper-{number}", "planters-7") for number in range(40)))
        found = becomes(trending, lambda items: items[0]["product_id"] == "planters-7")
        assert found[0]["product_id"] == "planters-7"

        publish_model(stores, shelf(), "second")
        tell(client, order(50, "tents-1", "spades-1"))
        assert counted(5)(becomes(together, counted(5))), "counted once, whichever model serves"
        assert becomes(trending, lambda items: items[0]["product_id"] == "planters-7")
