"""What every import source is: a plain iterator of batches, the same batches each time it reads the same file."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from smartshop.data_collection.schemas.catalogue import Product
from smartshop.data_collection.schemas.customers import Customer
from smartshop.data_collection.schemas.demand_causes import DemandCause
from smartshop.data_collection.schemas.events import Event
from smartshop.data_collection.schemas.prices import PriceChange
from smartshop.data_collection.schemas.stock import StockCount, StockMovement


@dataclass(frozen=True, slots=True)
class RejectedRow:
    line: int
    """1-based line (CSV, JSON Lines) or row (Parquet) of the file."""
    reason: str
    """`code: sentence with the bad value and what would be right`."""
    row: str


@dataclass(frozen=True, slots=True)
class SourceBatch:
    """What a stretch of the file says; batches come in an order that can be resumed after any of them."""

    rows: int
    """Rows of the file behind this batch; over all batches they sum to the file's."""
    products: list[Product] = field(default_factory=list)
    customers: list[Customer] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    event_lines: list[int] = field(default_factory=list)
    """The (first) line behind each event."""
    counts: list[StockCount] = field(default_factory=list)
    movements: list[StockMovement] = field(default_factory=list)
    movement_lines: list[int] = field(default_factory=list)
    prices: list[PriceChange] = field(default_factory=list)
    price_rows: list[RejectedRow] = field(default_factory=list)
    """The row behind each price, to be refused where no product has the variant; its reason is empty."""
    causes: list[DemandCause] = field(default_factory=list)
    cause_rows: list[RejectedRow] = field(default_factory=list)
    """The row behind each cause, to be refused where its name is of another kind; its reason is empty."""
    rejected: list[RejectedRow] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class SourceOptions:
    """The shop's own words that a format leaves out."""

    currency: str
    imported_at: int
    """µs UTC; stands for times the file does not give."""
    file_id: str = ""
    """The hash of the file's content: what is said "as of now" is said once per file, however often it is imported."""


class Source(Protocol):
    """Reads one format.

    Raises:
        SourceError: the file is missing, unreadable, or lacks a column that the format needs.
    """

    def __call__(self, path: Path, options: SourceOptions) -> Iterator[SourceBatch]: ...
