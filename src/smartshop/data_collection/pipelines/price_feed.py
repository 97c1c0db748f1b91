"""What a price told by itself must be, and what is odd about it: one rule for files and for the route."""

from smartshop.data_collection.pipelines.clock import DAY, format_rfc3339, to_datetime
from smartshop.data_collection.schemas.ids import Micros
from smartshop.data_collection.schemas.money import MAX_MINOR
from smartshop.data_collection.schemas.prices import PriceChange, PriceOutcome
from smartshop.errors import InvalidValue

SLIP = 100
"""A price so many times the one before, or that part of it, is probably one in another unit."""
LONGEST_AHEAD_DAYS = 1_095
"""Three years: a later date is a slip of the pen."""
FIRST_YEAR = 2000


def check_price(change: PriceChange, currency: str, now: Micros) -> None:
    """
    Raises:
        InvalidValue: a price that cannot be asked, another currency than the shop's, a time out of reach.
    """
    if not 0 < change.price_minor <= MAX_MINOR:
        raise InvalidValue(
            f"The price_minor {change.price_minor} is not above zero; write minor units such as 1250 for 12.50. What is"
            " not for sale is deleted, or has no stock."
        )
    if change.currency != currency:
        raise InvalidValue(
            f"The price is in {change.currency}, and the shop counts in {currency}; amounts are never converted, so"
            f" send it in {currency}."
        )
    if change.list_price_minor is not None and change.list_price_minor < change.price_minor:
        raise InvalidValue(
            f"The list_price_minor {change.list_price_minor} is below the price {change.price_minor}; leave it out, or"
            " send what the price was cut from."
        )
    if change.cost_minor is not None and change.cost_minor < 0:
        raise InvalidValue(f"The cost_minor {change.cost_minor} is below zero; it is 0 or more minor units.")
    if change.valid_from is not None:
        _check_beginning(change.valid_from, now)


def _check_beginning(valid_from: Micros, now: Micros) -> None:
    if to_datetime(valid_from).year < FIRST_YEAR or valid_from > now + LONGEST_AHEAD_DAYS * DAY:
        raise InvalidValue(
            f"The valid_from {format_rfc3339(valid_from)} cannot be; prices begin between {FIRST_YEAR} and"
            f" {LONGEST_AHEAD_DAYS} days from now."
        )


def slip_warning(change: PriceChange, outcome: PriceOutcome) -> str | None:
    """A sentence where the price was probably told in another unit than the one before.

    >>> change = PriceChange(variant_id="tent", price_minor=129, currency="EUR")
    >>> slip_warning(change, PriceOutcome("tent", 12_900, changed=True))
    "The price of 'tent' is 129 minor units after 12900, 100 times less; is it in minor units?"
    """
    before, price = outcome.before_minor, change.price_minor
    if not before or not outcome.changed or max(price, before) < SLIP * min(price, before):
        return None
    times = f"{max(price, before) / min(price, before):.0f} times {'more' if price > before else 'less'}"
    return f"The price of {change.variant_id!r} is {price} minor units after {before}, {times}; is it in minor units?"


def unknown_variant(change: PriceChange) -> str:
    return f"The catalogue has no variant {change.variant_id!r}; send the variant_id of one of its products."
