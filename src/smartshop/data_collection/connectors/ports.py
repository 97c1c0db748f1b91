"""The ports: what the house needs of its stores, in the shop's verbs.

SQL ports are blocking: call them from a worker thread (FastAPI's plain `def` routes, `asyncio.to_thread`, jobs).
Profiles, Cache and Bus are async, since their grown-up engines (MongoDB, Redis) are. Every promise made here is kept by
every adapter and checked by one contract test class per port.

All writes are atomic. "Missing" is None or an absent key; an unknown id is never an error. `now` is always passed in.
"""

from collections.abc import AsyncIterator, Callable, Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

import msgspec

from smartshop.data_collection.schemas.alerts import (
    Alert,
    AlertChange,
    AlertFilter,
    AlertId,
    AlertKind,
    FoundAlert,
)
from smartshop.data_collection.schemas.audiences import (
    Audience,
    AudienceId,
    AudiencePush,
    AudienceSize,
    Rule,
)
from smartshop.data_collection.schemas.catalogue import ListedProduct, Product
from smartshop.data_collection.schemas.customers import (
    Consent,
    ConsentChange,
    Customer,
    IdentityLink,
    Purpose,
    Shopper,
)
from smartshop.data_collection.schemas.demand_causes import CauseFilter, CauseKind, DemandCause, NamedCause
from smartshop.data_collection.schemas.erasures import ErasureReceipt
from smartshop.data_collection.schemas.events import EventKind, StoredEvent
from smartshop.data_collection.schemas.ids import (
    AnonymousId,
    CustomerId,
    DecisionId,
    LineId,
    LocationId,
    Micros,
    ModelVersion,
    OrderId,
    ProductId,
    ProductNo,
    SupplierId,
    VariantId,
)
from smartshop.data_collection.schemas.messages import Message
from smartshop.data_collection.schemas.orders import CalledOff, Order, Refund, Return
from smartshop.data_collection.schemas.prices import PriceChange, PriceOutcome, PricePoint
from smartshop.data_collection.schemas.profiles import Profile
from smartshop.data_collection.schemas.proposals import KeptProposal, ProposalScore, ToldProposal
from smartshop.data_collection.schemas.rules import MerchantRule, RuleId
from smartshop.data_collection.schemas.segments import (
    Refit,
    Segment,
    SegmentFigures,
    SegmentId,
    SegmentMove,
    Standing,
)
from smartshop.data_collection.schemas.slates import Decision
from smartshop.data_collection.schemas.stock import (
    Reservation,
    StockCount,
    StockLevel,
    StockMovement,
    StockPlace,
    StockTransfer,
)
from smartshop.data_collection.schemas.supply import (
    IncomingUnits,
    PurchaseOrder,
    PurchaseOrderId,
    PurchaseReceipt,
    PurchaseStatus,
    Received,
    Supplier,
    SupplyDelivery,
    SupplyTerms,
)
from smartshop.data_collection.schemas.waits import Returned, Wait
from smartshop.data_collection.schemas.webhooks import WebhookAnswer


# ---------------------------------------------------------------------------------------------- the log
class LogEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One event with what follows from it; all of it becomes durable together, or none."""

    event: StoredEvent
    order: Order | None = None
    refund: Refund | None = None
    goods_return: Return | None = None
    called_off: CalledOff | None = None
    link: IdentityLink | None = None
    consent: ConsentChange | None = None
    customer: Customer | None = None
    """Traits learned from `identified`; merged into what is known."""
    count_only: bool = False
    """Analytics consent is withdrawn: the event is counted per kind and day, its content is not kept."""


class Outcome(msgspec.Struct, frozen=True):
    """What became of one entry: exactly one of stored, duplicate, conflict (a sentence)."""

    stored: bool
    conflict: str | None = None
    other_content: bool = False
    """A duplicate whose content differs from the first; shown by /v1/quality."""


class PendingBatch(msgspec.Struct, frozen=True):
    """A committed batch whose messages were not yet published."""

    batch_id: int
    messages: tuple[Message, ...]


class LogSize(msgspec.Struct, frozen=True):
    events: int
    newest_human_at: Micros | None
    oldest_at: Micros | None
    last_no: int = 0
    """The newest log number given; 0 in an empty log."""


class EventLog(Protocol):
    """The durable log. `append` is the only way in, and `event_seen` alone decides what is a duplicate.

    Key of de-duplication: (shopper_key, event_id, trust): a publishable key can never make a vouched event look seen.
    """

    def append(self, batches: Sequence[Sequence[LogEntry]]) -> tuple[list[list[Outcome]], list[int]]:
        """Store several requests' batches in one transaction; one outbox row per batch with anything stored.

        Returns the outcomes in the order given, and the outbox batch ids (0 where nothing was stored). Orders: same id
        and content = the event is a duplicate; other content = conflict, nothing of that entry stored. Concurrent
        writers storing the same key: exactly one gets `stored`.
        """

    def pending(self, older_than: Micros, limit: int = 100) -> list[PendingBatch]:
        """Outbox batches committed before `older_than`, oldest first: what a crash left behind."""

    def mark_published(self, batch_ids: Sequence[int]) -> None: ...

    def recent(self, shopper: Shopper, kinds: Sequence[EventKind], limit: int) -> list[StoredEvent]:
        """The newest `limit` events of these kinds that are this shopper's own, newest last, each event_id once."""

    def scan(
        self, after: int = 0, until: Micros | None = None, kinds: Sequence[EventKind] = (), batch_size: int = 10_000
    ) -> Iterator[list[tuple[int, StoredEvent]]]:
        """All events in log order with their log number, occurred at or before `until`; for learning. Resumable."""

    def size(self) -> LogSize: ...
    def tallies(self) -> dict[str, int]:
        """What was told but not kept, since the beginning: only_counted, duplicate, other_content → events."""

    def prune(self, before: Micros) -> int:
        """Forget de-duplication keys seen before this; events so old are refused at the door. Returns how many."""


class QuarantinedRow(msgspec.Struct, frozen=True, kw_only=True):
    """What was refused, as it came, with the reason; replayable after a fix."""

    row_id: int = 0
    source: str
    reason: str
    """A short code, colon, sentence: `too_old: occurred_at 2001-… is more than 60 days ago.`"""
    raw: bytes
    received_at: Micros
    trust: str
    replayed_at: Micros | None = None


class Quarantine(Protocol):
    def add(self, rows: Sequence[QuarantinedRow]) -> None: ...
    def page(self, after: int = 0, limit: int = 100, source: str | None = None) -> list[QuarantinedRow]:
        """Rows not yet replayed, by row_id."""

    def mark_replayed(self, row_ids: Sequence[int], now: Micros) -> None: ...
    def counts(self) -> dict[str, int]:
        """Reason code → rows not yet replayed."""


# ------------------------------------------------------------------------------------------ the catalogue
class Catalogue(Protocol):
    """Products by id and by number. `product_no` is dense from 0, given at first sight, never reused."""

    def upsert(self, products: Sequence[Product], now: Micros) -> list[ProductNo]:
        """Add or replace; a deleted product comes back under its old number."""

    def ensure(self, product_ids: Sequence[ProductId], now: Micros) -> dict[ProductId, ProductNo]:
        """Numbers of these products; unknown ones are created bare (title = id, no offer)."""

    def delete(self, product_ids: Sequence[ProductId], now: Micros) -> int: ...
    def get(self, product_ids: Sequence[ProductId]) -> dict[ProductId, ListedProduct]:
        """Deleted products are absent."""

    def product_of(self, variant_ids: Sequence[VariantId]) -> dict[VariantId, ProductId]: ...
    def changed_since(self, since: Micros) -> list[ListedProduct]:
        """Everything changed at or after `since`, deleted ones too, by product_no; `since` 0 = all."""

    def page(self, after: ProductNo | None, limit: int, category: str | None = None) -> list[ListedProduct]:
        """Living products by product_no, `category` a path prefix."""


class Prices(Protocol):
    """Prices told by themselves, without their products."""

    def set(self, changes: Sequence[PriceChange], at: Micros, now: Micros) -> list[PriceOutcome]:
        """Each in the order given, all in one transaction; of a variant that no product has nothing is kept.

        `at` is the shop's present, from which an undated price holds; `now` stamps the products that changed.
        """

    def history(self, variant_ids: Sequence[VariantId] | None = None, since: Micros | None = None) -> list[PricePoint]:
        """What was asked from `since` (None: ever) on, of these variants or (None) all, by variant, market, currency
        and time; what is planned as well. Every change of an offer is in it, whichever way it came, and what was before
        the first is not.
        """


class Customers(Protocol):
    """Customers, links, consent: applied in the order received, owners computed when asked."""

    def shopper(self, customer_id: CustomerId | None, anonymous_id: AnonymousId | None, vouched: bool) -> Shopper:
        """Who is asking. `vouched`: the request came with a secret key or this shopper's own token; else the
        customer_id is not looked at. With both ids, the browser's own unclaimed events count as well."""

    def get(self, customer_id: CustomerId) -> Customer | None: ...
    def upsert(self, customers: Sequence[Customer], now: Micros) -> None: ...
    def has_identified(self, anonymous_id: AnonymousId) -> bool: ...
    def link(self, link: IdentityLink) -> None: ...
    def links(self) -> list[IdentityLink]:
        """All links by (received_at, anonymous_id, customer_id); owners follow from `pipelines.identity`."""

    def set_consent(self, change: ConsentChange) -> Consent: ...
    def consent(self, shopper_key: str, is_customer: bool) -> Consent: ...
    def consents_changed_since(self, since: Micros) -> list[ConsentChange]:
        """What holds of every purpose that a shopper decided at or after `since` (0 = all), oldest first."""

    def merge(self, from_customer: CustomerId, into: CustomerId, now: Micros) -> None: ...
    def undo_merge(self, from_customer: CustomerId, now: Micros) -> bool: ...
    def merges(self) -> dict[CustomerId, CustomerId]:
        """Who was merged into whom, as told; `pipelines.identity` follows the chains."""


class Erasure(Protocol):
    """Customers erased everywhere, and kept out from then on by keyed hashes of their ids alone.

    A customer is erased with everybody merged into them, and with the browsers that were theirs alone. Of a browser
    shared with another customer only their own stretches go, and it may be used on. Orders, refunds and goods that
    came back are kept without any id, so that the books stay right.
    """

    def erase(self, customer_id: CustomerId, now: Micros) -> ErasureReceipt:
        """All or nothing in effect: once begun they are known to nobody, and a crash in between is completed by the
        next call or by `finish`. Erasing again gives the first receipt.

        Raises:
            NotFound: nothing is stored of this customer.
        """

    def finish(self) -> int:
        """Complete what a crash left half done; how many erasures that were."""

    def refresh(self) -> int:
        """Read what other processes erased; how many ids are erased by now. At least every second, so it is cheap."""

    def is_erased(self, customer_id: CustomerId | None, anonymous_id: AnonymousId | None) -> bool:
        """Whether either was; from memory, as of the last `refresh`."""

    def export(self, customer_id: CustomerId) -> Iterator[tuple[str, list[msgspec.Raw]]]:
        """Everything that is stored of a customer, as JSON records in pages under the name of what they are.

        Raises:
            NotFound: nothing is.
        """


class Orders(Protocol):
    """Orders by id; the first content wins."""

    def place(self, entry: LogEntry) -> Order:
        """Store an order with its `order_completed` event and outbox row, taking stock, all in one transaction.

        The same order again returns the first one and takes nothing.

        Raises:
            OutOfStock: a line asks for more than can be sold; nothing is stored.
            OrderConflict: the id exists with other content.
        """

    def get(self, order_id: OrderId) -> Order | None: ...
    def of_customer(self, customer_id: CustomerId, limit: int = 50) -> list[Order]: ...
    def scan(
        self, until: Micros | None = None, batch_size: int = 2_000, *, since: Micros | None = None
    ) -> Iterator[list[Order]]:
        """Placed orders (never only claimed ones) by ordered_at, `since` and `until` included; for learning."""

    def refunds(self, until: Micros | None = None, *, since: Micros | None = None) -> Iterator[Refund]:
        """By refunded_at, between the same moments. One that a browser claimed counts once the shop knows the order as
        that shopper's."""

    def movements(self, order_id: OrderId) -> list[StockMovement]:
        """What an order took from the shelf, and what of it came back or was written off, by their ids."""

    def called_off(self, told: Sequence[Order]) -> dict[OrderId, dict[LineId, int]]:
        """Units of their lines that were called off; orders of which nothing was are absent."""

    def call_off(
        self, order_id: OrderId, entry_of: Callable[[Order, Sequence[Refund]], LogEntry | None]
    ) -> tuple[Order, list[Refund], LogEntry | None]:
        """Store what `entry_of` makes of the order and of its refunds that count; of many at once each sees the refunds
        of those before. Returns the three; None: it made nothing. It may be asked more than once, and what it raises
        stores nothing.

        Raises:
            NotFound: there is no such order.
            Erased: its shopper is just being erased.
        """


class Stock(Protocol):
    """Levels per variant and location = sum of movements; never below zero. A variant never counted is unlimited."""

    def move(self, movements: Sequence[StockMovement], now: Micros) -> int:
        """Apply all or none; known movement_ids are skipped. Returns how many were new.

        Raises:
            OutOfStock: a level would fall below zero.
        """

    def count(self, counts: Sequence[StockCount], now: Micros) -> int: ...
    def transfer(self, transfers: Sequence[StockTransfer], now: Micros) -> int:
        """Carry units between locations, all or none; known transfer_ids are skipped. Returns how many were new.

        Raises:
            OutOfStock: fewer can be carried than asked for; what open baskets keep stays where it is.
        """

    def levels(self, variant_ids: Sequence[VariantId]) -> dict[VariantId, dict[LocationId, int]]: ...
    def changed_since(self, since: Micros) -> list[StockLevel]: ...
    def page(
        self,
        after: tuple[VariantId, LocationId] | None,
        limit: int,
        now: Micros,
        variant_ids: Sequence[VariantId] | None = None,
    ) -> list[StockPlace]:
        """Behind `after`, by variant and location, with what is reserved at `now`; of these variants or (None) all."""

    def movements(self, variant_id: VariantId, limit: int = 100) -> list[StockMovement]: ...
    def histories(self, variant_ids: Sequence[VariantId]) -> dict[VariantId, list[StockMovement]]:
        """All that ever moved of each, newest first; what never moved is missing. A few hundred variants at a time."""


class Reservations(Protocol):
    """Units kept for open baskets: nobody else can buy or carry them away, and levels do not move.

    One ends when an order names it (`Order.reservation_id`, in the order's own transaction), when it is released, and
    by itself when its time is over, which every reading looks at. Goods that are lost or counted away are gone though
    they were reserved; then the first who order get what there is. Of a variant never counted nothing needs keeping.
    """

    def reserve(self, reservation: Reservation, now: Micros, *, most_of_shopper: int | None = None) -> Reservation:
        """Keep the units of all its lines, or none. The same live one again is the first one.

        Raises:
            OutOfStock: fewer are free than a line asks for.
            Conflict: the id keeps other units, or the shopper has `most_of_shopper` live ones.
            InvalidValue: it is over already, or ends later than any may.
            Erased: the shopper was.
        """

    def renew(self, reservation_id: str, expires_at: Micros, now: Micros) -> Reservation:
        """Let it end later (or sooner).

        Raises:
            NotFound: there is none, or it is over.
            OutOfStock: some of its units were lost meanwhile; it stays as it was.
        """

    def release(self, reservation_id: str) -> bool: ...
    def get(self, reservation_id: str, now: Micros) -> Reservation | None:
        """None also when it is over."""

    def kept(
        self, now: Micros, variant_ids: Sequence[VariantId] | None = None
    ) -> dict[VariantId, dict[LocationId, int]]:
        """Units that live ones keep, of these variants or (None) of all; others are absent."""

    def sweep(self, before: Micros) -> int:
        """Forget those that were over before this; returns how many."""


class Waits(Protocol):
    """Who waits for what is sold out, in the order of asking. An asking is answered once, however often one looks.

    Shopper keys are spelled as baskets' (`basket_owner`). An asking older than a year counts as given up.
    """

    def ask(self, wait: Wait, now: Micros) -> Wait:
        """Wait for it from now on; who waits for the same already keeps their place, and gets the first one back.

        Raises:
            Conflict: the shopper waits for as much as one may.
            Erased: the shopper was.
        """

    def give_up(self, shopper_keys: Collection[str], item_id: str) -> bool: ...
    def of_shopper(self, shopper_keys: Collection[str], now: Micros) -> list[Wait]:
        """Newest first, those that were answered lately as well."""

    def awaited(self, now: Micros, product_ids: Sequence[ProductId] | None = None) -> set[ProductId]:
        """Products, of these or (None) of all, that somebody waits for who was not told yet."""

    def tell(self, returned: Returned, now: Micros) -> list[Wait]:
        """Answer those who asked first: so many people that, with whoever was told of the variant since
        `returned.since`, they are at most `returned.people`. By two who call at once nobody is chosen twice.
        """

    def told_since(self, since: Micros) -> list[Wait]:
        """Answered then or later, in that order."""

    def sweep(self, now: Micros) -> int:
        """Forget what is of no use any more; returns how many."""


class WaitNews(Protocol):
    """Which answers reached whom: pages of the shop, and the shop's own webhook. Each once."""

    def unseen(self, shopper_keys: Collection[str], since: Micros) -> list[Wait]:
        """Answered since then, and not shown to them yet."""

    def mark_seen(self, shopper_keys: Collection[str], product_id: ProductId, now: Micros) -> None: ...
    def unsent(self, since: Micros, limit: int) -> list[Wait]:
        """Of the oldest notice since then that is not sent whole, in the order of asking; empty when all are."""

    def mark_sent(self, waits: Sequence[Wait], now: Micros) -> None: ...


class Suppliers(Protocol):
    """Suppliers, few and small, and what they ask for which variant."""

    def save(self, supplier: Supplier) -> bool:
        """Add or replace; True: it is new."""

    def get(self, supplier_id: SupplierId) -> Supplier | None: ...
    def all(self) -> list[Supplier]:
        """By supplier_id."""

    def delete(self, supplier_id: SupplierId) -> bool:
        """With all its terms. What was ordered from it stays told.

        Raises:
            Conflict: an order of it is still open.
        """

    def set_terms(self, terms: Sequence[SupplyTerms]) -> None:
        """Add or replace, all or none; a preferred one ends the preference of the variant's other suppliers.

        Raises:
            NotFound: there is no such supplier.
        """

    def terms(
        self,
        variant_ids: Sequence[VariantId] | None = None,
        supplier_id: SupplierId | None = None,
        after: VariantId | None = None,
        limit: int | None = None,
    ) -> list[SupplyTerms]:
        """By variant, the preferred supplier first; of these variants, of this supplier, or all."""

    def drop_terms(self, supplier_id: SupplierId, variant_id: VariantId) -> bool: ...


class PurchaseOrders(Protocol):
    """What is ordered from suppliers, and what comes of it. Every step is one transaction and harmless to repeat."""

    def draft(self, order: PurchaseOrder) -> PurchaseOrder:
        """Keep a new one; the same again is the first one.

        Raises:
            NotFound: there is no such supplier.
            Conflict: the id was used for another content.
        """

    def step(
        self, purchase_order_id: PurchaseOrderId, to: PurchaseStatus, now: Micros, expected_at: Micros | None = None
    ) -> PurchaseOrder:
        """Approve, send or cancel it. Sending expects the goods at `expected_at`, else when it was expected before,
        else after the supplier's lead time, else nobody knows when.

        Raises:
            NotFound: there is none.
            Conflict: that does not follow from where it stands.
        """

    def receive(self, receipt: PurchaseReceipt, now: Micros) -> Received:
        """Book goods that came, with their stock movements; more than was ordered is booked as well.

        Raises:
            NotFound: there is no such order.
            Conflict: it was not sent or is cancelled, has no such line, or the receipt's id was used for other goods.
        """

    def enter(self, orders: Sequence[PurchaseOrder], receipts: Sequence[PurchaseReceipt], now: Micros) -> None:
        """Keep orders as they stand and then book goods, of these or others, all or none: what was done before the
        shop told of it. Orders and receipts that are known stay as they are.

        Raises:
            NotFound, Conflict: as `draft` and `receive` say.
        """

    def get(self, purchase_order_id: PurchaseOrderId) -> PurchaseOrder | None: ...
    def page(
        self,
        after: tuple[Micros, PurchaseOrderId] | None,
        limit: int,
        status: PurchaseStatus | None = None,
        supplier_id: SupplierId | None = None,
    ) -> list[PurchaseOrder]:
        """Newest first, behind that creation and id."""

    def incoming(self, variant_ids: Sequence[VariantId] | None = None) -> list[IncomingUnits]:
        """What approved orders still bring, of these variants or (None) all, by variant and expected_at."""

    def deliveries(self, since: Micros, supplier_id: SupplierId | None = None) -> list[SupplyDelivery]:
        """Receipts since then, by received_at."""


class ProposalBook(Protocol):
    """What was decided about ordering more, kept to be judged by what happened. All times are the shop's own."""

    def keep(self, told: Sequence[ToldProposal]) -> int:
        """Add them; how many now stand as told. The same id replaces its own row, but never one that was scored or
        is followed by an order not called off, and "not now" never one that said to order.
        """

    def follow(self, order: PurchaseOrder, proposals: Mapping[VariantId, str]) -> PurchaseOrder:
        """Draft it, of these proposals (of every line's variant one), in one transaction: without the lines of those
        that another order follows already, and of those that are not kept. The newest of those others where no line is
        left.

        Raises:
            NotFound: there is no such supplier, or none of the proposals is kept.
            Conflict: the order's id was used for another content.
        """

    def followers(self, proposal_ids: Sequence[str]) -> dict[str, PurchaseOrder]:
        """The purchase order made from each, however far it came. Absent: none was, or it was called off."""

    def get(self, proposal_id: str) -> KeptProposal | None: ...
    def due(self, now: Micros, limit: int) -> list[KeptProposal]:
        """Those to be scored by now (`due_at`, or when told to look again), with their laws, longest due first."""

    def settle(self, scores: Sequence[ProposalScore]) -> None:
        """Keep these scores instead of earlier ones, due again when they say. What is scored for good loses its law.
        Unknown ids are skipped.
        """

    def decided(self, since: Micros, until: Micros) -> Iterator[list[KeptProposal]]:
        """Decided from `since` on and before `until`, oldest first, in batches and without their laws."""

    def prune(self, before: Micros) -> int:
        """Forget what was decided before; how many."""


class Alerts(Protocol):
    """What an operator is warned of about stock and supply. Times are real ones."""

    def look(self, found: Sequence[FoundAlert], kinds: Collection[AlertKind], now: Micros) -> AlertChange:
        """Take over what a look found: new ones open, those open already are seen again, open ones of the kinds that
        were looked for and not found close. One that comes again opens anew; an acknowledgement until a date still
        holds then, one without is over. Any is over once it is graver than it was when acknowledged.
        """

    def open_ids(self) -> frozenset[AlertId]:
        """Not closed, acknowledged or not."""

    def get(self, alert_id: AlertId) -> Alert | None: ...
    def page(self, asked: AlertFilter, now: Micros, *, offset: int = 0, limit: int = 100) -> list[Alert]:
        """The gravest first, among these those with most at stake."""

    def acknowledge(self, alert_id: AlertId, until: Micros | None, note: str, now: Micros) -> Alert:
        """It is known: until a moment, or (None) as long as it is so. The same again changes nothing.

        Raises:
            NotFound: there is none.
            Conflict: it is closed.
        """

    def raised_after(self, number: int | None) -> tuple[int, list[Alert]]:
        """The newest number of a look that opened any, and what was opened behind `number` and still is; with None the
        number alone."""

    def prune(self, before: Micros) -> int:
        """Forget what closed before; how many."""


class DemandCauses(Protocol):
    """What is known of days beyond what the books tell, past and to come: events of the shop, and weather."""

    def tell(self, causes: Sequence[DemandCause]) -> list[str | None]:
        """Add or replace them, by name, day and place, in one transaction; the last of the same ones stands. None for
        each that is kept, else the sentence why not: days of its name are of another kind.

        Raises:
            TooManyNames: with these the shop would have more names of a kind than it may; nothing is kept.
        """

    def names(self) -> dict[str, CauseKind]: ...
    def summary(self) -> list[NamedCause]:
        """What is told under each name, by name."""

    def page(self, asked: CauseFilter, *, offset: int = 0, limit: int = 100) -> list[DemandCause]:
        """By name, day and place, everywhere first."""

    def scan(self, batch_size: int = 10_000) -> Iterator[list[DemandCause]]:
        """All of them in that order; for learning."""

    def forget(self, asked: CauseFilter) -> int:
        """Delete them; how many. A name without days is gone."""


class Standings(Protocol):
    """Where customers stand, in which segments there are, and how both came about.

    A customer who withdrew personalisation, was merged into another or was erased has no standing.
    """

    def replace_all(
        self,
        standings: Iterable[Standing],
        refit: Refit,
        segments: Sequence[Segment],
        moves: Iterable[SegmentMove] = (),
    ) -> None:
        """What a refit found: in many short transactions, so that nobody else waits long for theirs. Customers it does
        not name lose their standing, unless a live `put` gave them one with a log number above the refit's meanwhile;
        a standing newer than the one told also stays as it is. Run again after a crash it ends the same. Segments are
        added or replaced first (behavioural ones keep the name that stands), then `moves` (those worth keeping in
        customers' histories) and the refit last.

        Raises:
            Conflict: another refit began to be stored meanwhile; this one's rest is left out.
            InvalidValue: a standing holds a number that is none.
        """

    def add_refit(self, refit: Refit) -> None:
        """One that changed no standing (held back); the same version again replaces it."""

    def refits(self, limit: int = 24) -> list[Refit]:
        """Newest first."""

    def segments(self) -> list[Segment]: ...
    def rename(self, segment_id: SegmentId, name: str, now: Micros) -> bool:
        """Give a behavioural segment another name, which refits keep, those under way as well. False: no such segment.

        Raises:
            Conflict: it is an RFM group, it ended before `now`, or another living segment has the name, in capitals or
                not.
        """

    def sizes(self) -> dict[SegmentId, int]:
        """Customers per segment now, of both kinds; live moves count at once."""

    def figures(self) -> dict[SegmentId, SegmentFigures]:
        """What segments are worth now, of both kinds; one without customers is absent."""

    def put(self, standings: Sequence[Standing], moves: Sequence[SegmentMove]) -> None:
        """Live changes, all or none. An older `log_no` than the stored one's changes nothing, and its moves with it;
        so does one of a customer who may have no standing.
        """

    def get(self, customer_ids: Sequence[CustomerId]) -> dict[CustomerId, Standing]: ...
    def drop(self, customer_ids: Sequence[CustomerId], cause: str, now: Micros) -> None:
        """Standing and affinities go; moves out of the segments are kept with that cause (but for `erased`: none)."""

    def scan(self, batch_size: int = 5_000) -> Iterator[list[Standing]]:
        """All, by customer_id."""

    def page(self, segment_id: SegmentId, after: CustomerId | None, limit: int) -> list[Standing]:
        """Of one segment, by customer_id."""

    def moves(self, customer_id: CustomerId | None = None, limit: int = 100) -> list[SegmentMove]:
        """Newest first."""

    def prune_moves(self, before: Micros) -> int:
        """Forget moves made before this; returns how many. They are worth keeping for 400 days."""


class Audiences(Protocol):
    """Saved rules, and who matches them now. Consent to the purpose is applied in the same question, always."""

    def save(self, audience: Audience) -> None:
        """Add or replace.

        Raises:
            InvalidValue: a rule names an audience or segment that is not there, or closes a circle.
        """

    def check(self, definition: Rule) -> None:
        """Look at a rule as `save` does, and save nothing.

        Raises:
            InvalidValue: as `save` says.
        """

    def get(self, audience_id: AudienceId) -> Audience | None: ...
    def all(self) -> list[Audience]:
        """By name."""

    def delete(self, audience_id: AudienceId) -> bool:
        """Raises:
        Conflict: another audience's rule names it.
        """

    def size(self, definition: Rule, purpose: Purpose, now: Micros) -> AudienceSize:
        """How many match now; `now` is the shop's present, from which "days since" count.

        A rule that names another audience means who matches that one's rule, whatever that one is for. Who does not
        allow personalisation or is merged into another is not even counted. A segment that is not there holds nobody.
        """

    def page(
        self, definition: Rule, purpose: Purpose, now: Micros, after: CustomerId | None, limit: int
    ) -> list[Standing]:
        """Who match and allow the purpose, by customer_id."""

    def overlap(self, definitions: Sequence[Rule], purpose: Purpose, now: Micros) -> list[list[int]]:
        """(n, n): how many are in both i and j; the diagonal is the sizes. At most 12 at once."""

    def start_push(self, push: AudiencePush) -> None: ...
    def push_under_way(self, otherwise: AudiencePush) -> AudiencePush:
        """Its audience's newest push where that has not ended; else `otherwise`, which is started. Of many who ask at
        once one starts its own.
        """

    def take_push(self, push_id: str, deliverer: str) -> AudiencePush | None:
        """Deliver it from now on, instead of whoever did; one that has ended is told as it is, None is no such push."""

    def report_push(self, push: AudiencePush) -> bool:
        """False: another deliverer took it meanwhile, and nothing was written."""

    def pushes(self, audience_id: AudienceId | None = None, limit: int = 20) -> list[AudiencePush]:
        """Newest first."""


class Webhooks(Protocol):
    """Messages to addresses outside, signed with the shop's own secret; redirects are never followed."""

    async def post(self, url: str, webhook_id: str, timestamp_seconds: int, body: bytes) -> WebhookAnswer:
        """Send once, and say what was answered, whatever it was.

        Raises:
            AddressRefused: the address may not be called, now or later.
            Unavailable: no whole answer came in time.
        """


class Rules(Protocol):
    """The merchant's rules, few and small, read whole; a number tells whether they are still those read before."""

    def add(self, rules: Sequence[MerchantRule]) -> list[MerchantRule]:
        """Keep new ones, all or none; as they stand now, with their versions.

        Raises:
            Conflict: the shop would have more rules than it can, or has one of such an id.
        """

    def replace(self, rule: MerchantRule, expected: int | None = None) -> MerchantRule | None:
        """Keep it instead of the one of its id, under a new version; None: there is no such rule.

        Raises:
            Conflict: the version that stands is not the `expected` one; nothing changes.
        """

    def get(self, rule_id: RuleId) -> MerchantRule | None: ...
    def all(self) -> list[MerchantRule]:
        """By name, then id."""

    def delete(self, rule_id: RuleId) -> bool: ...
    def state(self) -> int:
        """Rises with every write that changed anything, so that one number a second is all there is to read."""


class Decisions(Protocol):
    """The decision log, in a file of its own; a crash may lose the last second."""

    def write(self, decisions: Sequence[Decision]) -> None: ...
    def get(self, decision_id: DecisionId) -> Decision | None: ...
    def scan(self, since: Micros, until: Micros) -> Iterator[list[Decision]]: ...
    def prune(self, before: Micros) -> int: ...
    def count(self) -> int: ...


# -------------------------------------------------------------------------------------------- the models
class ModelRecord(msgspec.Struct, frozen=True, kw_only=True):
    agent: str
    version: ModelVersion
    trained_at: Micros
    data_until: Micros
    """The newest event learned from."""
    log_no: int
    sha256: str
    """Of the manifest, which holds the sha256 of every file."""
    metrics: dict[str, float] = {}
    promoted_at: Micros | None = None


class Models(Protocol):
    """Immutable version folders; which one serves is a row, so that promotion is one atomic write seen by all."""

    def new_folder(self, agent: str, version: ModelVersion) -> Path:
        """An empty scratch folder to write arrays into; `publish` seals it."""

    def publish(self, record: ModelRecord, folder: Path) -> ModelRecord:
        """Write the manifest, fsync, rename into place, add the row (not promoted)."""

    def promote(self, agent: str, version: ModelVersion, now: Micros) -> None: ...
    def promoted(self, agent: str) -> ModelRecord | None: ...
    def history(self, agent: str | None = None, limit: int = 20) -> list[ModelRecord]: ...
    def open(self, record: ModelRecord) -> Path:
        """The folder of a version after checking sizes and sha256 against the manifest.

        Raises:
            ModelRefused: cut, altered, missing or of another format version.
        """


# ------------------------------------------------------------------------------------ keys, jobs, letters
class ApiKey(msgspec.Struct, frozen=True, kw_only=True):
    key_id: str
    kind: str
    """secret or publishable."""
    sha256: str
    label: str
    created_at: Micros
    revoked_at: Micros | None = None
    plain: str | None = None
    """Kept for publishable keys only (they are public by nature: the storefront page carries one)."""


class Keys(Protocol):
    def add(self, key: ApiKey) -> None: ...
    def all(self) -> list[ApiKey]: ...
    def revoke(self, key_id: str, now: Micros) -> bool: ...
    def secret(self, name: str, make: bytes) -> bytes:
        """The shop's own signing secret of that name; the first `make` ever given stays."""


class JobRecord(msgspec.Struct, frozen=True, kw_only=True):
    job_id: int = 0
    name: str
    arguments: dict[str, str] = {}
    state: str = "queued"
    """queued, running, done, failed."""
    progress: float = 0.0
    note: str = ""
    queued_at: Micros
    started_at: Micros | None = None
    finished_at: Micros | None = None


class Jobs(Protocol):
    def enqueue(self, job: JobRecord) -> int: ...
    def claim(self, now: Micros, *, only: Collection[str] = (), but: Collection[str] = ()) -> JobRecord | None:
        """Take the oldest queued job; two workers never get the same.

        `only` these names, where any are told, and none of `but`. A job running without news for 10 minutes is free
        again.
        """

    def report(self, job_id: int, progress: float, note: str, now: Micros) -> None: ...
    def finish(self, job_id: int, state: str, note: str, now: Micros) -> None: ...
    def get(self, job_id: int) -> JobRecord | None: ...
    def recent(self, limit: int = 50) -> list[JobRecord]: ...
    def alive(self) -> list[JobRecord]:
        """All that are queued or running, the oldest first."""

    def newest(self, name: str) -> JobRecord | None:
        """The one of this name that was queued last."""

    def beat(self, process: str, now: Micros, note: str = "") -> None:
        """Heartbeat of a process or agent."""

    def beats(self) -> dict[str, tuple[Micros, str]]: ...


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    letter_id: int = 0
    agent: str
    message: Message
    error: str
    failed_at: Micros


class DeadLetters(Protocol):
    def add(self, letter: DeadLetter) -> None: ...
    def page(self, after: int = 0, limit: int = 100) -> list[DeadLetter]: ...
    def remove(self, letter_ids: Sequence[int]) -> None: ...


class ImportMark(msgspec.Struct, frozen=True, kw_only=True):
    """How far an import came: its content's hash and the rows behind it, so that it resumes."""

    import_key: str
    rows_done: int
    finished: bool
    report: dict[str, int] = {}


class Imports(Protocol):
    def mark(self, mark: ImportMark, now: Micros) -> None: ...
    def find(self, import_key: str) -> ImportMark | None: ...
    def all(self) -> list[ImportMark]: ...


# ------------------------------------------------------------------------------------------- real time
class Profiles(Protocol):
    """The shopper's present."""

    async def fold(self, events: Sequence[StoredEvent]) -> None:
        """Take new events in; twice, late or out of order changes nothing more."""

    async def read(self, shopper: Shopper) -> Profile: ...
    async def forget(self, shopper: Shopper) -> None: ...


class Cache(Protocol):
    """Short-lived values; losing one only costs time."""

    async def get(self, key: str) -> bytes | None: ...
    async def put(self, key: str, value: bytes, ttl_seconds: float) -> None: ...
    async def add(self, key: str, amount: int, ttl_seconds: float) -> int:
        """Add to a counter that starts at 0 and lives `ttl_seconds` from its first use; return the sum."""

    async def drop(self, key: str) -> None: ...


class Delivery(msgspec.Struct, frozen=True):
    delivery_id: str
    message: Message


class Bus(Protocol):
    """At least once to every group. Within a group a message goes to one reader; unacknowledged ones come again."""

    async def publish(self, messages: Sequence[Message]) -> None: ...
    def subscribe(self, group: str, kinds: Sequence[type[Message]]) -> AsyncIterator[Sequence[Delivery]]:
        """Batches of at most 500, as they come; ends when the bus closes."""

    async def acknowledge(self, group: str, delivery_ids: Sequence[str]) -> None: ...
    def backlog(self) -> Mapping[str, int]:
        """Group → messages not yet acknowledged."""

    async def close(self) -> None: ...
