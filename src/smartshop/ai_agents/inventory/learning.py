"""The learning side of the inventory agent: read the books, forecast every product and place, store a version."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # ships no types

from smartshop.ai_agents.inventory.agreeing import agreed_means
from smartshop.ai_agents.inventory.daily_choice import DailyConfig
from smartshop.ai_agents.inventory.daily_path import WEEK, WEEKS_BY_DAY, ByDay, choose_by_day
from smartshop.ai_agents.inventory.demand.causes import NOTHING_TOLD, KnownCauses
from smartshop.ai_agents.inventory.demand.causes_ahead import causes_ahead
from smartshop.ai_agents.inventory.demand.classes import demand_classes
from smartshop.ai_agents.inventory.demand.series import DemandSeries, demand_series
from smartshop.ai_agents.inventory.forecasting.choosing_classes import classes_by_age
from smartshop.ai_agents.inventory.forecasting.panel import Floats, Forecast, Period
from smartshop.ai_agents.inventory.judged_forecast import judged_series, measures_of
from smartshop.ai_agents.inventory.kept_means import nearer_means
from smartshop.ai_agents.inventory.model import Facts, InventoryModel
from smartshop.ai_agents.inventory.newcomer_series import with_newcomers
from smartshop.ai_agents.inventory.newcomers import Newcomer, find_newcomers
from smartshop.ai_agents.inventory.replenishment.lead_times import learn_lead_times
from smartshop.ai_agents.inventory.sum_spread import learn_spread, weekly_scatter
from smartshop.ai_agents.inventory.variant_shares import variant_shares
from smartshop.ai_agents.inventory.weekly_choice import (
    LEVELS,
    USUAL_CHOICE,
    ChoiceConfig,
    ChosenForecasts,
    PastForecast,
    Tell,
    choose_forecasts,
)
from smartshop.ai_agents.inventory.young_series import BY_LAUNCHES, foresee_young, young_as_told_then
from smartshop.data_collection.connectors.ports import (
    Catalogue,
    EventLog,
    ModelRecord,
    Models,
    Orders,
    Prices,
    PurchaseOrders,
    Stock,
    Suppliers,
)
from smartshop.data_collection.pipelines.clock import to_datetime
from smartshop.data_collection.pipelines.demand import DemandQuestion, DemandTable, load_demand
from smartshop.data_collection.pipelines.shelf import Shelf
from smartshop.data_collection.schemas.ids import Micros, ModelVersion, VariantId
from smartshop.errors import NotFound

AGENT = "inventory"
LEAST_WEEKS = 2
HISTORY_WEEKS = 104
"""Of history kept beside the forecasts, to be shown."""
YEAR_DAYS = 365


@dataclass(frozen=True, slots=True)
class Learning:
    """What is read, and where it is written."""

    log: EventLog
    orders: Orders
    stock: Stock
    catalogue: Catalogue
    suppliers: Suppliers
    purchase_orders: PurchaseOrders
    models: Models
    shelf: Shelf
    currency: str
    timezone: ZoneInfo
    now: Callable[[], Micros]
    scratch: Path | None = None
    """Where finished parts of daily forecasts are kept until all is done, so that a killed training goes on."""
    prices: Prices | None = None
    """When the shop set which price; None: told by sales alone."""


def learn_demand(
    learning: Learning,
    *,
    until: Micros,
    tell: Tell,
    config: ChoiceConfig = USUAL_CHOICE,
    known: KnownCauses = NOTHING_TOLD,
    seed: int = 0,
) -> ModelRecord:
    """The job: learn from the books up to `until`, publish and promote. Run again it makes one more of the same.

    Raises:
        NotFound: fewer than two whole weeks were sold in.
    """
    last_no = learning.log.size().last_no
    tell(0.0, "reading orders and stock")
    table = read_table(learning, until)
    series = whole_weeks(table, learning.shelf, config.horizon, known)
    rng = np.random.default_rng(seed)
    with threadpool_limits(limits=1):
        model = fit(learning, table, series, until, config, rng, tell, known=known)
        model = with_newcomers(model, series, learning.shelf, _newcomers(learning, series, until), rng)
    now = learning.now()
    version = ModelVersion(to_datetime(now).strftime("%Y%m%dT%H%M%S.%f"))
    folder = learning.models.new_folder(AGENT, version)
    model.save(folder)
    record = ModelRecord(
        agent=AGENT,
        version=version,
        trained_at=now,
        data_until=until,
        log_no=last_no,
        sha256="",
        metrics={"series": float(len(model)), "weeks": float(model.facts.weeks), **model.facts.measures},
    )
    stored = learning.models.publish(record, folder)
    learning.models.promote(AGENT, version, learning.now())
    return stored


def _newcomers(learning: Learning, series: DemandSeries, until: Micros) -> list[Newcomer]:
    sold = frozenset(series.product_no.tolist())
    return find_newcomers(learning.catalogue, learning.stock, learning.purchase_orders, sold, until)


def read_table(learning: Learning, until: Micros) -> DemandTable:
    question = DemandQuestion(until=until, timezone=learning.timezone, currency=learning.currency)
    return load_demand(learning.orders, learning.stock, learning.catalogue, learning.shelf, question, learning.prices)


def whole_weeks(table: DemandTable, shelf: Shelf, horizon: int, known: KnownCauses = NOTHING_TOLD) -> DemandSeries:
    """Raises:
    NotFound: there is too little to forecast from.
    """
    weeks = demand_series(table, shelf, Period.WEEK, horizon, known) if len(table) else None
    if weeks is None or weeks.panel.periods < LEAST_WEEKS:
        sold = 0 if weeks is None else weeks.panel.periods
        raise NotFound(
            f"There is too little to forecast from: {sold} whole weeks with sales, and {LEAST_WEEKS} are needed; "
            "import or simulate a history first."
        )
    return weeks


def fit(
    learning: Learning,
    table: DemandTable,
    series: DemandSeries,
    until: Micros,
    config: ChoiceConfig,
    rng: np.random.Generator,
    tell: Tell,
    *,
    known: KnownCauses = NOTHING_TOLD,
) -> InventoryModel:
    """Everything of a version, from the series."""
    panel = series.panel
    chosen, by_day = _foreseen(learning, table, series, config, tell, known)
    chosen = young_as_told_then(series, learning.shelf, chosen)
    forecast, young = foresee_young(series, learning.shelf, chosen.forecast, LEVELS)
    tell(0.9, "measuring how far sums stray")
    classes = demand_classes(panel.demand, yearly_turnover(table))
    variants = list(variant_shares(learning.catalogue, learning.orders, learning.shelf, series, until))
    kept = slice(max(0, panel.periods - HISTORY_WEEKS), None)
    spread = learn_spread(panel, chosen.past, rng)
    lost, within = judged_series(series, chosen.judged)
    measures = measures_of(series, chosen, rng) | _shares_by_day(series, by_day)
    facts = _facts(learning, series, chosen.methods, [variant for variant, _, _ in variants], measures, until)
    ahead = causes_ahead(table, known, facts.first_day, WEEK * WEEKS_BY_DAY)
    return InventoryModel(
        facts=msgspec.structs.replace(facts, known=ahead, tried_weeks=_tried_weeks(chosen)),
        product_no=series.product_no,
        location=series.location,
        sold=series.sold[:, kept].astype(np.float32),
        demand=panel.demand[:, kept].astype(np.float32),
        mean=forecast.mean.astype(np.float32),
        quantiles=forecast.quantiles.astype(np.float32),
        method=np.where(young, len(chosen.methods), chosen.method).astype(np.int32),
        variant_series=np.array([place for _, place, _ in variants], np.int32),
        variant_share=np.array([share for _, _, share in variants], np.float32),
        scatter=weekly_scatter(panel).astype(np.float32),
        series_class=classes_by_age(panel).astype(np.int32),
        value_class=classes.value,
        steadiness=classes.steadiness,
        pinball=lost.astype(np.float32),
        covered=within.astype(np.float32),
        relative=spread.relative,
        asked=spread.asked,
        daily_series=by_day.series.astype(np.int32),
        daily_mean=by_day.days.mean.astype(np.float32),
        daily_quantiles=by_day.days.quantiles.astype(np.float32),
    )


def _foreseen(
    learning: Learning,
    table: DemandTable,
    series: DemandSeries,
    config: ChoiceConfig,
    tell: Tell,
    known: KnownCauses,
) -> tuple[ChosenForecasts, ByDay]:
    """By week for all, by day for those whose days tell more; both add up to the same."""
    turnover = yearly_turnover(table)
    chosen = choose_forecasts(series.panel, turnover, config, lambda share, what: tell(0.1 + 0.5 * share, what))
    chosen, by_day = choose_by_day(
        table,
        learning.shelf,
        series,
        chosen,
        turnover,
        lambda share, what: tell(0.6 + 0.3 * share, what),
        known=known,
        scratch=learning.scratch,
        config=DailyConfig(most_valuable=config.most_valuable, least_boosted=config.least_boosted),
    )
    agreed = _agreed(series, learning.shelf, chosen)
    chosen = nearer_means(series.panel, chosen, agreed, by_day.series)
    return chosen, by_day.agreeing(chosen.forecast.mean)


def _facts(
    learning: Learning,
    series: DemandSeries,
    methods: Sequence[str],
    variants: Sequence[VariantId],
    measures: Mapping[str, float],
    until: Micros,
) -> Facts:
    panel = series.panel
    return Facts(
        as_of=until,
        currency=learning.currency,
        history_day=panel.first_day + 7 * max(0, panel.periods - HISTORY_WEEKS),
        first_day=panel.first_day + 7 * panel.periods,
        levels=LEVELS,
        locations=series.locations,
        methods=(*methods, BY_LAUNCHES),
        variants=tuple(variants),
        lead_times=learn_lead_times(learning.suppliers.all(), learning.purchase_orders.deliveries(Micros(0))),
        measures=dict(measures),
        weeks=panel.periods,
    )


def _tried_weeks(chosen: ChosenForecasts) -> int:
    return 0 if chosen.judged is None else chosen.judged.told.mean.shape[1]


def _shares_by_day(series: DemandSeries, by_day: ByDay) -> dict[str, float]:
    """Of all series: those that sell daily and were tried by day, and those that are foreseen so."""
    n = max(len(series), 1)
    return {"tried_by_day": by_day.tried / n, "foreseen_by_day": len(by_day.series) / n}


def _agreed(series: DemandSeries, shelf: Shelf, chosen: ChosenForecasts) -> ChosenForecasts:
    """With means that add up, also where the past is told: how far sums stray is learned from the same means."""

    def means(weeks: int, told: Forecast) -> Forecast:
        known = replace(series, panel=series.panel.until(weeks))
        return Forecast(agreed_means(known, shelf, told.mean), told.quantiles)

    def past(one: PastForecast) -> PastForecast:
        return PastForecast(one.origin, means(one.origin, one.told))

    return replace(
        chosen,
        forecast=means(series.panel.periods, chosen.forecast),
        past=tuple(past(one) for one in chosen.past),
        judged=None if chosen.judged is None else past(chosen.judged),
    )


def yearly_turnover(table: DemandTable) -> Floats:
    """(n,) minor units sold in the last year; days whose price is not known count at the series' usual price."""
    sold, price = table.sold[:, -YEAR_DAYS:].astype(np.float64), table.price_minor[:, -YEAR_DAYS:]
    known = np.isfinite(price)
    usual = np.where(known, price, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    return np.asarray((sold * np.where(known, price, usual[:, None])).sum(axis=1), np.float64)
