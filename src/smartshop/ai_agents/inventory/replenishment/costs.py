"""What stock costs a shop that told nobody: every assumption in one place, each to be overruled by a setting."""

from dataclasses import dataclass

from smartshop.ai_agents.inventory.policies.order_terms import StockCosts

DAYS_OF_YEAR = 365.0
LEAST_MARGIN = 0.02
"""Of the price: what sells at a loss is still wanted for the basket that it is in."""


@dataclass(frozen=True, slots=True)
class CostConfig:
    """Settings of the shop's keeper; the defaults are written down in `docs/inventory.md`."""

    holding_share_per_year: float = 0.25
    """Of a unit's cost, to keep it for a year: capital, room, ageing; textbooks give 0.2 to 0.3."""
    usual_cost_share: float = 0.6
    """Of the price that a unit costs the shop, where nobody told its cost."""
    goodwill_share: float = 0.0
    """Of the price, lost beside the margin when a shopper finds nothing; 0 to 0.5."""
    service_level: float | None = None
    """Wanted chance of no stock-out until the next order comes; None: as margins make it worth while."""
    longest_cover_days: float = 182.0
    """No order is planned to last longer."""


USUAL_COSTS = CostConfig()


def unit_cost_of(told_minor: float | None, price_minor: float | None, config: CostConfig) -> float | None:
    """Money of one unit: as told, else as usual for its price; None where neither is known."""
    if told_minor is not None and told_minor > 0:
        return float(told_minor)
    return config.usual_cost_share * price_minor if price_minor is not None and price_minor > 0 else None


def stock_costs(unit_cost: float, price_minor: float | None, config: CostConfig) -> StockCosts:
    """Holding by the cost of capital, running out by the margin that is lost with the sale.

    Where the price is not known it is taken as usual for the cost.
    """
    price = price_minor if price_minor is not None and price_minor > 0 else unit_cost / config.usual_cost_share
    margin = max(price - unit_cost, LEAST_MARGIN * price) + config.goodwill_share * price
    return StockCosts(
        holding_per_unit_day=config.holding_share_per_year * unit_cost / DAYS_OF_YEAR,
        stockout_per_unit=None if config.service_level is not None else margin,
        service_level=config.service_level,
        longest_cover_days=config.longest_cover_days,
    )
