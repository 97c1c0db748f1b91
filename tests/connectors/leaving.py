"""A shop in which one customer who leaves and one who stays did everything that leaves a trace, and looks into it."""

from functools import partial

import msgspec
from sqlalchemy import Connection, Table, select

from smartshop.data_collection.connectors.ports import DeadLetter, JobRecord, LogEntry, QuarantinedRow
from smartshop.data_collection.connectors.sql import tables
from smartshop.data_collection.connectors.sql.stores import SqlStores
from smartshop.data_collection.schemas.audiences import (
    AllOf,
    Audience,
    AudienceId,
    AudiencePush,
    Listed,
    Not,
    PushState,
)
from smartshop.data_collection.schemas.customers import ConsentChange, Customer
from smartshop.data_collection.schemas.events import EventKind, StoredEvent, Trust
from smartshop.data_collection.schemas.ids import (
    AnonymousId,
    CustomerId,
    DecisionId,
    Micros,
    OrderId,
    ProductId,
    ShopperKey,
    VariantId,
)
from smartshop.data_collection.schemas.messages import EventsAccepted, SlateRefreshed
from smartshop.data_collection.schemas.orders import Refund, Return
from smartshop.data_collection.schemas.segments import (
    Affinity,
    AffinityKind,
    SegmentId,
    SegmentKind,
    SegmentMove,
    Standing,
)
from smartshop.data_collection.schemas.slates import Decision, Policy, Surface
from smartshop.data_collection.schemas.stock import Reservation, ReservedLine, StockCount, basket_owner
from smartshop.data_collection.schemas.waits import Wait
from tests.connectors.told import NOON, append, at, event, link, order, order_entry

ADA, OLD_ADA, BOB = CustomerId("ada-lovelace"), CustomerId("ada-before"), CustomerId("bob-babbage")
LAPTOP, TABLET, BOBS = AnonymousId("laptop-of-ada"), AnonymousId("tablet-shared"), AnonymousId("phone-of-bob")
ADAS = (ADA, OLD_ADA, LAPTOP)
"""Ids of which nothing may be left."""


# -------------------------------------------------------------------------------------------- what is told
def fill(stores: SqlStores) -> None:
    """A shop in which Ada and Bob did everything that leaves a trace."""
    stores.stock.count(
        [StockCount(movement_id="c", variant_id=VariantId("tent-green"), level=50, occurred_at=NOON)], NOON
    )
    told = [
        event("view-1", customer_id=ADA, trust=Trust.SERVER),
        event("claimed", customer_id=ADA, anonymous_id=BOBS),
        event("old-view", customer_id=OLD_ADA, trust=Trust.SHOPPER),
        event("laptop-1", anonymous_id=LAPTOP, occurred_at=at(2)),
        event("tablet-ada", anonymous_id=TABLET, occurred_at=at(10)),
        event("tablet-bob", anonymous_id=TABLET, occurred_at=at(30)),
        event("tablet-bobs-own", anonymous_id=TABLET, customer_id=BOB, occurred_at=at(31), trust=Trust.SERVER),
        event("bob-1", customer_id=BOB, trust=Trust.SERVER),
        event("bob-2", anonymous_id=BOBS),
    ]
    append(stores, *told)
    for browser, customer, seconds in ((LAPTOP, ADA, 3), (TABLET, ADA, 5), (TABLET, BOB, 20), (BOBS, BOB, 4)):
        stores.customers.link(link(browser, customer, seconds))
    for customer in (ADA, OLD_ADA, BOB):
        stores.customers.upsert([Customer(customer_id=customer, city="London", traits={"nick": customer})], NOON)
    stores.customers.merge(OLD_ADA, ADA, NOON)
    for key, is_customer in ((ADA, True), (LAPTOP, False), (BOB, True)):
        changes = {"marketing": False}
        stores.customers.set_consent(
            ConsentChange(shopper_key=ShopperKey(key), is_customer=is_customer, changes=changes, received_at=NOON)
        )
    buy(stores)
    keep(stores)
    wish(stores)
    rank(stores)
    stores.quarantine.add(
        [row(f'{{"kind":"nonsense","userId":"{ADA}"}}'), row(f'{{"kind":"nonsense","userId":"{BOB}"}}')]
    )
    stores.dead_letters.add(letter(told[0], told[7]))
    stores.dead_letters.add(
        DeadLetter(agent="a", message=SlateRefreshed(ShopperKey(LAPTOP), False, "x"), error="", failed_at=NOON)
    )
    stores.jobs.enqueue(JobRecord(name="export", arguments={"customer": ADA}, note=f"for {ADA}", queued_at=NOON))
    stores.decisions.write(
        [decision("d-ada", ADA), decision("d-laptop", LAPTOP, is_customer=False), decision("d-bob", BOB)]
    )


def rank(stores: SqlStores) -> None:
    """Where both stand, what they care for, how they came there, and an audience and a delivery that name them."""
    stores.standings.put([standing(ADA), standing(BOB)], [moved(ADA), moved(BOB)])
    both = Audience(
        audience_id=AudienceId("listed"),
        name="Listed",
        definition=AllOf((Not(Listed((ADA,))), Listed((ADA, OLD_ADA, BOB)))),
        created_at=NOON,
        changed_at=NOON,
    )
    push = AudiencePush(
        push_id="p", audience_id=both.audience_id, state=PushState.DELIVERED, delivered_to=ADA, asked_at=NOON
    )
    rows: dict[Table, dict[str, object]] = {
        tables.audiences: {"audience_id": both.audience_id, "payload": msgspec.json.encode(both)},
        tables.audience_pushes: {
            "push_id": "p", "audience_id": both.audience_id, "asked_at": NOON, "payload": msgspec.json.encode(push)
        },
    }  # fmt: skip
    for table, told in rows.items():
        stores.shop_database.write(partial(_insert, table, told))


def _insert(table: Table, told: dict[str, object], connection: Connection) -> None:
    connection.execute(table.insert(), told)


def standing(customer: CustomerId, log_no: int = 1) -> Standing:
    tents = Affinity(AffinityKind.CATEGORY, "Outdoor > Tents", 0.5)
    return Standing(
        customer_id=customer, rfm_group=SegmentId("rfm-champions"), orders=1, last_seen_at=NOON, changed_at=NOON,
        affinities=(tents,), log_no=log_no,
    )  # fmt: skip


def moved(customer: CustomerId) -> SegmentMove:
    return SegmentMove(
        customer_id=customer, kind=SegmentKind.RFM, from_segment=None, to_segment=SegmentId("rfm-champions"),
        cause="behaviour", moved_at=NOON,
    )  # fmt: skip


def buy(stores: SqlStores) -> None:
    """An order of Ada's and of her laptop's, goods that came back, money that went back; the same for Bob."""
    append(
        stores,
        order_entry(
            "buy-1",
            order("order-1", units=2, customer_id=ADA, anonymous_id=LAPTOP, reservation_id=f"basket-of-{ADA}"),
            anonymous_id=LAPTOP,
        ),
        order_entry("buy-2", order("order-2", customer_id=BOB)),
    )
    by_browser = order("order-3", customer_id=None, anonymous_id=LAPTOP, reservation_id=f"basket-of-{LAPTOP}")
    bought = event("buy-3", kind=EventKind.ORDER_COMPLETED, anonymous_id=LAPTOP, trust=Trust.SERVER, order_id="order-3")
    append(stores, LogEntry(event=bought, order=by_browser))
    for customer, order_id in ((ADA, OrderId("order-1")), (BOB, OrderId("order-2"))):
        append(stores, refunded(customer, order_id), brought_back(customer, order_id))


def keep(stores: SqlStores) -> None:
    """Units for the open baskets of Ada, of her laptop and of Bob."""
    for customer, browser in ((ADA, None), (None, LAPTOP), (BOB, None)):
        basket = Reservation(
            reservation_id=f"open-basket-of-{customer or browser}",
            lines=(ReservedLine(variant_id=VariantId("tent-green"), quantity=1),),
            reserved_at=NOON,
            expires_at=at(600),
            shopper_key=basket_owner(customer, browser),
        )
        stores.reservations.reserve(basket, NOON)


def wish(stores: SqlStores) -> None:
    """Ada, her laptop, she and Bob on the tablet, and Bob wait for a stove that is sold out."""
    for key, seconds in ((ADA, 6), (f"/{LAPTOP}", 6), (f"/{TABLET}", 10), (BOB, 6)):
        told = Wait(shopper_key=key, item_id="stove", product_id=ProductId("stove"), asked_at=at(seconds))
        stores.waits.ask(told, at(seconds))
    later = Wait(shopper_key=f"/{TABLET}", item_id="lamp", product_id=ProductId("lamp"), asked_at=at(30))
    stores.waits.ask(later, at(30))


def refunded(customer: CustomerId, order_id: OrderId) -> LogEntry:
    told = event(
        f"refund-{order_id}", kind=EventKind.ORDER_REFUNDED, customer_id=customer, trust=Trust.SERVER, order_id=order_id
    )
    refund = Refund(
        event_id=told.event_id, order_id=order_id, amount_minor=500, currency="GBP", refunded_at=NOON,
        trust=Trust.SERVER, customer_id=customer,
    )  # fmt: skip
    return LogEntry(event=told, refund=refund)


def brought_back(customer: CustomerId, order_id: OrderId) -> LogEntry:
    told = event(
        f"return-{order_id}", kind=EventKind.ORDER_RETURNED, customer_id=customer, trust=Trust.SERVER, order_id=order_id
    )
    goods = Return(
        event_id=told.event_id, order_id=order_id, lines=order("x").lines, returned_at=NOON, trust=Trust.SERVER,
        restock=True, customer_id=customer,
    )  # fmt: skip
    return LogEntry(event=told, goods_return=goods)


def row(raw: str) -> QuarantinedRow:
    return QuarantinedRow(source="late", reason="malformed: x", raw=raw.encode(), received_at=NOON, trust="client")


def letter(*told: StoredEvent) -> DeadLetter:
    return DeadLetter(agent="a", message=EventsAccepted(told), error="it failed", failed_at=NOON)


def decision(name: str, key: str, *, is_customer: bool = True) -> Decision:
    return Decision(
        decision_id=DecisionId(name), decided_at=NOON, surface=Surface.HOME, shopper_key=ShopperKey(key),
        is_customer=is_customer, policy=Policy("p", 1.0, {}), model_versions={}, product_no=[], shown=0, propensity=[],
        advisors=[], log_odds=[],
    )  # fmt: skip


# ------------------------------------------------------------------------------------------ what is looked at
def named_in(stores: SqlStores, name: str) -> list[str]:
    """Tables in which an id stands, in whichever column."""
    found = []
    for database, metadata in ((stores.shop_database, tables.shop), (stores.decisions_database, tables.decision_log)):
        with database.read() as connection:
            for table in metadata.tables.values():
                cells = (cell for one in connection.execute(select(table)) for cell in one)
                if any(_holds(cell, name) for cell in cells):
                    found.append(table.name)
    return found


def _holds(cell: object, name: str) -> bool:
    match cell:
        case str():
            return name in cell
        case bytes() | memoryview():
            return name.encode() in bytes(cell)
        case _:
            return False


def everything_of(stores: SqlStores, customer: CustomerId) -> tuple[object, ...]:
    """All that the stores answer of a customer."""
    shopper = stores.customers.shopper(customer, None, True)
    return (
        shopper.customer_ids,
        shopper.consent,
        shopper.include_claims,
        stores.customers.get(customer),
        [told.event_id for told in stores.log.recent(shopper, tuple(EventKind), 1_000)],
        stores.orders.of_customer(customer),
        stores.standings.get([customer]),
        stores.standings.moves(customer),
        [refund for refund in stores.orders.refunds() if refund.customer_id == customer],
        [told for told in stores.customers.links() if told.customer_id == customer],
        [
            told
            for page in stores.decisions.scan(Micros(0), at(1))
            for told in page
            if str(told.shopper_key) == customer
        ],
        [told.raw for told in stores.quarantine.page() if customer.encode() in told.raw],
    )


def revenue(stores: SqlStores) -> tuple[int, int, int]:
    """Orders, what they brought, what was given back."""
    placed = [told for page in stores.orders.scan() for told in page]
    back = sum(refund.amount_minor for refund in stores.orders.refunds())
    return len(placed), sum(told.total_minor for told in placed), back
