"""A warning as a person would say it, and what one may do about it."""

from typing import assert_never

from smartshop.ai_agents.inventory.replenishment.arriving import LOST_CHANCE
from smartshop.data_collection.schemas.alerts import (
    DeadStockFigures,
    Figures,
    LateOrderFigures,
    OverstockFigures,
    PriceDemandFigures,
    SlowerSupplierFigures,
    StockoutFigures,
    SurgeFigures,
)
from smartshop.data_collection.schemas.money import written

ORDER = "See whether and how much to order today (`smartshop reorder`, /v1/reorder-proposals)"


def sentence(title: str, figures: Figures, currency: str) -> str:
    """With its figures, money in the shop's currency."""
    match figures:
        case StockoutFigures():
            return _stockout(title, figures, currency)
        case OverstockFigures():
            lasts = "nothing is asked for" if figures.lasts_days is None else f"it lasts {_days(figures.lasts_days)}"
            return (
                f"{title}: {figures.on_hand:,} on the shelf, and {_days(figures.cover_days)} ask for at most "
                f"{figures.needed_units:,.0f} with good certainty; {lasts}. {figures.excess_units:,} are too many, "
                f"{written(figures.excess_minor, currency)} at cost."
            )
        case DeadStockFigures():
            last = "never sold" if figures.last_sold is None else f"last sold on {figures.last_sold}"
            return (
                f"{title}: {figures.on_hand:,} on the shelf, {last}, though it could be bought on "
                f"{figures.days_without_sale:,} days since. {written(figures.tied_minor, currency)} lie in it at cost."
            )
        case SurgeFigures():
            line = f" (without one order of {figures.largest_line:,.0f})" if figures.largest_line else ""
            return (
                f"{title}: {figures.units:,.0f} asked for in {figures.days} days{line} where "
                f"{figures.expected_units:,.1f} were expected, {figures.times:.1f} times as many; by chance that comes "
                f"{_chance(figures.chance)}."
            )
        case LateOrderFigures():
            return (
                f"{title}: {figures.open_units:,} units for {written(figures.open_minor, currency)} were expected on "
                f"{figures.expected_on}, {_days(figures.days_late)} ago. Delivery takes {figures.lead_days:.0f} ± "
                f"{figures.lead_spread_days:.0f} days; so late comes {_chance(figures.chance)}."
            )
        case SlowerSupplierFigures():
            return (
                f"{title} has become slower: the last {figures.lately_orders} orders took "
                f"{_days(figures.lately_days)} on average, those before {_days(figures.before_days)}."
            )
        case PriceDemandFigures():
            return _price(title, figures, currency)
    assert_never(figures)


def advice(figures: Figures) -> str:
    """What one may do about it, one sentence."""
    match figures:
        case StockoutFigures():
            if figures.is_on_its_way:
                return "Ask for what is on its way to be hurried, or carry units over: it is enough, but comes late."
            if figures.chance_short_today >= figures.chance_short - 0.05:
                return f"{ORDER}; ask for a quicker delivery, or carry units over from another place."
            return f"{ORDER}; at the next review it may be too late."
        case OverstockFigures():
            return "Order none of it, cancel what is on its way, and sell it off by a lower price or a bundle."
        case DeadStockFigures():
            return "Check that it is found and priced right; else sell it off, send it back or write it off."
        case SurgeFigures():
            return "Look what caused it, and order before the forecast has learned it if it will last."
        case LateOrderFigures():
            if figures.chance < LOST_CHANCE:
                return "Ask the supplier whether it was lost: hardly any of its orders ever took so long."
            wait = _days(figures.expected_wait_days)
            return f"Ask the supplier for a date; orders that took so long took {wait} more on average."
        case SlowerSupplierFigures():
            return "Ask the supplier; correct the stated lead time so that orders are placed early enough."
        case PriceDemandFigures():
            if figures.is_slip:
                return "Check the price now: a digit may have slipped."
            return "Check that the price shown is the price charged, and what else changed when it did."
    assert_never(figures)


def _stockout(title: str, told: StockoutFigures, currency: str) -> str:
    """In the order of time: what is there, what comes when, what is asked for meanwhile, what that ends in."""
    until = told.lead_days if told.until_days is None else told.until_days
    out = "it runs out" if told.free_units > 0 else "somebody asks in vain"
    likely, today = _percent(told.chance_short), _percent(told.chance_short_today)
    later = _later(until - told.lead_days)
    if_today = "and as likely" if today == likely else today
    return (
        f"{title}: {_there(told, until)}. Over the next {_whole_days(until)}, until goods ordered {later} "
        f"could be there, {_amount(told.expected_units)} are expected to be asked for. "
        f"That {out} by then is {likely} likely, {if_today} if ordered today ({_whole_days(told.lead_days)} of "
        f"delivery). {_amount(told.short_units)} sales are expected to be missed, "
        f"{written(told.lost_margin_minor, currency)} of margin."
    )


def _later(days: float) -> str:
    return "now" if days < 0.5 else f"in {_whole_days(days)}"


def _there(told: StockoutFigures, until: float) -> str:
    there = "none can be bought now" if told.free_units <= 0 else f"{told.free_units:,} can be bought"
    if not told.incoming_units or told.first_arrival_days is None:
        return f"{there}, and nothing is on its way"
    first = f"in {_whole_days(told.first_arrival_days)}"
    if told.arriving_units == told.incoming_units:
        return f"{there}, and {told.incoming_units:,} are on the way, the first {first}"
    if not told.arriving_units:
        return f"{there}, and {told.incoming_units:,} are on the way, but the first only {first}"
    late = f"{told.arriving_units:,} of them within {_whole_days(until)}"
    return f"{there}, and {told.incoming_units:,} are on the way, the first {first}, {late}"


def _amount(units: float) -> str:
    """
    >>> _amount(122.04), _amount(3.44), _amount(3.0)
    ('122', '3.4', '3')
    """
    return f"{units:,.0f}" if units >= 10 or round(units, 1) == round(units) else f"{units:.1f}"


def _whole_days(days: float) -> str:
    return "a day" if round(days) == 1 else f"{days:.0f} days"


def _price(title: str, told: PriceDemandFigures, currency: str) -> str:
    price, usual = written(told.price_minor, currency), written(told.usual_price_minor, currency)
    asked = f"{told.units:,.0f} asked for in {told.days} days, {told.expected_units:,.1f} expected"
    if told.is_slip:
        return f"{title} costs {price}, usually {usual}, and demand answers: {asked}."
    direction = "up" if told.times > 1 else "down"
    return f"{title} went {direction} to {price} from {usual}, and demand went the same way: {asked}."


def _percent(share: float) -> str:
    return "over 99 %" if share > 0.99 else f"{100.0 * share:.0f} %"


def _chance(chance: float) -> str:
    """
    >>> _chance(0.04), _chance(0.0), _chance(3e-5)
    ('once in 25 times', 'hardly ever', 'once in 33,000 times')
    """
    if chance < 1e-6:
        return "hardly ever"
    times = 1.0 / chance
    digits = 0 if times < 100 else -1 if times < 10_000 else -3
    return f"once in {round(times, digits):,.0f} times"


def _days(days: float) -> str:
    if days >= 730:
        return f"{days / 365:.0f} years"
    if days >= 14:
        return f"{days / 7:.0f} weeks"
    return "a day" if round(days) == 1 else f"{days:.0f} days"
