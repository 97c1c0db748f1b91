"""Warnings of demand: products asked for far more than foreseen, and demand that does not fit its price. Pure."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from smartshop.ai_agents.inventory.alerts.facts import StockFacts
from smartshop.ai_agents.inventory.alerts.found import Telling
from smartshop.ai_agents.inventory.alerts.price_demand import PriceConfig, ToldPrices, find_price_surprises
from smartshop.ai_agents.inventory.alerts.recent_demand import RecentConfig, RecentDemand, recent_demand
from smartshop.ai_agents.inventory.alerts.surge import WINDOWS, RecentLines, SurgeConfig, find_surges
from smartshop.ai_agents.inventory.demand.asked_prices import evening_prices
from smartshop.ai_agents.inventory.demand.series import daily_demand
from smartshop.ai_agents.inventory.forecasting.panel import Floats
from smartshop.ai_agents.inventory.model import InventoryModel
from smartshop.data_collection.pipelines.demand import DemandTable
from smartshop.data_collection.pipelines.overheard_orders import RecentLine
from smartshop.data_collection.pipelines.shelf import Shelf
from smartshop.data_collection.schemas.alerts import (
    AlertKind,
    AlertSubject,
    FoundAlert,
    PriceDemandFigures,
    SurgeFigures,
)
from smartshop.data_collection.schemas.ids import Micros

USUAL_LEAD_DAYS = 14.0
"""Of a product of which no stock is counted: two weeks of a surge are told as its worth."""


@dataclass(frozen=True, slots=True)
class DemandConfigs:
    recent: RecentConfig = field(default_factory=RecentConfig)
    surge: SurgeConfig = field(default_factory=SurgeConfig)
    price: PriceConfig = field(default_factory=PriceConfig)


@dataclass(frozen=True, slots=True)
class DemandPast:
    table: DemandTable
    shelf: Shelf
    lines: Sequence[RecentLine]
    day_of: Callable[[Micros], int]
    """Ordinal of a moment, in the shop's zone."""
    day: Callable[[int], str]
    """Of an ordinal."""


@dataclass(frozen=True, slots=True, eq=False)
class _Series:
    """n series of the table, as they are told."""

    subjects: Sequence[AlertSubject]
    margin: Floats
    """(n,) minor units of a unit."""
    lead_days: Floats
    offered_minor: Floats
    """(n,) present price; NaN unknown."""


def demand_alerts(
    model: InventoryModel, facts: Sequence[StockFacts], past: DemandPast, telling: Telling, configs: DemandConfigs
) -> Iterator[FoundAlert]:
    """A shop younger than the least past has none."""
    table = past.table
    if not len(table) or table.days <= max(*WINDOWS, configs.price.days):
        return
    daily = daily_demand(table)
    category = past.shelf.category[table.product_no]

    def window(days: int) -> RecentDemand:
        return recent_demand(table, daily, category, days, configs.recent)

    series = _as_told(model, facts, past)
    yield from _surges([window(days) for days in WINDOWS], past, series, telling, configs.surge)
    yield from _prices(window(configs.price.days), past, series, telling, configs.price)


def _surges(
    windows: Sequence[RecentDemand], past: DemandPast, series: _Series, telling: Telling, config: SurgeConfig
) -> Iterator[FoundAlert]:
    is_open = np.array([telling.is_open(AlertKind.DEMAND_SURGE, one) for one in series.subjects], np.bool_)
    found = find_surges(windows, _recent_lines(past), is_open, config)
    last = past.table.first_day + past.table.days
    for row in np.flatnonzero(found.is_surge).tolist():
        days = int(found.days[row])
        more_a_day = max(float(found.units[row] - found.expected[row]) / days, 0.0)
        worth = more_a_day * float(series.lead_days[row]) * float(series.margin[row])
        told = SurgeFigures(
            days=days,
            units=float(found.units[row]),
            largest_line=float(found.largest_line[row]),
            expected_units=round(float(found.expected[row]), 2),
            times=round(float(found.times[row]), 2),
            chance=float(f"{found.chance[row]:.3g}"),
            extra_margin_minor=round(worth),
        )
        yield telling.tell(series.subjects[row], told, worth, past.day(last - days))


def _prices(
    recent: RecentDemand, past: DemandPast, series: _Series, telling: Telling, config: PriceConfig
) -> Iterator[FoundAlert]:
    is_open = np.array([telling.is_open(AlertKind.PRICE_DEMAND, one) for one in series.subjects], np.bool_)
    prices = told_prices(past.table, series.offered_minor, config.days)
    found = find_price_surprises(prices, recent, _recent_lines(past), is_open, config)
    last = past.table.first_day + past.table.days
    for row in np.flatnonzero(found.is_slip | found.is_against).tolist():
        usual, price = float(found.usual_minor[row]), float(found.price_minor[row])
        units, expected = float(recent.units[row]), float(recent.expected[row])
        is_slip = bool(found.is_slip[row])
        given_away = max(usual - price, 0.0) * units
        worth = given_away if is_slip and price < usual else abs(units - expected) * float(series.margin[row])
        told = PriceDemandFigures(
            usual_price_minor=round(usual),
            price_minor=round(price),
            times=round(price / usual, 4),
            units=units,
            expected_units=round(expected, 2),
            days=recent.days,
            chance=float(f"{found.chance[row]:.3g}"),
            is_slip=is_slip,
            worth_minor=round(worth),
        )
        yield telling.tell(series.subjects[row], told, worth, past.day(last - recent.days))


def told_prices(table: DemandTable, offered_minor: Floats, days: int) -> ToldPrices:
    """`days`: that count as lately. A product whose price was never set in the table's days is told by its sales."""
    last = table.first_day + table.days - 1
    inside = (table.steps.day >= table.first_day) & (table.steps.day <= last)
    was_set = np.isin(table.product_no, table.steps.product_no[inside])
    lately = table.steps.product_no[inside & (table.steps.day > last - days)]
    paid = table.price_minor.astype(np.float64)
    asked = np.full_like(paid, np.nan)
    if was_set.any():
        asked[was_set] = evening_prices(table)[was_set]
    return ToldPrices(paid, asked, np.isin(table.product_no, lately), offered_minor)


def _model_rows(model: InventoryModel) -> Mapping[tuple[int, str], int]:
    pairs = zip(model.product_no.tolist(), model.location.tolist(), strict=True)
    return {(no, model.facts.locations[at]): row for row, (no, at) in enumerate(pairs)}


def _pairs(table: DemandTable) -> list[tuple[int, int]]:
    return list(zip(table.product_no.tolist(), table.location.tolist(), strict=True))


def _as_told(model: InventoryModel, facts: Sequence[StockFacts], past: DemandPast) -> _Series:
    """Margins weighed by what part of the series each variant is."""
    of_row: dict[int, list[StockFacts]] = defaultdict(list)
    for one in facts:
        if one.place.series is not None:
            of_row[one.place.series].append(one)
    row_of, table, shelf = _model_rows(model), past.table, past.shelf
    subjects, margin, lead, offered = [], [], [], []
    for no, at in _pairs(table):
        location = table.locations[at]
        row = row_of.get((no, location))
        own = [] if row is None else of_row.get(row, [])
        share = sum(one.place.share for one in own)
        margin.append(sum(one.margin * one.place.share for one in own) / share if share > 0 else 0.0)
        lead.append(max((one.lead.mean_days for one in own), default=USUAL_LEAD_DAYS))
        price = int(shelf.price_minor[no])
        offered.append(float(price) if price >= 0 else np.nan)
        subjects.append(
            AlertSubject(
                product_id=shelf.product_ids[no],
                location_id=location,
                supplier_id=own[0].supplier_id if own else None,
                title=shelf.titles[no],
            )
        )
    return _Series(subjects, np.array(margin), np.array(lead), np.array(offered))


def _recent_lines(past: DemandPast) -> RecentLines:
    table = past.table
    row_of = {(no, table.locations[at]): row for row, (no, at) in enumerate(_pairs(table))}
    last = table.first_day + table.days
    rows: list[int] = []
    ago: list[int] = []
    units: list[float] = []
    for line in past.lines:
        no = past.shelf.number_of.get(line.product_id)
        row = None if no is None else row_of.get((int(no), line.location_id))
        days_ago = last - past.day_of(line.ordered_at)
        if row is not None and days_ago >= 1:
            rows.append(row)
            ago.append(days_ago)
            units.append(float(line.units))
    as_array: NDArray[np.int64] = np.array(rows, np.int64)
    return RecentLines(as_array, np.array(ago, np.int64), np.array(units, np.float64))
