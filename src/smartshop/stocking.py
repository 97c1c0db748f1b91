"""The commands about stock: what is foreseen of a product, what to look after, and how proposals turned out."""

from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from smartshop.ai_agents.inventory.class_matrix import ClassMatrix, class_matrix
from smartshop.ai_agents.inventory.forecast_plot import draw_forecast
from smartshop.ai_agents.inventory.forecast_view import ForecastSeen, forecast_seen
from smartshop.ai_agents.inventory.replenishment.score_parts import parts_of
from smartshop.ai_agents.inventory.replenishment.score_view import ProposalScores, scores_of
from smartshop.ai_agents.inventory.stock_now import StockNow, promoted_model, stock_now
from smartshop.ai_agents.pictures import check_path
from smartshop.data_collection.connectors.sql.stores import SqlStores
from smartshop.data_collection.pipelines.clock import DAY, format_rfc3339
from smartshop.data_collection.pipelines.shelves import ShelfKeeper
from smartshop.data_collection.schemas.alerts import Alert, AlertFilter, AlertKind, AlertState, Severity
from smartshop.data_collection.schemas.ids import Micros
from smartshop.errors import InvalidValue
from smartshop.opening import opened_stores
from smartshop.place import Place
from smartshop.settings import Settings
from smartshop.wiring import build_clock, cost_config

Choice = TypeVar("Choice", bound=StrEnum)


def proposals_scored(settings: Settings, place: Place, days: int) -> ProposalScores:
    """How proposals of the last days turned out, as the newest look over the stock scored them."""
    with opened_stores(settings, place) as stores:
        clock = build_clock(settings, stores)
        now = clock.shop_now()
        since = Micros(now - days * DAY)
        kept = (one for batch in stores.proposals.decided(since, Micros(now + 1)) for one in batch)
        return scores_of(parts_of(kept), clock.day(since).isoformat(), clock.day(now).isoformat(), settings.currency)


def foresee(settings: Settings, place: Place, product: str, plot: Path | None) -> ForecastSeen:
    """What is foreseen of a product, by its id or one of its variants'; drawn as well where a picture is named.

    Raises:
        NotFound: no such product, it was never sold, or nothing was learned yet.
        InvalidValue: not the name of a picture.
    """
    if plot is not None:
        check_path(plot)
    with opened_stores(settings, place) as stores:
        at = _now(settings, stores)
        found = forecast_seen(at.model, at.stores, product, at.present, at.now)
    if plot is not None:
        draw_forecast(found, plot)
    return found


def alerts_now(settings: Settings, place: Place, asked: AlertFilter, limit: int) -> list[Alert]:
    """What the newest look over the stock found, the gravest first."""
    with opened_stores(settings, place) as stores:
        return stores.alerts.page(asked, build_clock(settings, stores).now(), limit=limit)


def alert_filter(kind: str | None, severity: str | None, state: str) -> AlertFilter:
    """Raises:
    InvalidValue: there is no such kind, severity or state.
    """
    return AlertFilter(
        kind=None if kind is None else _one_of(AlertKind, "kind of alert", kind),
        severity=None if severity is None else _one_of(Severity, "severity", severity),
        state=_one_of(AlertState, "state", state),
    )


def _one_of(choices: type[Choice], what: str, told: str) -> Choice:
    try:
        return choices(told)
    except ValueError:
        names = ", ".join(choice.value for choice in choices)
        raise InvalidValue(f"There is no {what} {told[:60]!r}; it is one of {names}.") from None


def classes_now(settings: Settings, place: Place) -> ClassMatrix:
    """What the shop lives on, and how steadily it is asked for.

    Raises:
        NotFound: nothing was learned yet.
    """
    with opened_stores(settings, place) as stores:
        (model, _), clock = promoted_model(stores.models), build_clock(settings, stores)
        keeper = ShelfKeeper(stores.catalogue, stores.stock, settings.currency, clock.shop_now, clock.now)
        return class_matrix(model, keeper.shelf.price_minor, format_rfc3339(model.facts.as_of))


def _now(settings: Settings, stores: SqlStores) -> StockNow:
    model, _ = promoted_model(stores.models)
    return stock_now(model, stores, build_clock(settings, stores), cost_config(settings))
