"""Brings a made-up shop into the real one: catalogue, first stock-take, then history through the only door."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from smartshop.data_collection.connectors.ports import Catalogue, PurchaseOrders, Stock, Suppliers
from smartshop.data_collection.pipelines.clock import DAY
from smartshop.data_collection.pipelines.ingest import Arrival, Ingest
from smartshop.data_collection.schemas.events import Event, Trust
from smartshop.data_collection.schemas.ids import Micros
from smartshop.simulator.buying import orders_of, receipts_of, suppliers_of, terms_of
from smartshop.simulator.history import HistoryDay, make_history
from smartshop.simulator.stockroom import opening_counts
from smartshop.simulator.truth import new_ledger, write_truth
from smartshop.simulator.world import World

SOURCE = "simulator"
EVENTS_PER_CALL = 2_000
"""Events of one transaction."""

Progress = Callable[[float, str], None]
"""Called with the share done (0 to 1) and what is being done."""


@dataclass(frozen=True, slots=True)
class SupplyBooks:
    """Where suppliers and the orders to them are kept."""

    suppliers: Suppliers
    purchase_orders: PurchaseOrders


@dataclass(frozen=True, slots=True)
class Entered:
    """What came of it."""

    products: int
    accepted: int
    duplicates: int
    rejected: int
    first_reason: str | None
    """Why the first refused event was refused; None when none was."""


def enter_catalogue(world: World, catalogue: Catalogue, stock: Stock, now: Micros) -> None:
    """Products, and a stock-take at the history's start. `now` is when the shop learns of them."""
    catalogue.upsert(world.products, now)
    counted_at = Micros(world.start_at)
    stock.count(opening_counts(world.opening_level, world.range.variant_ids, world.tag, counted_at), now)


def enter_history(
    world: World,
    ingest: Ingest,
    catalogue: Catalogue,
    stock: Stock,
    *,
    now: Micros,
    books: SupplyBooks | None = None,
    seed: int | None = None,
    days: int | None = None,
    truth_folder: Path | None = None,
    progress: Progress = lambda share, what: None,
) -> Entered:
    """Make the history and enter it day by day; entering the same again changes nothing.

    With `books` the shop tells its suppliers, every order to them and what came of it; without, deliveries are only
    movements of stock. `truth_folder`: where the truth is written, outside of anything the service reads; None keeps it
    untold.
    """
    days = days or world.scenario.days
    seed = world.seed if seed is None else seed
    progress(0.0, "filling the shelves")
    enter_catalogue(world, catalogue, stock, now)
    if books is not None:
        enter_suppliers(world, books.suppliers)
    ledger = new_ledger(world, days)
    accepted = duplicates = rejected = 0
    first_reason = None
    for made in make_history(world, days, len(world.population), seed, ledger):
        _enter_deliveries(world, made, days, stock, books, now)
        received_at = Micros(world.end_at - (days - made.day - 1) * DAY)
        for batch in _batches(made.events):
            receipt = ingest.accept_blocking(batch, _arrival(received_at))
            accepted += receipt.accepted
            duplicates += receipt.duplicates
            rejected += len(receipt.rejected)
            if receipt.rejected and first_reason is None:
                first_reason = receipt.rejected[0].reason
        progress((made.day + 1) / days, f"day {made.day + 1} of {days}")
    if truth_folder is not None:
        write_truth(world, ledger, truth_folder)
    return Entered(len(world.products), accepted, duplicates, rejected, first_reason)


def enter_suppliers(world: World, suppliers: Suppliers) -> None:
    for supplier in suppliers_of(world):
        suppliers.save(supplier)
    suppliers.set_terms(terms_of(world))


def _enter_deliveries(
    world: World, made: HistoryDay, days: int, stock: Stock, books: SupplyBooks | None, now: Micros
) -> None:
    if books is None:
        if made.receipts:
            stock.move(made.receipts, now)
        return
    begins = world.end_at - days * DAY
    orders = list(orders_of(world, made.ordered, begins))
    books.purchase_orders.enter(orders, list(receipts_of(world, made.arrived, begins)), now)


def _arrival(received_at: Micros) -> Arrival:
    """The shop itself vouches for its made history; each day arrives at its end."""
    return Arrival(source=SOURCE, trust=Trust.SERVER, received_at=received_at, from_import=True)


def _batches(events: list[Event]) -> Iterator[list[Event]]:
    for first in range(0, len(events), EVENTS_PER_CALL):
        yield events[first : first + EVENTS_PER_CALL]
