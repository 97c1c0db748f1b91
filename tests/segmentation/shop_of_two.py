"""A real shop whose customers are of two plain sorts, gardeners and cooks, so that what must be found is known."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import numpy as np

from smartshop.ai_agents.segmentation.agent import SegmentationAgent
from smartshop.ai_agents.segmentation.learning import Learning, learn_segments
from smartshop.ai_agents.segmentation.live import Look
from smartshop.ai_agents.segmentation.model import SegmentationModel
from smartshop.data_collection.pipelines.clock import DAY, SECOND, format_rfc3339, to_micros
from smartshop.data_collection.pipelines.shelves import ShelfKeeper
from smartshop.data_collection.schemas.customers import Consent
from smartshop.data_collection.schemas.events import Event, EventKind, StoredEvent
from smartshop.data_collection.schemas.ids import CustomerId, Micros
from smartshop.data_collection.schemas.messages import EventsAccepted, Message
from smartshop.data_collection.schemas.segments import Refit
from smartshop.errors import ModelRefused
from tests.importing.shop import EmbeddedShop, opened_shop
from tests.pipelines.door import arrival, door_of

DAYS = 240
START = datetime(2026, 1, 10, tzinfo=UTC)
END = Micros(to_micros(START) + DAYS * DAY)
SORTS = ("gardener", "cook")
LEAVES = {"gardener": ("Garden > Spades", "Garden > Seeds"), "cook": ("Kitchen > Pans", "Kitchen > Knives")}
PRODUCTS_PER_LEAF = 8
PER_SORT = 130


@dataclass
class ShopOfTwo:
    shop: EmbeddedShop
    now: Micros = END

    def bring_customers(self, file: Path, numbers: range) -> None:
        """These of each sort, with all that they ever did."""
        self.shop.bring("interactions", _interactions(file, numbers))

    def learning(self) -> Learning:
        stores = self.shop.stores
        keeper = ShelfKeeper(stores.catalogue, stores.stock, "GBP", lambda: self.now, lambda: self.now)
        return Learning(
            stores.log, stores.customers, stores.standings, stores.models, keeper.shelf, "GBP", "UTC", Consent(),
            lambda: self.now,
        )  # fmt: skip

    def refit(self, *, seed: int = 0) -> Refit:
        self.now = Micros(self.now + SECOND)  # no two refits at one moment
        return learn_segments(self.learning(), until=self.now, progress=lambda share, what: None, seed=seed)

    def model(self) -> SegmentationModel:
        record = self.shop.stores.models.promoted("segmentation")
        if record is None:
            raise ModelRefused("nothing was learned")
        return SegmentationModel.load(self.shop.stores.models.open(record))

    def look(self) -> Look:
        stores, learning = self.shop.stores, self.learning()
        return Look(stores.log, stores.customers, stores.standings, lambda: learning.shelf, "GBP", lambda: self.now)

    def agent(self) -> SegmentationAgent:
        model = self.model()
        return SegmentationAgent(self.look(), lambda: model)

    def tell(self, *events: Mapping[str, object]) -> EventsAccepted:
        """Through the door; what the bus would bring."""
        after = self.shop.stores.log.size().last_no
        door = door_of(self.shop.stores, now=lambda: self.now)
        receipt = door.accept_blocking([msgspec.convert(event, Event) for event in events], arrival(at=self.now))
        assert not receipt.rejected, receipt.rejected
        return EventsAccepted(self.newer_than(after))

    def newer_than(self, after: int) -> tuple[StoredEvent, ...]:
        return tuple(event for batch in self.shop.stores.log.scan(after=after) for _, event in batch)

    def order(self, customer: str, leaf: str, *, number: int, units: int = 1) -> dict[str, object]:
        """An order of three products of a leaf, now."""
        lines = [{"product_id": product_id(leaf, place), "quantity": units, "price_minor": 2_000} for place in range(3)]
        return {
            "kind": EventKind.ORDER_COMPLETED, "event_id": f"live-{customer}-{number}", "customer_id": customer,
            "order_id": f"live-{customer}-{number}", "products": lines, "currency": "GBP",
            "occurred_at": format_rfc3339(self.now),
        }  # fmt: skip


def product_id(leaf: str, place: int) -> str:
    return f"{leaf.split(' > ')[1].lower()}-{place}"


def customer(sort: str, number: int) -> CustomerId:
    return CustomerId(f"{sort}-{number:03d}")


@contextmanager
def opened_shop_of_two(folder: Path, *, per_sort: int = PER_SORT, database_url: str = "") -> Iterator[ShopOfTwo]:
    with opened_shop(folder / "shop", database_url) as shop:
        shop.bring("products", _products(folder / "products.csv"))
        two = ShopOfTwo(shop)
        two.bring_customers(folder / "interactions.csv", range(per_sort))
        yield two


def segments_of(messages: list[Message]) -> list[tuple[object, ...]]:
    """(customer, from, to) of what was said."""
    return [(m.customer_id, m.from_segment, m.to_segment) for m in messages]  # type: ignore[union-attr]


def _products(path: Path) -> Path:
    rows = [
        (product_id(leaf, place), f"{leaf.split(' > ')[1]} {place}", leaf, 1_000 + 250 * place, "GBP")
        for leaves in LEAVES.values()
        for leaf in leaves
        for place in range(PRODUCTS_PER_LEAF)
    ]
    return _write(path, ("product_id", "title", "category", "price_minor", "currency"), rows)


def _interactions(path: Path, numbers: range) -> Path:
    rng = np.random.default_rng(11)
    rows: list[tuple[object, ...]] = []
    for sort in SORTS:
        for number in numbers:
            rows += _customer_rows(sort, number, rng)
    columns = ("customer_id", "product_id", "kind", "occurred_at", "order_id", "quantity", "price_minor", "currency")
    return _write(path, columns, rows)


def _customer_rows(sort: str, number: int, rng: np.random.Generator) -> Iterator[tuple[object, ...]]:
    """Orders at the customer's own pace from their own leaves, one line in twelve from anywhere."""
    who, day = customer(sort, number), float(rng.uniform(0, 60))
    pace, visits = float(rng.gamma(4.0, 12.0)) + 5, 0
    while day < DAYS:
        visits += 1
        moment = (START + timedelta(days=day)).isoformat().replace("+00:00", "Z")
        for line in range(int(rng.integers(2, 5))):
            leaves = LEAVES[sort] if rng.random() > 1 / 12 else LEAVES[SORTS[1 - SORTS.index(sort)]]
            leaf = leaves[int(rng.integers(len(leaves)))]
            bought = product_id(leaf, (line * 3 + int(rng.integers(3))) % PRODUCTS_PER_LEAF)
            yield who, bought, "order_completed", moment, f"{who}-{visits}", 1, 1_500, "GBP"
            yield who, bought, "product_viewed", moment, "", 1, 1_500, "GBP"
        day += max(1.0, float(rng.exponential(pace)))


def _write(path: Path, columns: tuple[str, ...], rows: Sequence[tuple[object, ...]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(rows)
    return path
