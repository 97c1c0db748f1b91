"""What part of a product's units each of its variants is, place by place."""

from collections import defaultdict
from collections.abc import Iterator

from smartshop.ai_agents.inventory.demand.series import DemandSeries
from smartshop.data_collection.connectors.ports import Catalogue, Orders
from smartshop.data_collection.pipelines.clock import DAY
from smartshop.data_collection.pipelines.shelf import Shelf
from smartshop.data_collection.schemas.ids import Micros, VariantId
from smartshop.data_collection.schemas.stock import DEFAULT_LOCATION

SHARES_FROM = 182 * DAY
"""Sales of half a year tell."""
PRIOR_UNITS = 0.5
"""Of every variant: one not sold lately is not never sold."""


def variant_shares(
    catalogue: Catalogue, orders: Orders, shelf: Shelf, series: DemandSeries, until: Micros
) -> Iterator[tuple[VariantId, int, float]]:
    """Every variant sold in the last half year, or listed: its series and its share of that series' units."""
    place_of = {
        (int(number), series.locations[location]): place
        for place, (number, location) in enumerate(zip(series.product_no, series.location.tolist(), strict=True))
    }
    units: dict[int, dict[VariantId, float]] = defaultdict(lambda: defaultdict(lambda: PRIOR_UNITS))
    for listed in catalogue.changed_since(Micros(0)):
        for location in series.locations:
            place = place_of.get((listed.product_no, location))
            for variant in listed.product.variants if place is not None else ():
                units[place or 0][variant.variant_id] += 0.0
    for batch in orders.scan(until=until, since=Micros(until - SHARES_FROM)):
        for order in batch:
            for line in order.lines:
                number = shelf.number_of.get(line.product_id)
                place = place_of.get((-1 if number is None else number, order.location_id or DEFAULT_LOCATION))
                if place is not None:
                    units[place][line.variant_id] += max(line.quantity, 0)
    for place, of_variant in units.items():
        whole = sum(of_variant.values())
        yield from ((variant, place, count / whole) for variant, count in of_variant.items())
