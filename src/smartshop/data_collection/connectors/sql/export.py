"""Everything that is stored of a customer, a page at a time: no reader stays open, and no list grows."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection

from smartshop.data_collection.connectors.named_ids import Named
from smartshop.data_collection.connectors.sql.belongings import Belongings, Place, places_of, waits_in_windows
from smartshop.data_collection.connectors.sql.bulk import ask
from smartshop.data_collection.connectors.sql.decisions import decode_decision
from smartshop.data_collection.connectors.sql.engine import Database
from smartshop.data_collection.connectors.sql.records import encode
from smartshop.data_collection.connectors.sql.refused_texts import refused_naming
from smartshop.data_collection.connectors.without_erased import rule_without
from smartshop.data_collection.schemas.audiences import Audience

Page = tuple[str, list[msgspec.Raw]]
PAGE_ROWS = 500

_decode_audience = msgspec.json.Decoder(Audience).decode
_IS_CUSTOMER, _IS_BROWSER = "shopper_key = ? AND is_customer", "shopper_key = ? AND NOT is_customer"
_LINK_COLUMNS = ("anonymous_id", "customer_id", "received_at", "trust")
_WAIT_COLUMNS = ("shopper_key", "item_id", "product_id", "variant_id", "asked_at", "told_at", "told_variant_id")
_STANDING_COLUMNS = (
    *("customer_id", "recency_score", "frequency_score", "monetary_score", "orders", "spent_minor", "churn_risk"),
    *("p_alive", "first_order_at", "last_order_at", "last_seen_at", "next_order_at", "membership", "in_segment_since"),
    *("expected_orders_30", "expected_orders_90", "expected_orders_365"),
    *("expected_value_30_minor", "expected_value_90_minor", "expected_value_365_minor", "changed_at"),
)
_STANDING = (
    f"SELECT {', '.join(f'standings.{name}' for name in _STANDING_COLUMNS)}, r.segment_id, s.segment_id"  # noqa: S608
    " FROM standings LEFT JOIN segments r ON r.segment_no = standings.rfm_no"
    " LEFT JOIN segments s ON s.segment_no = standings.segment_no WHERE standings.customer_id = ?"
)
_AFFINITIES = (
    "SELECT subject, strength FROM affinity_subjects"
    " JOIN affinities ON affinities.subject_no = affinity_subjects.subject_no"
    " WHERE customer_no = (SELECT customer_no FROM standings WHERE customer_id = ?) ORDER BY strength DESC"
)
_MOVES = (
    "SELECT moved_at, a.segment_id, b.segment_id, cause FROM segment_moves"
    " LEFT JOIN segments a ON a.segment_no = from_no LEFT JOIN segments b ON b.segment_no = to_no"
    " WHERE customer_id = ? ORDER BY moved_at"
)


def is_known(connection: Connection, belongings: Belongings) -> bool:
    """Whether anything at all is stored under these ids in the shop's own tables."""
    questions = [
        (f"SELECT 1 FROM {table} WHERE {column} = ? LIMIT 1", customer_id)  # noqa: S608  names are our own
        for customer_id in belongings.customer_ids
        for table, column in (
            ("customers", "customer_id"),
            ("event_seen", "shopper_key"),
            ("orders", "customer_id"),
            ("identity_links", "customer_id"),
            ("consents", "shopper_key"),
            ("standings", "customer_id"),
            ("refunds", "shopper_key"),
            ("goods_returns", "shopper_key"),
            ("stock_reservations", "shopper_key"),
            ("stock_waits", "shopper_key"),
        )
    ]
    if len(belongings.customer_ids) > 1 or any(ask(connection, *question) for question in questions):
        return True
    return any(
        ask(connection, f"SELECT 1 FROM events WHERE {condition} LIMIT 1", *values)  # noqa: S608
        for condition, values in places_of(belongings)
    )


def pages_of(shop: Database, decision_log: Database, belongings: Belongings) -> Iterator[Page]:
    """Pages under the names of what they hold; every name comes at least once, its pages one after another."""
    yield from _small_tables(shop, belongings)
    yield from _orders(shop, belongings)
    moments = {"refunds": "refunded_at", "goods_returns": "returned_at", "stock_reservations": "expires_at"}
    for table, moment in moments.items():
        yield table, []
        for key in belongings.keys:
            yield from _payloads(shop, table, moment, key)
    yield "stock_waits", _waits(shop, belongings)
    yield "events", []
    for place in places_of(belongings):
        yield from _events(shop, belongings, place)
    yield "decisions", []
    for key in belongings.keys:
        yield from _decisions(decision_log, key)
    yield "refused", []
    named = Named(belongings.ids)
    for rows in refused_naming(shop, named):
        told = [{"reason": row.reason, "text": row.raw.decode(errors="replace")} for row in rows]
        yield "refused", [_raw(one) for one in told]


def _small_tables(shop: Database, belongings: Belongings) -> Iterator[Page]:
    def rows(statement: str, ids: Sequence[str], tell: Callable[[tuple[Any, ...]], object]) -> list[msgspec.Raw]:
        with shop.read() as connection:
            return [_raw(tell(row)) for one in ids for row in ask(connection, statement, one)]

    customer_ids, browsers = belongings.customer_ids, belongings.browsers
    with shop.read() as connection:
        told = [ask(connection, "SELECT payload FROM customers WHERE customer_id = ?", one) for one in customer_ids]
    yield "customers", [msgspec.Raw(bytes(payload)) for found in told for (payload,) in found]
    merges = "SELECT from_customer, into_customer, merged_at FROM customer_merges WHERE from_customer = ?"
    yield "merges", rows(merges, customer_ids, lambda row: dict(zip(("from", "into", "merged_at"), row, strict=True)))
    links = f"SELECT {', '.join(_LINK_COLUMNS)} FROM identity_links WHERE customer_id = ?"  # noqa: S608
    yield "identity_links", rows(links, customer_ids, lambda row: dict(zip(_LINK_COLUMNS, row, strict=True)))
    consents = "SELECT shopper_key, purpose, granted, received_at FROM consents WHERE "
    yield (
        "consents",
        [
            *rows(consents + _IS_CUSTOMER, customer_ids, _consent),
            *rows(consents + _IS_BROWSER, browsers, _consent),
        ],
    )
    names = (*_STANDING_COLUMNS, "rfm_group", "segment_id")
    yield "standings", rows(_STANDING, customer_ids, lambda row: dict(zip(names, row, strict=True)))
    yield "affinities", rows(_AFFINITIES, customer_ids, lambda row: {"subject": row[0], "strength": row[1] / 10_000})
    moved = ("moved_at", "from_segment", "to_segment", "cause")
    yield "segment_moves", rows(_MOVES, customer_ids, lambda row: dict(zip(moved, row, strict=True)))
    yield "audiences", _listed_in(shop, belongings)


def _consent(row: tuple[Any, ...]) -> dict[str, object]:
    shopper_key, purpose, granted, received_at = row
    return {"shopper_key": shopper_key, "purpose": purpose, "granted": bool(granted), "received_at": received_at}


def _listed_in(shop: Database, belongings: Belongings) -> list[msgspec.Raw]:
    """Audiences whose lists name them; those whose rules they match are told by their standing."""
    with shop.read() as connection:
        rows = ask(connection, "SELECT payload FROM audiences ORDER BY audience_id")
    told = [_decode_audience(payload) for (payload,) in rows]
    return [
        _raw({"audience_id": one.audience_id, "name": one.name})
        for one in told
        if rule_without(one.definition, belongings.customer_ids.__contains__) != one.definition
    ]


def _orders(shop: Database, belongings: Belongings) -> Iterator[Page]:
    yield "orders", []
    for condition, name in (
        *(("customer_id = ?", one) for one in belongings.customer_ids),
        *(("customer_id IS NULL AND anonymous_id = ?", one) for one in belongings.browsers),
    ):
        after = ""
        while True:
            statement = f"SELECT order_id, payload FROM orders WHERE {condition} AND order_id > ?"  # noqa: S608
            with shop.read() as connection:
                rows = ask(connection, f"{statement} ORDER BY order_id LIMIT ?", name, after, PAGE_ROWS)
            if not rows:
                break
            after = rows[-1][0]
            yield "orders", [msgspec.Raw(bytes(payload)) for _, payload in rows]


def _waits(shop: Database, belongings: Belongings) -> list[msgspec.Raw]:
    """A shopper has few."""
    wanted = [("shopper_key = ?", (key,)) for key in belongings.keys] + waits_in_windows(belongings)
    with shop.read() as connection:
        return [
            _raw(dict(zip(_WAIT_COLUMNS, row, strict=True)))
            for condition, values in wanted
            for row in ask(connection, f"SELECT {', '.join(_WAIT_COLUMNS)} FROM stock_waits WHERE {condition}", *values)  # noqa: S608
        ]


def _payloads(shop: Database, table: str, moment: str, key: str) -> Iterator[Page]:
    with shop.read() as connection:
        rows = ask(connection, f"SELECT payload FROM {table} WHERE shopper_key = ? ORDER BY {moment}", key)  # noqa: S608
    yield table, [msgspec.Raw(bytes(payload)) for (payload,) in rows]


def _events(shop: Database, belongings: Belongings, place: Place) -> Iterator[Page]:
    """In the order of the index, so that no page sorts them all."""
    condition, values = place
    statement = (
        f"SELECT occurred_at, kind, log_no, customer_id, payload FROM events WHERE {condition}"  # noqa: S608
        " AND (occurred_at, kind, log_no) > (?, ?, ?) ORDER BY occurred_at, kind, log_no LIMIT ?"
    )
    # What they did on a browser of theirs under their own name stands under their name already.
    told_already = belongings.customer_ids if condition.startswith("anonymous_id") else ()
    after = (-(1 << 63), 0, 0)
    while True:
        with shop.read() as connection:
            rows = ask(connection, statement, *values, *after, PAGE_ROWS)
        if not rows:
            return
        after = rows[-1][:3]
        yield "events", [msgspec.Raw(bytes(row[4])) for row in rows if row[3] not in told_already]


def _decisions(decision_log: Database, key: str) -> Iterator[Page]:
    after = ""
    statement = "SELECT decision_id, payload FROM decisions WHERE shopper_key = ? AND decision_id > ?"
    while True:
        with decision_log.read() as connection:
            rows = ask(connection, f"{statement} ORDER BY decision_id LIMIT ?", key, after, PAGE_ROWS)
        if not rows:
            return
        after = rows[-1][0]
        yield "decisions", [_raw(decode_decision(payload)) for _, payload in rows]


def _raw(record: object) -> msgspec.Raw:
    return msgspec.Raw(encode(record))
