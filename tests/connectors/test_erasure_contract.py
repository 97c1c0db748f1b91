"""The contract of Erasure, on each engine: gone from every table and file, kept out, and nothing of others touched."""

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from smartshop.data_collection.connectors.sql import tables
from smartshop.data_collection.connectors.sql.erasure import SqlErasure
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
from smartshop.data_collection.schemas.events import Trust
from smartshop.data_collection.schemas.ids import (
    AnonymousId,
    CustomerId,
    DecisionId,
    ModelVersion,
    OrderId,
    ShopperKey,
    VariantId,
)
from smartshop.data_collection.schemas.segments import (
    Refit,
)
from smartshop.errors import Erased, NotFound
from tests.connectors.leaving import (
    ADA,
    ADAS,
    BOB,
    BOBS,
    LAPTOP,
    OLD_ADA,
    TABLET,
    decision,
    everything_of,
    fill,
    letter,
    moved,
    named_in,
    revenue,
    row,
    standing,
)
from tests.connectors.told import NOON, append, at, event, in_threads, link, order, order_entry


def test_nothing_of_an_erased_customer_is_left_in_any_table(stores: SqlStores) -> None:
    fill(stores)
    assert all(named_in(stores, name) for name in ADAS), "what is to be erased is there first"
    receipt = stores.erasure.erase(ADA, at(1_000))
    assert {name: named_in(stores, name) for name in ADAS} == {name: [] for name in ADAS}
    assert receipt.erased_at == at(1_000)
    told = ("events", "event_seen", "orders", "refunds", "goods_returns", "customers", "consents", "identity_links")
    assert set(told) <= set(receipt.counts), "the receipt tells what went"
    where_she_stood = {"standings": 1, "affinities": 1, "segment_moves": 1}
    assert {table: receipt.counts.get(table) for table in where_she_stood} == where_she_stood
    assert not any(name in msgspec.json.encode(receipt).decode() for name in ADAS), "and names nobody"


def test_the_books_stay_right(stores: SqlStores) -> None:
    fill(stores)
    before = revenue(stores)
    levels = stores.stock.levels([VariantId("tent-green")])
    stores.erasure.erase(ADA, NOON)
    assert revenue(stores) == before
    assert stores.stock.levels([VariantId("tent-green")]) == levels
    kept = stores.orders.get(OrderId("order-1"))
    assert kept is not None
    assert (kept.customer_id, kept.anonymous_id, kept.lines[0].quantity) == (None, None, 2)


def test_what_others_did_stays_as_it_was(stores: SqlStores) -> None:
    fill(stores)
    before = everything_of(stores, BOB)
    stores.erasure.erase(ADA, NOON)
    assert everything_of(stores, BOB) == before
    assert not stores.erasure.is_erased(BOB, BOBS)
    assert not stores.erasure.is_erased(None, TABLET), "a browser that others use as well goes on"
    assert append(stores, event("bob-later", customer_id=BOB, anonymous_id=TABLET, trust=Trust.SERVER))[0].stored


def test_of_a_shared_browser_only_their_own_stretch_goes(stores: SqlStores) -> None:
    fill(stores)
    stores.erasure.erase(ADA, NOON)
    left = {told.event_id for page in stores.log.scan() for _, told in page if told.anonymous_id == TABLET}
    assert left == {"tablet-bob", "tablet-bobs-own"}


def test_of_what_was_waited_for_on_a_shared_browser_only_their_own_goes(stores: SqlStores) -> None:
    fill(stores)
    stores.erasure.erase(ADA, NOON)
    left = {(wait.shopper_key, wait.item_id) for wait in stores.waits.of_shopper([ADA, f"/{TABLET}", BOB], NOON)}
    assert left == {(f"/{TABLET}", "lamp"), (BOB, "stove")}


def test_audiences_and_deliveries_lose_the_id_and_keep_the_rest(stores: SqlStores) -> None:
    fill(stores)
    stores.erasure.erase(ADA, NOON)
    with stores.shop_database.read() as connection:
        audience = msgspec.json.decode(
            connection.execute(select(tables.audiences.c.payload)).scalar_one(), type=Audience
        )
        push = msgspec.json.decode(
            connection.execute(select(tables.audience_pushes.c.payload)).scalar_one(), type=AudiencePush
        )
    assert audience.definition == AllOf((Not(Listed(())), Listed((BOB,))))
    assert (push.delivered_to, push.state) == (None, PushState.DELIVERED), "nobody living comes before"


def test_late_and_repeated_events_are_refused_and_the_rest_is_kept(stores: SqlStores) -> None:
    fill(stores)
    stores.erasure.erase(ADA, NOON)
    late = [
        event("view-1", customer_id=ADA, trust=Trust.SERVER),
        event("late", customer_id=OLD_ADA),
        event("on-the-laptop", anonymous_id=LAPTOP),
        event("of-bob", customer_id=BOB),
    ]
    outcomes = append(stores, *late)
    assert [outcome.stored for outcome in outcomes] == [False, False, False, True]
    assert all((outcome.conflict or "").startswith("erased: ") for outcome in outcomes[:3])
    with pytest.raises(Erased):
        stores.orders.place(order_entry("late-order", order("order-9", customer_id=ADA)))
    assert all(named_in(stores, name) == [] for name in ADAS)


def test_no_store_takes_an_erased_id_again(stores: SqlStores) -> None:
    fill(stores)
    stores.erasure.erase(ADA, NOON)
    change = ConsentChange(shopper_key=ShopperKey(ADA), is_customer=True, changes={"marketing": True}, received_at=NOON)
    attempts: list[Callable[[], object]] = [
        lambda: stores.customers.link(link(BOBS, ADA, 5)),
        lambda: stores.customers.link(link(LAPTOP, BOB, 5)),
        lambda: stores.customers.set_consent(change),
        lambda: stores.customers.merge(ADA, BOB, NOON),
    ]
    for attempt in attempts:
        with pytest.raises(Erased):
            attempt()
    refused = [row(f'{{"userId":"{ADA}"}}'), row(f'{{"customer_id": " {ADA} ", "kind": '), row('{"userId":"bob"}')]
    stores.quarantine.add(refused)
    stores.customers.upsert([Customer(customer_id=ADA), Customer(customer_id=CustomerId("new"))], NOON)
    assert stores.customers.get(CustomerId("new")) is not None
    stores.dead_letters.add(letter(event("late", customer_id=ADA)))
    stores.decisions.write([decision("late", ADA)])
    saved = stores.audiences.get(AudienceId("listed"))
    assert saved is not None
    stores.audiences.save(msgspec.structs.replace(saved, definition=Listed((ADA, BOB))))
    assert stores.audiences.get(AudienceId("listed")) == msgspec.structs.replace(saved, definition=Listed((BOB,)))
    stores.audiences.report_push(msgspec.structs.replace(stores.audiences.pushes()[0], delivered_to=ADA))
    stores.standings.put([standing(ADA, 9), standing(BOB, 9)], [moved(ADA)])
    refit = Refit(version=ModelVersion("v9"), as_of=NOON, refitted_at=NOON, log_no=9, customers=1, buyers=1, sizes={})
    stores.standings.replace_all([standing(ADA, 9), standing(BOB, 9)], refit, [], [moved(ADA)])
    assert all(named_in(stores, name) == [] for name in ADAS)
    assert [kept.raw for kept in stores.quarantine.page()][1:] == [b'{"userId":"bob"}']


def test_an_erased_customer_is_nobody_to_a_slate(stores: SqlStores) -> None:
    fill(stores)
    stores.erasure.erase(ADA, NOON)
    asking = stores.customers.shopper(ADA, BOBS, True)
    assert (asking.erased, asking.shopper_key, asking.customer_ids, asking.anonymous_id) == (True, "", (), None)
    assert stores.customers.shopper(None, LAPTOP, False).erased
    with_bob = stores.customers.shopper(BOB, LAPTOP, True)
    assert (with_bob.erased, with_bob.anonymous_id) == (False, None)


def test_erasing_again_gives_the_same_receipt_and_a_stranger_none(stores: SqlStores) -> None:
    fill(stores)
    first = stores.erasure.erase(ADA, NOON)
    assert stores.erasure.erase(ADA, at(99)) == first
    assert stores.erasure.erase(OLD_ADA, at(99)) == first
    with pytest.raises(NotFound):
        stores.erasure.erase(CustomerId("never-seen"), NOON)
    assert not stores.erasure.is_erased(CustomerId("never-seen"), None)


def test_another_process_knows_at_its_next_look(stores: SqlStores, open_again: Callable[[], SqlStores]) -> None:
    fill(stores)
    other = open_again()
    try:
        stores.erasure.erase(ADA, NOON)
        assert not other.erasure.is_erased(ADA, None)
        assert other.erasure.refresh() == 3
        assert other.erasure.is_erased(ADA, None)
        assert other.erasure.is_erased(None, LAPTOP)
        assert not other.erasure.is_erased(CustomerId(LAPTOP), None), "a customer of a browser's letters is another"
    finally:
        other.close()


def test_what_another_process_stores_meanwhile_is_refused_without_a_look(
    stores: SqlStores, open_again: Callable[[], SqlStores]
) -> None:
    fill(stores)
    other = open_again()
    try:
        stores.erasure.erase(ADA, NOON)
        assert not append(other, event("late", customer_id=ADA))[0].stored
    finally:
        other.close()


def test_who_writes_while_it_goes_on_leaves_nothing_behind(
    stores: SqlStores, open_again: Callable[[], SqlStores]
) -> None:
    """Two more writers, one of another process's stores, tell of both all the time."""
    fill(stores)
    other = open_again()

    def keep_telling(who: SqlStores, name: str) -> int:
        kept = 0
        for number in range(60):
            hers = event(f"{name}-{number}", customer_id=ADA, anonymous_id=LAPTOP)
            his = event(f"{name}-{number}", customer_id=BOB)
            kept += [outcome.stored for outcome in append(who, hers, his)][1]
            who.quarantine.add([row(f'{{"userId":"{OLD_ADA}"}}')])
            who.decisions.write([decision(f"{name}-{number}", ADA)])
            who.standings.put([standing(ADA, number)], [moved(ADA)])
        return kept

    try:
        done = in_threads(
            [
                lambda: keep_telling(stores, "here"),
                lambda: keep_telling(other, "there"),
                lambda: int(stores.erasure.erase(ADA, NOON).erased_at == NOON),
            ]
        )
    finally:
        other.close()
    assert done == [60, 60, 1]
    assert {name: named_in(stores, name) for name in ADAS} == {name: [] for name in ADAS}


class PowerCut(Exception):
    pass


def test_a_crash_in_the_middle_is_completed(
    stores: SqlStores, open_again: Callable[[], SqlStores], tmp_path: Path
) -> None:
    fill(stores)
    append(stores, *(event(f"many-{number}", customer_id=ADA) for number in range(50)))

    def cut(_: float) -> None:
        raise PowerCut

    shop, decisions = stores.shop_database, stores.decisions_database
    halting = SqlErasure(shop, decisions, stores.erasure.keys, tmp_path, rows_at_once=20, pause=cut)
    with pytest.raises(PowerCut):
        halting.erase(ADA, NOON)
    assert named_in(stores, ADA), "some of it is still there"
    assert stores.customers.shopper(ADA, None, True).erased, "but to nobody known"
    again = open_again()
    try:
        assert again.erasure.finish() == 1
        assert again.erasure.finish() == 0
        assert all(named_in(again, name) == [] for name in ADAS)
        receipt = again.erasure.erase(ADA, at(5))
        assert (receipt.erased_at, receipt.counts["events"]) == (NOON, 59)
    finally:
        again.close()


def test_in_many_transactions_it_is_the_same(stores: SqlStores, tmp_path: Path) -> None:
    fill(stores)
    pauses: list[float] = []
    keys = stores.erasure.keys
    shop, decisions = stores.shop_database, stores.decisions_database
    small = SqlErasure(shop, decisions, keys, tmp_path, rows_at_once=1, pause=pauses.append)
    before = everything_of(stores, BOB), revenue(stores)
    receipt = small.erase(ADA, NOON)
    assert all(named_in(stores, name) == [] for name in ADAS)
    assert (everything_of(stores, BOB), revenue(stores)) == before
    assert len(pauses) >= sum(receipt.counts[table] for table in ("events", "event_seen", "orders"))


def test_everything_stored_of_a_customer_is_exported(stores: SqlStores) -> None:
    fill(stores)
    told: dict[str, list[object]] = {}
    for name, page in stores.erasure.export(ADA):
        told.setdefault(name, []).extend(msgspec.json.decode(record) for record in page)
    counts = {name: len(records) for name, records in told.items() if records}
    assert counts == {
        "customers": 2,
        "merges": 1,
        "identity_links": 2,
        "consents": 2,
        "orders": 2,
        "refunds": 1,
        "goods_returns": 1,
        "stock_reservations": 2,
        "stock_waits": 3,
        "standings": 1,
        "affinities": 1,
        "segment_moves": 1,
        "audiences": 1,
        "events": 9,
        "decisions": 2,
        "refused": 1,
    }
    assert not any(BOB in msgspec.json.encode(records).decode() for records in told.values())
    stores.erasure.erase(ADA, NOON)
    for gone in (ADA, OLD_ADA, CustomerId("never-seen")):
        with pytest.raises(NotFound):
            stores.erasure.export(gone)


def test_no_file_holds_the_id_afterwards(stores: SqlStores, tmp_path: Path) -> None:
    fill(stores)
    for number in range(300):
        name = CustomerId(f"other-{number:03}")
        stores.customers.upsert([Customer(customer_id=name)], NOON)
        append(stores, event(f"a{number:03}", customer_id=ADA), event(f"b{number:03}", customer_id=name))
    stores.erasure.erase(ADA, NOON)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert stores.shop_database.is_postgres or len(files) >= 2
    held = {(path.name, name) for path in files for name in ADAS if name.encode() in path.read_bytes()}
    assert held == set()


def test_old_decisions_without_a_key_are_found_by_reading(stores: SqlStores) -> None:
    stores.decisions.write([decision("before", ADA), decision("bobs", BOB)])
    stores.decisions_database.write(
        lambda connection: connection.execute(tables.decisions.update().values(shopper_key=None))
    )
    fill(stores)
    stores.erasure.erase(ADA, NOON)
    assert stores.decisions.get(DecisionId("before")) is None
    assert stores.decisions.get(DecisionId("bobs")) is not None


# ---------------------------------------------------------------------------------------------- a property
NAMES = [CustomerId(name) for name in ("anna", "bela", "cleo")]
BROWSERS = [AnonymousId(name) for name in ("b-one", "b-two", "b-three")]
DEEDS = st.lists(
    st.one_of(
        st.tuples(st.just("view"), st.sampled_from([*NAMES, None]), st.sampled_from(BROWSERS), st.sampled_from(Trust)),
        st.tuples(st.just("link"), st.sampled_from(NAMES), st.sampled_from(BROWSERS), st.sampled_from(Trust)),
        st.tuples(st.just("order"), st.sampled_from(NAMES), st.sampled_from(BROWSERS), st.just(Trust.SERVER)),
        st.tuples(st.just("consent"), st.sampled_from(NAMES), st.sampled_from(BROWSERS), st.just(Trust.SERVER)),
    ),
    min_size=1,
    max_size=25,
)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(deeds=DEEDS)
def test_whatever_happened_others_stay_untouched_and_the_erased_is_gone(
    open_world: Callable[[], SqlStores], deeds: list[tuple[str, CustomerId | None, AnonymousId, Trust]]
) -> None:
    stores = open_world()
    for number, (what, customer, browser, trust) in enumerate(deeds):
        do(stores, number, what, customer, browser, trust)
    erased, others = NAMES[0], NAMES[1:]
    before = {other: everything_of(stores, other) for other in others}
    money = revenue(stores)
    known = any(customer == erased for _, customer, _, _ in deeds)
    try:
        stores.erasure.erase(erased, at(10_000))
        assert known
    except NotFound:
        assert not known
    assert {other: everything_of(stores, other) for other in others} == before
    assert revenue(stores) == money
    assert named_in(stores, erased) == []
    assert not any(stores.erasure.is_erased(other, None) for other in others)
    stores.close()


def do(
    stores: SqlStores, number: int, what: str, customer: CustomerId | None, browser: AnonymousId, trust: Trust
) -> None:
    name, moment = f"deed-{number}", at(number)
    match what:
        case "view":
            told = {"anonymous_id": browser, "trust": trust, "occurred_at": moment}
            append(stores, event(name, **told) if customer is None else event(name, customer_id=customer, **told))
        case "link" if customer is not None:
            stores.customers.link(link(browser, customer, number, trust))
        case "order" if customer is not None:
            placed = order(name, customer_id=customer, anonymous_id=browser, ordered_at=moment)
            append(stores, order_entry(name, placed, anonymous_id=browser))
        case "consent" if customer is not None:
            key = ShopperKey(customer)
            stores.customers.set_consent(
                ConsentChange(shopper_key=key, is_customer=True, changes={"marketing": False}, received_at=moment)
            )


@pytest.fixture
def open_world(tmp_path_factory: pytest.TempPathFactory, empty_sqlite: Path) -> Callable[[], SqlStores]:
    """A fresh shop each time; SQLite only, since it is the same code and copies in a moment."""
    import shutil

    from smartshop.data_collection.connectors.sql.stores import open_stores

    def open_one() -> SqlStores:
        folder = tmp_path_factory.mktemp("world")
        shutil.copytree(empty_sqlite, folder, dirs_exist_ok=True)
        return open_stores(f"sqlite:///{folder / 'shop.db'}", folder, folder / "models")

    return open_one
