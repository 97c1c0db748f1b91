"""The commands about stock: what to order, and what is foreseen of a product."""

from pathlib import Path

from rich.console import Console

from smartshop.ai_agents.inventory.forecast_plot import draw_forecast
from smartshop.ai_agents.inventory.forecast_view import ForecastSeen, forecast_seen
from smartshop.ai_agents.inventory.learning import AGENT
from smartshop.ai_agents.inventory.model import InventoryModel
from smartshop.ai_agents.inventory.replenishment.proposals import Present, Proposals, propose
from smartshop.ai_agents.inventory.replenishment.reading import Stores, read_supply, stocked_places
from smartshop.ai_agents.segmentation.plots import check_path
from smartshop.bars import sharing_bar
from smartshop.data_collection.connectors.sql.stores import SqlStores
from smartshop.data_collection.pipelines.clock import ShopClock
from smartshop.errors import NotFound
from smartshop.opening import opened_stores
from smartshop.place import Place
from smartshop.settings import Settings
from smartshop.wiring import build_clock, cost_config

NOTHING_FORESEEN = "Nothing is foreseen yet; run `smartshop train inventory` first."


def reorder_now(settings: Settings, place: Place, budget_minor: int | None, console: Console | None) -> Proposals:
    """What to order as stock is now.

    Raises:
        NotFound: nothing was learned yet.
        InvalidValue: the budget is negative.
    """
    with opened_stores(settings, place) as stores, sharing_bar("reorder", console) as tell:
        tell(0.0, "reading stock and suppliers")
        model, ports, clock = _model(stores), ports_of(stores), build_clock(settings, stores)
        supply = read_supply(ports, clock.now())
        places = stocked_places(ports, supply, model, clock.shop_now())
        tell(0.3, f"deciding about {len(places)} variants")
        found = propose(model, supply, places, present(settings, clock), budget_minor)
        tell(1.0, "done")
    return found


def foresee(settings: Settings, place: Place, product: str, plot: Path | None) -> ForecastSeen:
    """What is foreseen of a product, by its id or one of its variants'; drawn as well where a picture is named.

    Raises:
        NotFound: no such product, it was never sold, or nothing was learned yet.
        InvalidValue: not the name of a picture.
    """
    if plot is not None:
        check_path(plot)
    with opened_stores(settings, place) as stores:
        clock = build_clock(settings, stores)
        found = forecast_seen(_model(stores), ports_of(stores), product, present(settings, clock), clock.now())
    if plot is not None:
        draw_forecast(found, plot)
    return found


def ports_of(stores: SqlStores) -> Stores:
    return Stores(stores.catalogue, stores.stock, stores.reservations, stores.suppliers, stores.purchase_orders)


def present(settings: Settings, clock: ShopClock) -> Present:
    now = clock.shop_now()
    return Present(now, clock.day(now), cost_config(settings))


def _model(stores: SqlStores) -> InventoryModel:
    record = stores.models.promoted(AGENT)
    if record is None:
        raise NotFound(NOTHING_FORESEEN)
    return InventoryModel.load(stores.models.open(record))
