"""Demand as the books tell it: days of the shop, what was called off, what was out of stock. On real stores."""

import shutil
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
import polars as pl
import pytest

from smartshop.ai_agents.inventory.demand.asked_prices import evening_prices, relative_prices
from smartshop.ai_agents.inventory.demand.series import cut
from smartshop.bringing import import_doors
from smartshop.data_collection.connectors.ports import LogEntry
from smartshop.data_collection.connectors.sql.stores import SqlStores, open_stores
from smartshop.data_collection.pipelines.clock import to_micros
from smartshop.data_collection.pipelines.demand import DemandQuestion, DemandTable, load_demand
from smartshop.data_collection.pipelines.importing import content_hash, run_import
from smartshop.data_collection.pipelines.shelf_arrays import Pricing, StockPicture, arrange
from smartshop.data_collection.pipelines.sources.source import SourceOptions
from smartshop.data_collection.schemas.catalogue import Offer, Product, Variant
from smartshop.data_collection.schemas.events import EventKind, ProductLine, Trust
from smartshop.data_collection.schemas.ids import (
    CustomerId,
    LineId,
    LocationId,
    Micros,
    OrderId,
    ProductId,
    VariantId,
)
from smartshop.data_collection.schemas.orders import Order, OrderLine, Refund
from smartshop.data_collection.schemas.prices import PriceChange
from smartshop.data_collection.schemas.stock import MovementReason, StockCount, StockMovement
from smartshop.opening import opened_stores
from smartshop.place import find_place
from smartshop.settings import Settings
from tests.connectors.told import append, event, order_entry

LONDON = ZoneInfo("Europe/London")
UNTIL = datetime(2025, 7, 11, 12, tzinfo=UTC)
"""A Friday noon: Thursday the 10th is the last whole day."""


def micros(moment: datetime) -> Micros:
    return to_micros(moment)


def july(day: int, hour: float = 12.0) -> datetime:
    """By the clock of the shop."""
    return datetime(2025, 7, day, tzinfo=LONDON) + timedelta(hours=hour)


@pytest.fixture(scope="module")
def empty_shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with migrated files to copy: cheaper than migrating for every test."""
    folder = tmp_path_factory.mktemp("empty-shop")
    open_stores(f"sqlite:///{folder / 'shop.db'}", folder, folder / "models").close()
    return folder


@pytest.fixture
def stores(tmp_path: Path, empty_shop: Path) -> Iterator[SqlStores]:
    shutil.copytree(empty_shop, tmp_path, dirs_exist_ok=True)
    opened = open_stores(f"sqlite:///{tmp_path / 'shop.db'}", tmp_path, tmp_path / "models")
    lamp = Product(
        product_id=ProductId("lamp"),
        title="Lamp",
        variants=tuple(Variant(variant_id=VariantId(name)) for name in ("lamp-red", "lamp-blue")),
    )
    rug = Product(product_id=ProductId("rug"), title="Rug", variants=(Variant(variant_id=VariantId("rug")),))
    opened.catalogue.upsert([lamp, rug], micros(july(1)))
    yield opened
    opened.close()


def line(variant: str, units: int, price: int | None = 1_000, name: str = "0") -> OrderLine:
    return OrderLine(
        line_id=LineId(name),
        product_id=ProductId(variant.split("-")[0]),
        variant_id=VariantId(variant),
        quantity=units,
        unit_price_minor=price,
    )


def bought(
    name: str,
    when: datetime,
    *lines: OrderLine,
    who: str = "ada",
    trust: Trust = Trust.SERVER,
    takes_stock: bool = False,
    **told: Any,  # noqa: ANN401  any field of an order
) -> LogEntry:
    moment = micros(when)
    fields: dict[str, Any] = {"currency": "GBP", "customer_id": CustomerId(who), **told}
    order = Order(order_id=OrderId(name), lines=lines, ordered_at=moment, received_at=moment, trust=trust, **fields)
    products = tuple(ProductLine(product_id=one.product_id, variant_id=one.variant_id) for one in lines)
    return order_entry(name, order, products=products, takes_stock=takes_stock)


def buy(stores: SqlStores, name: str, when: datetime, *lines: OrderLine, **told: Any) -> None:  # noqa: ANN401  as `bought`
    assert append(stores, bought(name, when, *lines, **told))[0].stored


def give_back(
    stores: SqlStores,
    name: str,
    when: datetime,
    *lines: OrderLine,
    order: str | None = None,
    who: str = "ada",
    money: int = 0,
) -> None:
    refund = Refund(
        event_id=name,
        order_id=None if order is None else OrderId(order),
        amount_minor=money,
        currency="GBP",
        refunded_at=micros(when),
        trust=Trust.SERVER,
        lines=lines,
        customer_id=CustomerId(who),
    )
    told = event(
        name, kind=EventKind.ORDER_REFUNDED, trust=Trust.SERVER, customer_id=who, occurred_at=micros(when), products=()
    )
    assert append(stores, LogEntry(event=told, refund=refund))[0].stored


def demand(stores: SqlStores, until: datetime = UNTIL, longest_days: int = 400, *, prices: bool = False) -> DemandTable:
    listed = stores.catalogue.changed_since(Micros(0))
    shelf = arrange(listed, Pricing("GBP", "default", micros(until)), StockPicture({}), version=1)
    question = DemandQuestion(micros(until), LONDON, "GBP", longest_days=longest_days)
    books = stores.prices if prices else None
    return load_demand(stores.orders, stores.stock, stores.catalogue, shelf, question, books)


def units_by_day(table: DemandTable, row: int = 0) -> dict[str, float]:
    days = {date.fromordinal(table.first_day + day): units for day, units in enumerate(table.sold[row])}
    return {day.isoformat(): float(units) for day, units in days.items() if units}


class TestPricesThatWereSet:
    def test_a_price_that_was_set_is_known_before_anything_sells_at_it(self, stores: SqlStores) -> None:
        """And a planned one, one of another market and one set after the day asked for are not."""
        named = stores.catalogue.get([ProductId("rug")])[ProductId("rug")].product
        offers = tuple(
            Offer(variant_id=VariantId("rug"), price_minor=1_000, currency="GBP", market=market)
            for market in ("default", "far")
        )
        rug = msgspec.structs.replace(named, variants=(Variant(variant_id=VariantId("rug"), offers=offers),))
        stores.catalogue.upsert([rug], micros(july(1)))
        for name, day in {"a": 1, "b": 2, "c": 3, "d": 9}.items():
            buy(stores, name, july(day), line("rug", 1, 900))
        for day, price, market in ((5, 500, "default"), (6, 100, "far"), (8, 1_000, "default")):
            change = PriceChange(variant_id=VariantId("rug"), price_minor=price, currency="GBP", market=market)
            stores.prices.set([change], micros(july(day)), micros(july(day)))
        table = demand(stores, prices=True)
        assert table.first_day == date(2025, 7, 1).toordinal()
        asked = [round(float(price)) for price in evening_prices(table)[0]]
        assert asked == [900, 900, 900, 900, 450, 450, 450, 900, 900, 900]
        told = relative_prices(table, 2)[0]
        assert told[4] == pytest.approx(1.0)
        assert told[5] == pytest.approx(0.5, abs=0.01), "the day after the change"
        known = evening_prices(cut(table, 6))
        assert known[0].tolist() == evening_prices(table)[0, :6].tolist()
        assert evening_prices(demand(stores, until=july(5), prices=True))[0].tolist() == known[0, :4].tolist()
        assert float(evening_prices(demand(stores))[0, 6]) == pytest.approx(900), "without a history only sales tell"


class TestDays:
    def test_a_day_is_the_shops_own_where_clocks_change_too(self, stores: SqlStores) -> None:
        for name, moment in {
            "night before spring": datetime(2025, 3, 29, 23, 30, tzinfo=UTC),
            "night after spring": datetime(2025, 3, 30, 23, 30, tzinfo=UTC),
            "summer": datetime(2025, 7, 1, 23, 30, tzinfo=UTC),
        }.items():
            buy(stores, name, moment, line("rug", 1))
        table = demand(stores)
        assert units_by_day(table) == {"2025-03-29": 1.0, "2025-03-31": 1.0, "2025-07-02": 1.0}
        assert table.first_day + table.days - 1 == date(2025, 7, 10).toordinal()

    def test_a_day_half_gone_the_future_and_ancient_times_are_left_out(self, stores: SqlStores) -> None:
        buy(stores, "ancient", datetime(1970, 1, 2, tzinfo=UTC), line("rug", 7))
        buy(stores, "counted", july(9), line("rug", 1))
        buy(stores, "today", july(11, 8.0), line("rug", 2))
        buy(stores, "tomorrow", july(12), line("rug", 4))
        table = demand(stores)
        assert units_by_day(table) == {"2025-07-09": 1.0}
        assert table.days == 2
        assert table.lines_left_out == 2, "tomorrow's is not even read"

    def test_a_shop_without_orders_has_no_series(self, stores: SqlStores) -> None:
        table = demand(stores)
        assert (len(table), table.sold.shape) == (0, (0, 0))

    def test_only_what_the_shop_vouches_for_is_demand(self, stores: SqlStores) -> None:
        buy(stores, "claimed", july(3), line("rug", 9), trust=Trust.CLIENT)
        buy(stores, "placed", july(3), line("rug", 1))
        assert units_by_day(demand(stores)) == {"2025-07-03": 1.0}

    def test_unknown_products_and_no_units_are_counted_and_left_out(self, stores: SqlStores) -> None:
        odd = line("ghost", 3, name="1"), line("rug", -5, name="2"), line("rug", 0, name="3")
        buy(stores, "odd", july(3), line("rug", 1), *odd)
        table = demand(stores)
        assert units_by_day(table) == {"2025-07-03": 1.0}
        assert table.lines_left_out == 3

    def test_an_erased_customers_purchases_were_demand_all_the_same(self, stores: SqlStores) -> None:
        buy(stores, "kept", july(3), line("rug", 2), who="bob")
        stores.erasure.erase(CustomerId("bob"), micros(july(5)))
        assert units_by_day(demand(stores)) == {"2025-07-03": 2.0}


class TestCalledOff:
    def test_a_vast_order_cancelled_within_minutes_leaves_no_trace(self, stores: SqlStores) -> None:
        buy(stores, "usual", july(3, 9.0), line("rug", 2), who="bob")
        buy(stores, "vast", july(3, 9.25), line("rug", 80_995))
        buy(stores, "only vast", july(4, 9.25), line("lamp-red", 80_995))
        give_back(stores, "slip", july(3, 9.45), line("rug", 80_995))
        give_back(stores, "slip too", july(4, 9.45), line("lamp-red", 80_995), order="only vast")
        table = demand(stores)
        assert units_by_day(table) == {"2025-07-03": 2.0}
        assert len(table) == 1, "a product that was only slipped on has no series"
        assert table.units_called_off == 161_990

    def test_what_comes_back_on_another_day_was_wanted(self, stores: SqlStores) -> None:
        buy(stores, "kept", july(3, 23.5), line("rug", 5))
        give_back(stores, "next morning", july(4, 0.5), line("rug", 5), order="kept")
        assert units_by_day(demand(stores)) == {"2025-07-03": 5.0}

    def test_a_part_called_off_takes_a_part(self, stores: SqlStores) -> None:
        buy(stores, "some", july(3, 9.0), line("rug", 5), line("lamp-red", 2, name="1"))
        give_back(stores, "two", july(3, 10.0), line("rug", 2), order="some")
        give_back(stores, "more than there was", july(3, 11.0), line("lamp-red", 9), order="some")
        assert units_by_day(demand(stores)) == {"2025-07-03": 3.0}

    def test_without_an_order_the_customers_newest_earlier_one_is_meant(self, stores: SqlStores) -> None:
        buy(stores, "first", july(3, 9.0), line("rug", 5))
        buy(stores, "second", july(3, 10.0), line("rug", 1))
        give_back(stores, "credit", july(3, 11.0), line("rug", 3))
        buy(stores, "corrected", july(3, 12.0), line("rug", 4))
        buy(stores, "another's", july(3, 9.0), line("rug", 2), who="bob")
        give_back(stores, "late credit of nobody's", july(3, 13.0), line("rug", 2), who="eve")
        table = demand(stores)
        assert units_by_day(table) == {"2025-07-03": 5.0 + 1.0 - 3.0 + 4.0 + 2.0}

    def test_a_credit_for_yesterdays_order_leaves_todays_alone(self, stores: SqlStores) -> None:
        buy(stores, "yesterday's", july(2), line("rug", 5))
        give_back(stores, "credit", july(3, 8.0), line("rug", 5))
        buy(stores, "today's", july(3, 9.0), line("rug", 4))
        give_back(stores, "all of yesterday's", july(3, 10.0), order="yesterday's")
        assert units_by_day(demand(stores)) == {"2025-07-02": 5.0, "2025-07-03": 4.0}

    @pytest.mark.parametrize(("money", "left"), [(0, 0.0), (10_000, 0.0), (9_999, 10.0)])
    def test_all_of_the_money_is_all_of_the_order(self, stores: SqlStores, money: int, left: float) -> None:
        buy(stores, "other", july(2), line("rug", 1), who="bob")
        buy(stores, "paid", july(3, 9.0), line("rug", 10))
        give_back(stores, "money", july(3, 10.0), order="paid", money=money)
        assert units_by_day(demand(stores)).get("2025-07-03", 0.0) == left


class TestStock:
    def receive(self, stores: SqlStores, variant: str, units: int, when: datetime, place: str = "main") -> None:
        movement = StockMovement(
            movement_id=f"{variant} {when.isoformat()} {place}",
            variant_id=VariantId(variant),
            quantity=units,
            reason=MovementReason.RECEIPT,
            occurred_at=micros(when),
            location_id=LocationId(place),
        )
        stores.stock.move([movement], micros(when))

    def test_sold_out_at_noon_is_half_a_day_until_the_next_delivery(self, stores: SqlStores) -> None:
        # An order every three hours of a week, so that a day's quarters sell alike.
        hours = range(0, 7 * 24, 3)
        append(stores, *(bought(f"hour {hour}", july(1, hour + 1.5), line("lamp-red", 1)) for hour in hours))
        self.receive(stores, "rug", 4, july(2, 0.0))
        buy(stores, "one", july(2, 6.0), line("rug", 1), takes_stock=True)
        buy(stores, "rest", july(3, 12.0), line("rug", 3), takes_stock=True)
        self.receive(stores, "rug", 9, july(6, 18.0))
        table = demand(stores)
        rug = 1
        assert table.in_stock[rug].tolist() == pytest.approx([1, 1, 0.5, 0, 0, 0.25, 1, 1, 1, 1], abs=0.03)
        assert (table.in_stock[0] == 1).all(), "a variant never counted is never out"
        assert table.listed[rug] == 1

    def test_an_empty_night_costs_little_where_people_buy_by_day(self, stores: SqlStores) -> None:
        by_day = [bought(str(number), july(1, 10 + number % 8), line("lamp-red", 1)) for number in range(400)]
        assert all(outcome.stored for outcome in append(stores, *by_day))
        buy(stores, "rug", july(1), line("rug", 1))
        self.receive(stores, "rug", 1, july(1, 0.0))
        buy(stores, "last", july(2, 20.0), line("rug", 1), takes_stock=True)
        self.receive(stores, "rug", 1, july(3, 8.0))
        in_stock = demand(stores).in_stock[1]
        assert 0.95 < in_stock[1] < 1.0
        assert 0.9 < in_stock[2] < 1.0

    def test_a_count_of_nothing_is_out_and_one_size_of_two_is_half(self, stores: SqlStores) -> None:
        buy(stores, "red", july(1), line("lamp-red", 3))
        buy(stores, "blue", july(1), line("lamp-blue", 1))
        stores.stock.count(
            [
                StockCount(
                    movement_id="count", variant_id=VariantId("lamp-red"), level=0, occurred_at=micros(july(5, 0.0))
                )
            ],
            micros(july(5)),
        )
        assert demand(stores).in_stock[0].tolist() == pytest.approx([1, 1, 1, 1, *[0.25] * 6])

    def test_an_order_without_a_place_takes_from_anywhere_one_with_a_place_only_there(self, stores: SqlStores) -> None:
        self.receive(stores, "rug", 1, july(1, 0.0), "main")
        self.receive(stores, "rug", 1, july(1, 0.0), "east")
        self.receive(stores, "rug", 9, july(1, 0.0), "west")
        buy(stores, "east", july(2, 0.0), line("rug", 1), takes_stock=True, location_id=LocationId("east"))
        buy(stores, "online", july(2, 0.0), line("rug", 1), takes_stock=True)
        table = demand(stores)
        shares = {table.locations[place]: table.in_stock[row, -1] for row, place in enumerate(table.location)}
        assert shares == {"main": 1.0, "east": 0.0}

    def test_days_before_the_first_delivery_are_no_days_without_demand(self, stores: SqlStores) -> None:
        stores.catalogue.upsert(
            [
                Product(
                    product_id=ProductId("rug"),
                    title="Rug",
                    published_at=micros(july(1)),
                    variants=(Variant(variant_id=VariantId("rug")),),
                )
            ],
            micros(july(1)),
        )
        buy(stores, "lamp", july(1), line("lamp-red", 1))
        buy(stores, "rug", july(8), line("rug", 1))
        assert demand(stores).listed.tolist() == [0, 0], "published, and nobody wanted it for a week"
        self.receive(stores, "rug", 5, july(5, 0.0))
        assert demand(stores).listed.tolist() == [0, 4]


class TestPrices:
    def test_a_price_is_as_sold_after_discounts_and_a_foreign_one_is_not_known(self, stores: SqlStores) -> None:
        buy(stores, "home", july(3), line("rug", 1, 1_000), line("rug", 3, 2_000, "1"), discount_minor=700)
        buy(stores, "abroad", july(4), line("rug", 2, 99), currency="SEK")
        table = demand(stores)
        assert units_by_day(table) == {"2025-07-03": 4.0, "2025-07-04": 2.0}
        assert table.price_minor[0, 0] == pytest.approx(7_000 * 0.9 / 4)
        assert table.share_off[0, 0] == pytest.approx(0.1)
        assert np.isnan(table.price_minor[0, 1:]).all()

    def test_dated_offers_are_promotions_those_to_come_too(self, stores: SqlStores) -> None:
        sale = Offer(
            variant_id=VariantId("rug"),
            price_minor=750,
            list_price_minor=1_000,
            currency="GBP",
            valid_from=micros(july(20, 0.0)),
            valid_to=micros(july(22, 0.0)),
        )
        rug = Variant(variant_id=VariantId("rug"), offers=(sale,))
        stores.catalogue.upsert([Product(product_id=ProductId("rug"), title="Rug", variants=(rug,))], micros(july(9)))
        buy(stores, "one", july(3), line("rug", 1))
        cuts = demand(stores).promotions
        assert cuts.share_off.tolist() == [0.25]
        days = [date.fromordinal(int(day)).isoformat() for day in (cuts.first_day[0], cuts.last_day[0])]
        assert days == ["2025-07-20", "2025-07-21"]


def test_a_wholesalers_books_add_up(shared_data: Path, tmp_path: Path) -> None:
    """January 2011 holds an order of 74,215 units that was cancelled after sixteen minutes."""
    january = (
        pl.read_parquet(shared_data / "online_retail" / "online_retail.parquet")
        .filter(pl.col("invoice_ts").dt.strftime("%Y-%m") == "2011-01")
        .filter(pl.col("invoice_ts").dt.day().is_between(10, 20))
    )
    file = tmp_path / "january.parquet"
    january.write_parquet(file)
    settings = Settings(data_dir=tmp_path, _env_file=None)
    place = find_place(settings, False)
    now = micros(datetime(2011, 2, 1, tzinfo=UTC))
    with opened_stores(settings, place) as stores:
        options = SourceOptions(currency="GBP", imported_at=now, file_id=content_hash(file))
        run_import("online-retail", file, options, import_doors(settings, place, stores), lambda rows: None)
        table = demand(stores, datetime(2011, 1, 21, 1, tzinfo=UTC))
        jar = stores.catalogue.get([ProductId("23166")])[ProductId("23166")].product_no
    wanted = january.filter(
        ~pl.col("invoice_no").str.contains("^[CA]"),
        pl.col("quantity") > 0,
        (pl.col("unit_price") > 0) | pl.col("customer_id").is_not_null(),
    )
    assert table.sold.sum() + table.units_called_off == wanted["quantity"].sum()
    assert 74_215 <= table.units_called_off < 75_500
    assert table.lines_left_out == 0
    on_the_18th = table.sold[table.product_no == jar, date(2011, 1, 18).toordinal() - table.first_day]
    others = wanted.filter(
        pl.col("stock_code") == "23166", pl.col("quantity") < 74_215, pl.col("invoice_ts").dt.day() == 18
    )
    assert on_the_18th.sum() == others["quantity"].sum()
    assert table.days == 11
