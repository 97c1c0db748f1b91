"""What is foreseen of one product, as it is told: history, quantiles week by week, and where its stock is heading."""

from collections.abc import Iterator
from datetime import date, timedelta

import msgspec
import numpy as np

from smartshop.ai_agents.inventory.demand.known_days import CauseSeen, seen_at
from smartshop.ai_agents.inventory.model import InventoryModel
from smartshop.ai_agents.inventory.replenishment.case import Present
from smartshop.ai_agents.inventory.replenishment.deciding import SharedCosts
from smartshop.ai_agents.inventory.replenishment.outlook import outlook, shared_beside
from smartshop.ai_agents.inventory.replenishment.reading import (
    Catalogued,
    StockedPlace,
    Stores,
    Supply,
    places_of_product,
    read_supply,
)
from smartshop.data_collection.connectors.ports import Catalogue
from smartshop.data_collection.pipelines.clock import format_rfc3339
from smartshop.data_collection.schemas.catalogue import ListedProduct
from smartshop.data_collection.schemas.ids import LocationId, Micros, ProductId, VariantId
from smartshop.errors import NotFound

WEEK = timedelta(days=7)
SHOWN_DAYS = 84
"""Of projected stock: twelve weeks."""
LEAST_TRIED_WEEKS = 4
"""Fewer say nothing of a share: one week is within the quantiles or is not."""
PLACES = 2
"""Digits behind the point of units."""


class WeekSold(msgspec.Struct, frozen=True, kw_only=True):
    week: str
    """Its Monday."""
    sold: float
    demand: float | None
    """Estimated where there was none to be had; None: nobody knows."""


class WeekForeseen(msgspec.Struct, frozen=True, kw_only=True):
    week: str
    mean: float
    quantiles: list[float]
    """At `levels`."""


class DayForeseen(msgspec.Struct, frozen=True, kw_only=True):
    day: str
    mean: float
    quantiles: list[float]
    """At `levels`, of this day alone."""


class SeriesForeseen(msgspec.Struct, frozen=True, kw_only=True):
    """Of all variants at one place."""

    location_id: LocationId
    history: list[WeekSold]
    weeks: list[WeekForeseen]
    days: list[DayForeseen]
    """The next 28, where what sells daily is foreseen so; else none."""
    known: list[CauseSeen]
    """Of these days, whatever moves demand: what the forecast by day could go by; none where there is none."""
    method: str
    """Which candidates, chosen by the shop's own past."""
    demand_class: str
    """ABC-XYZ."""
    pattern: str
    pinball: float | None
    """Mean loss at the last origin, units; None where the shop was too young to try."""
    covered: float | None
    """Share of the last origin's weeks within the outermost quantiles; None with fewer than four of them."""
    tried_weeks: int
    """Of the last origin, by which `pinball` and `covered` are told."""


class StockForeseen(msgspec.Struct, frozen=True, kw_only=True):
    """Of one variant at one place, if nothing is ordered."""

    variant_id: VariantId
    location_id: LocationId
    on_hand: int
    reserved: int
    incoming: int
    levels: list[float]
    """Units expected today and on each of the days after."""
    out_on: str | None
    reorder_point: int | None
    """At this position or below it an order is worth placing, with its part of the supplier's fixed cost."""
    order_up_to: int
    lead_days: float
    notes: list[str]


class ForecastSeen(msgspec.Struct, frozen=True, kw_only=True):
    product_id: ProductId
    title: str
    as_of: str
    """Learned from everything up to this moment."""
    today: str
    levels: list[float]
    """Of the quantiles."""
    series: list[SeriesForeseen]
    stock: list[StockForeseen]


def forecast_seen(
    model: InventoryModel,
    stores: Stores,
    product: str,
    present: Present,
    now: Micros,
    shared: SharedCosts | None = None,
    catalogued: Catalogued | None = None,
) -> ForecastSeen:
    """Of a product, by its id or one of its variants'. Blocking.

    `shared` is what all proposals were decided with; None: all that the product's suppliers bring is looked at for it,
    as terms and `catalogued` tell, else the whole catalogue.

    Raises:
        NotFound: no such product, or it was never sold.
    """
    listed = _listed(stores.catalogue, product)
    rows = model.series_of(listed.product_no)
    if not rows:
        raise NotFound(
            f"Nothing is foreseen of {product!r}: it was not sold in the {model.facts.weeks} weeks learned from, and "
            "was neither on the shelf nor on order then, or the shop knows of too few launches."
        )
    own = [variant.variant_id for variant in listed.product.variants]
    supply = read_supply(stores, now, None if shared is None else own)
    places = places_of_product(stores, supply, model, present.shop_now, listed.product.product_id)
    if shared is None:
        shared = shared_beside(model, stores, supply, places, present, catalogued)
    return ForecastSeen(
        product_id=listed.product.product_id,
        title=listed.product.title,
        as_of=format_rfc3339(model.facts.as_of),
        today=present.today.isoformat(),
        levels=list(model.facts.levels),
        series=[_series(model, row) for row in rows],
        stock=[seen for place in places if (seen := _stock(model, supply, place, present, shared))],
    )


def _listed(catalogue: Catalogue, product: str) -> ListedProduct:
    owner = catalogue.product_of([VariantId(product)]).get(VariantId(product), ProductId(product))
    found = next((one for one in catalogue.get([owner]).values()), None)
    if found is None or found.deleted:
        raise NotFound(f"There is no product {product[:60]!r}; /v1/products lists them.")
    return found


def _series(model: InventoryModel, row: int) -> SeriesForeseen:
    begin, ahead = date.fromordinal(model.facts.history_day), model.first_day
    known = np.flatnonzero(np.isfinite(model.demand[row]))
    first, tried = int(known[0]) if len(known) else model.sold.shape[1], model.tried_weeks_of(row)
    return SeriesForeseen(
        location_id=model.facts.locations[int(model.location[row])],
        history=[
            WeekSold(
                week=(begin + place * WEEK).isoformat(),
                sold=_told(model.sold[row, place]) or 0.0,
                demand=_told(model.demand[row, place]),
            )
            for place in range(first, model.sold.shape[1])
        ],
        weeks=[
            WeekForeseen(
                week=(ahead + place * WEEK).isoformat(),
                mean=round(float(model.mean[row, place]), PLACES),
                quantiles=[round(float(one), PLACES) for one in model.quantiles[row, place]],
            )
            for place in range(model.mean.shape[1])
        ],
        days=list(_days(model, row)),
        known=_known(model, row),
        method=model.facts.methods[int(model.method[row])],
        demand_class=f"{model.value_class[row]}{model.steadiness[row]}",
        pattern=model.pattern_of(row),
        pinball=_told(model.pinball[row]),
        covered=_told(model.covered[row]) if tried >= LEAST_TRIED_WEEKS else None,
        tried_weeks=tried,
    )


def _known(model: InventoryModel, row: int) -> list[CauseSeen]:
    place = model.facts.locations[int(model.location[row])]
    return [] if model.days_of(row) is None else seen_at(model.facts.known, place)


def _days(model: InventoryModel, row: int) -> Iterator[DayForeseen]:
    for place, (mean, quantiles) in enumerate(zip(*(model.days_of(row) or ((), ())), strict=True)):
        yield DayForeseen(
            day=(model.first_day + timedelta(days=place)).isoformat(),
            mean=round(float(mean), PLACES),
            quantiles=[round(float(one), PLACES) for one in quantiles],
        )


def _stock(
    model: InventoryModel, supply: Supply, place: StockedPlace, present: Present, shared: SharedCosts
) -> StockForeseen | None:
    found = outlook(model, supply, place, present, shared)
    if found is None:
        return None
    out = None if found.empty_day is None else present.today + timedelta(days=found.empty_day)
    return StockForeseen(
        variant_id=place.variant.variant_id,
        location_id=place.location_id,
        on_hand=place.on_hand,
        reserved=place.reserved,
        incoming=found.position.on_order,
        levels=[round(float(level), PLACES) for level in found.levels[: SHOWN_DAYS + 1]],
        out_on=None if out is None else out.isoformat(),
        reorder_point=found.decided.reorder_point,
        order_up_to=round(found.decided.order_up_to),
        lead_days=round(found.lead.mean_days, 1),
        notes=list(found.notes),
    )


def _told(value: np.floating) -> float | None:
    return round(float(value), PLACES) if np.isfinite(value) else None
