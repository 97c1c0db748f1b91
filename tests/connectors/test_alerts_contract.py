"""What every Alerts promises: a warning opens once, stays, closes, comes again, and is quiet where it was asked to."""

from functools import partial

import pytest

from smartshop.data_collection.connectors.sql.stores import SqlStores
from smartshop.data_collection.schemas.alerts import (
    AlertFilter,
    AlertId,
    AlertKind,
    AlertState,
    AlertSubject,
    DeadStockFigures,
    Figures,
    FoundAlert,
    LateOrderFigures,
    OverstockFigures,
    PriceDemandFigures,
    Severity,
    SlowerSupplierFigures,
    StockoutFigures,
    SurgeFigures,
    alert_id,
)
from smartshop.data_collection.schemas.ids import LocationId, Micros, SupplierId, VariantId
from smartshop.errors import Conflict, NotFound
from tests.connectors.told import NOON, at, in_threads

DEAD = DeadStockFigures(on_hand=7, tied_minor=4_900, days_without_sale=200, last_sold="2025-06-01")
FIGURES: dict[AlertKind, Figures] = {
    AlertKind.STOCKOUT_RISK: StockoutFigures(
        chance_short=0.8,
        chance_short_today=0.6,
        free_units=2,
        arriving_units=0,
        expected_units=5.5,
        short_units=3.6,
        lead_days=5.0,
        lost_margin_minor=900,
    ),
    AlertKind.OVERSTOCK: OverstockFigures(
        on_hand=100,
        incoming=0,
        cover_days=182.0,
        needed_units=20.0,
        excess_units=80,
        excess_minor=8_000,
        lasts_days=None,
    ),
    AlertKind.DEAD_STOCK: DEAD,
    AlertKind.DEMAND_SURGE: SurgeFigures(
        days=7, units=30.0, largest_line=0.0, expected_units=10.0, times=3.0, chance=1e-6, extra_margin_minor=500
    ),
    AlertKind.LATE_ORDER: LateOrderFigures(
        days_late=9.0,
        lead_days=5.0,
        lead_spread_days=1.5,
        chance=0.001,
        expected_on="2026-01-01",
        expected_wait_days=2.0,
        open_units=40,
        open_minor=4_000,
    ),
    AlertKind.SLOWER_SUPPLIER: SlowerSupplierFigures(
        orders_seen=9, before_days=5.0, lately_days=9.0, lately_orders=4, cusum=5.2
    ),
    AlertKind.PRICE_DEMAND: PriceDemandFigures(
        usual_price_minor=2_000,
        price_minor=200,
        times=0.1,
        units=90.0,
        expected_units=20.0,
        days=14,
        chance=1e-9,
        is_slip=True,
        worth_minor=16_200,
    ),
}
ALL = tuple(AlertKind)
OPEN = AlertFilter()


def found(kind: AlertKind, variant: str = "mug", /, **told: object) -> FoundAlert:
    fields: dict[str, object] = {
        "severity": Severity.MEDIUM,
        "subject": AlertSubject(variant_id=VariantId(variant), location_id=LocationId("main")),
        "worth_minor": 100,
        "since": "2026-01-01",
        "words": "It is so.",
        "advice": "Do something.",
        **told,
    }
    return FoundAlert(alert_id=alert_id(kind, variant), kind=kind, figures=FIGURES[kind], **fields)  # type: ignore[arg-type]


def dead(variant: str = "mug", /, **told: object) -> FoundAlert:
    return found(AlertKind.DEAD_STOCK, variant, **told)


def told(stores: SqlStores, asked: AlertFilter = OPEN, now: Micros = NOON) -> list[str]:
    return [str(one.found.subject.variant_id) for one in stores.alerts.page(asked, now)]


@pytest.mark.parametrize("kind", ALL)
def test_every_kind_is_kept_as_it_was_found(stores: SqlStores, kind: AlertKind) -> None:
    opened = stores.alerts.look([found(kind)], ALL, NOON).opened
    assert [one.found for one in opened] == [found(kind)]
    assert stores.alerts.get(found(kind).alert_id) == opened[0]


def test_one_that_stays_is_no_news_and_keeps_the_day_it_began(stores: SqlStores) -> None:
    stores.alerts.look([dead()], ALL, NOON)
    change = stores.alerts.look([dead(since="2026-01-05", worth_minor=300)], ALL, at(60))
    assert (change.opened, change.still, change.closed) == ((), 1, 0)
    (one,) = stores.alerts.page(OPEN, at(60))
    assert (one.opened_at, one.seen_at, one.found.since, one.found.worth_minor) == (NOON, at(60), "2026-01-01", 300)


def test_what_is_no_longer_so_closes_and_may_come_again(stores: SqlStores) -> None:
    stores.alerts.look([dead(), dead("lamp")], ALL, NOON)
    assert stores.alerts.look([dead("lamp")], ALL, at(60)).closed == 1
    assert told(stores) == ["lamp"]
    assert told(stores, AlertFilter(state=AlertState.CLOSED)) == ["mug"]
    again = stores.alerts.look([dead(), dead("lamp")], ALL, at(120))
    assert [(one.found.subject.variant_id, one.times_opened, one.opened_at) for one in again.opened] == [
        ("mug", 2, at(120))
    ]


def test_what_was_not_looked_for_stays_open(stores: SqlStores) -> None:
    stores.alerts.look([dead()], ALL, NOON)
    assert stores.alerts.look([], [AlertKind.LATE_ORDER], at(60)).closed == 0
    assert stores.alerts.open_ids() == {dead().alert_id}


def test_the_gravest_come_first_in_pages(stores: SqlStores) -> None:
    stores.alerts.look(
        [
            dead("small", severity=Severity.LOW, worth_minor=900),
            dead("grave", severity=Severity.HIGH, worth_minor=10),
            dead("dear", worth_minor=500),
            dead("cheap", worth_minor=5),
        ],
        ALL,
        NOON,
    )
    assert told(stores) == ["grave", "dear", "cheap", "small"]
    first, second = (stores.alerts.page(OPEN, NOON, offset=offset, limit=3) for offset in (0, 3))
    assert (len(first), [one.found.subject.variant_id for one in second]) == (3, ["small"])


def test_they_are_told_by_kind_severity_place_and_supplier(stores: SqlStores) -> None:
    north = AlertSubject(variant_id=VariantId("tent"), location_id=LocationId("harbour"), supplier_id=SupplierId("n"))
    stores.alerts.look([dead(), found(AlertKind.OVERSTOCK, "tent", subject=north, severity=Severity.HIGH)], ALL, NOON)
    assert told(stores, AlertFilter(kind=AlertKind.DEAD_STOCK)) == ["mug"]
    assert told(stores, AlertFilter(severity=Severity.HIGH)) == ["tent"]
    assert told(stores, AlertFilter(location_id=LocationId("harbour"))) == ["tent"]
    assert told(stores, AlertFilter(supplier_id=SupplierId("n"))) == ["tent"]
    assert told(stores, AlertFilter(supplier_id=SupplierId("nobody"))) == []


def test_an_acknowledged_one_is_quiet_until_its_date(stores: SqlStores) -> None:
    stores.alerts.look([dead(), dead("lamp")], ALL, NOON)
    known = stores.alerts.acknowledge(dead().alert_id, at(100), "for the sale", at(1))
    assert stores.alerts.acknowledge(dead().alert_id, at(100), "for the sale", at(2)) == known
    assert told(stores, now=at(50)) == ["lamp"]
    assert told(stores, AlertFilter(state=AlertState.ACKNOWLEDGED), at(50)) == ["mug"]
    assert sorted(told(stores, now=at(100))) == ["lamp", "mug"]
    assert stores.alerts.get(dead().alert_id) == known


@pytest.mark.parametrize(("until", "quiet"), [(None, False), (200, True)])
def test_one_that_comes_again_is_quiet_only_until_a_date(stores: SqlStores, until: float | None, quiet: bool) -> None:
    stores.alerts.look([dead()], ALL, NOON)
    stores.alerts.acknowledge(dead().alert_id, None if until is None else at(until), "", at(1))
    assert told(stores, now=at(2)) == []
    stores.alerts.look([], ALL, at(3))
    stores.alerts.look([dead()], ALL, at(4))
    assert (told(stores, now=at(5)) == []) is quiet


def test_only_what_is_open_can_be_acknowledged(stores: SqlStores) -> None:
    with pytest.raises(NotFound, match="no alert 'nothing'"):
        stores.alerts.acknowledge(AlertId("nothing"), None, "", NOON)
    stores.alerts.look([dead()], ALL, NOON)
    stores.alerts.look([], ALL, at(1))
    with pytest.raises(Conflict, match="is closed"):
        stores.alerts.acknowledge(dead().alert_id, None, "", at(2))


def test_who_tells_of_new_ones_hears_of_each_opening_once(stores: SqlStores) -> None:
    assert stores.alerts.raised_after(None) == (0, [])
    stores.alerts.look([dead()], ALL, NOON)
    number, opened = stores.alerts.raised_after(0)
    assert [one.found.subject.variant_id for one in opened] == ["mug"]
    stores.alerts.look([dead()], ALL, at(1))
    assert stores.alerts.raised_after(number) == (number, [])
    stores.alerts.look([], ALL, at(2))
    stores.alerts.look([dead(), dead("lamp")], ALL, at(3))
    later, opened = stores.alerts.raised_after(number)
    assert later > number
    assert {one.found.subject.variant_id for one in opened} == {"mug", "lamp"}


def test_old_closed_ones_are_forgotten_and_numbers_go_on(stores: SqlStores) -> None:
    stores.alerts.look([dead(), dead("lamp")], ALL, NOON)
    stores.alerts.look([dead("lamp")], ALL, at(1))
    number, _ = stores.alerts.raised_after(None)
    stores.alerts.look([dead("lamp"), dead("tent")], ALL, at(2))
    stores.alerts.look([], ALL, at(3))
    assert stores.alerts.prune(at(3)) == 1
    assert stores.alerts.prune(at(10)) == 1
    assert stores.alerts.raised_after(None)[0] > number


def test_two_looks_at_once_open_one_alert_once(stores: SqlStores) -> None:
    changes = in_threads([partial(stores.alerts.look, [dead()], ALL, NOON)] * 4)
    assert sorted(len(change.opened) for change in changes) == [0, 0, 0, 1]


def test_a_thousand_alerts_are_one_look(stores: SqlStores) -> None:
    many = [dead(f"thing-{number}") for number in range(1_200)]
    assert len(stores.alerts.look(many, ALL, NOON).opened) == 1_200
    assert stores.alerts.look([], ALL, at(1)).closed == 1_200


def test_one_that_gets_graver_is_told_again_though_it_is_known(stores: SqlStores) -> None:
    stores.alerts.look([dead(), dead("lamp")], ALL, NOON)
    for one in (dead(), dead("lamp")):
        stores.alerts.acknowledge(one.alert_id, None, "known", at(1))
    number, _ = stores.alerts.raised_after(None)
    change = stores.alerts.look([dead(severity=Severity.HIGH), dead("lamp", severity=Severity.LOW)], ALL, at(2))
    assert [one.found.subject.variant_id for one in change.opened] == ["mug"]
    assert told(stores, now=at(3)) == ["mug"]
    (again,) = stores.alerts.raised_after(number)[1]
    assert (again.opened_at, again.note, again.times_opened) == (NOON, "known", 1)
