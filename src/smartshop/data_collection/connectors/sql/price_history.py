"""What variants cost since when, written in the transaction that changes a price, whichever door it came through."""

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import Connection, bindparam, delete, select

from smartshop.data_collection.connectors.sql.records import chunks
from smartshop.data_collection.connectors.sql.tables import price_history
from smartshop.data_collection.connectors.sql.upsert import insert_or_replace
from smartshop.data_collection.schemas.catalogue import Product, Variant
from smartshop.data_collection.schemas.ids import Micros, ProductId, VariantId
from smartshop.data_collection.schemas.prices import Market, PriceChange, PricePoint, price_path

Row = dict[str, object]


def note_prices(
    connection: Connection, before: Mapping[ProductId, Product], after: Iterable[Product], at: Micros
) -> None:
    """Keep what changes between these products as they were and as they are; `at` is when.

    What was planned before gives way to what is planned now. Of a market that nothing was kept of yet, as in a shop
    older than the history, what stood until now is kept as if it had stood always.
    """
    markets: dict[Market, None] = {}
    rows: dict[tuple[Market, Micros], Row] = {}
    stood: dict[Market, Row] = {}
    for product in after:
        was, now = (_variants(one) for one in (before.get(product.product_id), product))
        for variant_id in {**was, **now}:
            changes = list(_changes(was.get(variant_id), now.get(variant_id), at))
            if changes:
                for market, ((since, price, held), *_) in price_path(was.get(variant_id), at).items():
                    stood[market] = _row(market, since or Micros(0), price, held)
            for row in changes:
                market = (variant_id, str(row["market"]), str(row["currency"]))
                markets[market] = None
                rows[market, Micros(int(str(row["since"])))] = row
    if not rows:
        return
    columns = price_history.c
    planned = delete(price_history).where(
        columns.variant_id == bindparam("of_variant"),
        columns.market == bindparam("of_market"),
        columns.currency == bindparam("of_currency"),
        columns.since > at,
    )
    named = [dict(zip(("of_variant", "of_market", "of_currency"), market, strict=True)) for market in markets]
    known = _markets_kept(connection, [variant_id for variant_id, _, _ in stood])
    connection.execute(planned, named)
    for market, row in stood.items():
        if market in markets and market not in known:
            rows.setdefault((market, Micros(int(str(row["since"])))), row)
    insert_or_replace(connection, price_history, list(rows.values()))


def note_past(connection: Connection, changes: Sequence[PriceChange]) -> None:
    """Prices told with a beginning that is over; a later one may stand since."""
    rows = [
        _row(
            (one.variant_id, one.market, one.currency),
            one.valid_from or Micros(0),
            one.price_minor,
            one.list_price_minor,
        )
        for one in changes
    ]
    insert_or_replace(connection, price_history, rows)


def read_history(connection: Connection, variant_ids: Sequence[VariantId] | None, since: Micros) -> list[PricePoint]:
    question = select(price_history).where(price_history.c.since >= since).order_by(*price_history.primary_key.columns)
    asked = (
        [question]
        if variant_ids is None
        else [question.where(price_history.c.variant_id.in_(chunk)) for chunk in chunks(sorted(set(variant_ids)))]
    )
    return [PricePoint(**row._mapping) for each in asked for row in connection.execute(each)]


def _markets_kept(connection: Connection, variant_ids: Iterable[VariantId]) -> set[Market]:
    """Of these variants, the markets that anything is kept of."""
    columns = (price_history.c.variant_id, price_history.c.market, price_history.c.currency)
    question = select(*columns).distinct()
    return {
        (VariantId(row.variant_id), row.market, row.currency)
        for chunk in chunks(sorted(set(variant_ids)))
        for row in connection.execute(question.where(price_history.c.variant_id.in_(chunk)))
    }


def _variants(product: Product | None) -> dict[VariantId, Variant]:
    return {} if product is None else {variant.variant_id: variant for variant in product.variants}


def _changes(was: Variant | None, now: Variant | None, at: Micros) -> Iterable[Row]:
    if was is not None and now is not None and was.offers == now.offers:
        return
    old, new = price_path(was, at), price_path(now, at)
    for market in {**old, **new}:
        path = new.get(market, [(None, None, None)])
        if [one[1:] for one in old.get(market, ())] == [one[1:] for one in path] and _later(old[market]) == _later(
            path
        ):
            continue
        (since, price, held), planned = path[0], path[1:]
        if since is not None and since < at:
            yield _row(market, since, price, held)
        yield _row(market, at, price, held)
        for begins, later_price, later_held in planned:
            yield _row(market, begins or at, later_price, later_held)


def _later(path: Sequence[tuple[Micros | None, int | None, int | None]]) -> list[Micros | None]:
    return [one[0] for one in path[1:]]


def _row(market: Market, since: Micros, price: int | None, held: int | None) -> Row:
    variant_id, name, currency = market
    return {
        "variant_id": variant_id,
        "market": name,
        "currency": currency,
        "since": since,
        "price_minor": price,
        "list_price_minor": held,
    }
