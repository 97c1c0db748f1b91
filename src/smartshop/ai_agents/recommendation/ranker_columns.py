"""The columns of the ranker's table, by name and in order: what a saved ranker is held against."""

from collections.abc import Sequence

FROM_BLEND = ("log_odds", "place", "n_sources")
OF_PRODUCT = ("price", "price_level", "days_on_sale", "demand", "stock")
OF_MATCH = (
    "price_gap",
    "price_level_gap",
    "same_category",
    "same_family",
    "same_brand",
    "category_of_loudest",
    "times_in_history",
    "times_bought",
    "days_since_sign",
)
OF_SHOPPER = ("signs", "days_since_last", "price_paid", "price_level_liked", "in_focus")
OF_CONTEXT = ("surface", "device", "hour", "weekday")


def feature_names(sources: Sequence[str]) -> tuple[str, ...]:
    """Columns in order; 1 ÷ place in each source's list comes first, 0 where it is not listed."""
    return (*(f"list_{source}" for source in sources), *FROM_BLEND, *OF_PRODUCT, *OF_MATCH, *OF_SHOPPER, *OF_CONTEXT)
