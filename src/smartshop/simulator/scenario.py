"""A shop's script: what it sells, who comes, how they decide. One TOML file, read into frozen records.

Every field says its unit; `docs/scenarios.md` is the same for people who write such a file.
"""

from importlib.resources import files
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from smartshop.errors import SourceError
from smartshop.simulator.leaves import Leaf, Positive, Text, Weight, department_of

Share = Annotated[float, Meta(ge=0.0, le=1.0)]
Count = Annotated[int, Meta(ge=1)]

MONTHS = 12


class Brand(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    name: Text
    departments: Annotated[tuple[str, ...], Meta(min_length=1)]
    """What it makes things for: departments, or whole leaf paths (`Hiking > Footwear`); `*` is everything."""
    price_level: Positive = 1.0
    """Multiplies prices."""
    quality: float = 0.0
    """Utility (log-odds) everybody grants it."""
    supplier: Text
    """Key of a supplier."""
    voice: Text
    """One sentence a description of its products may end with."""
    share: Positive = 1.0
    """Products relative to other brands of the department."""


class Supplier(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    key: Text
    name: Text
    lead_time_days: Positive
    """Mean days from order to arrival."""
    lead_time_spread_days: Annotated[float, Meta(ge=0.0)] = 1.0
    """Standard deviation of the above."""
    pack_units: Count = 1
    """What it sells today comes in multiples of so many units."""
    order_cost: Annotated[float, Meta(ge=0.0)] = 0.0
    """Money, in major units, of each order, however small: delivery and handling."""
    min_order: Annotated[float, Meta(ge=0.0)] = 0.0
    """Money, in major units; orders for less are not accepted."""


class City(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    name: Text
    country: Annotated[str, Meta(pattern="^[A-Z]{2}$")]
    share: Positive
    """Shoppers relative to the other cities."""
    mean_c: float
    """Mean temperature of the year, °C."""
    swing_c: Annotated[float, Meta(ge=0.0)]
    """Half of the difference between the warmest and the coldest time of year, °C."""
    wet_share: Share
    """Share of days with rain or snow."""
    coldest_day: Annotated[int, Meta(ge=1, le=366)] = 20
    """Day of the year; about 200 in the southern hemisphere."""


class ShopperType(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A sort of person; the planted truth that a segmentation should find again."""

    name: Text
    share: Positive
    likes: dict[str, float]
    """Department or full leaf path → utility (log-odds); both add up."""
    brands: dict[str, float] = {}
    """Brand → utility (log-odds)."""
    price_sensitivity: Positive = 1.0
    """Utility lost when a price is e times that of its kind."""
    activity: Positive = 1.0
    """Multiplies how often they come."""


class Rates(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How often things happen."""

    sessions_per_day: Positive
    """Mean visits per shopper and day before lapsing."""
    activity_shape: Positive = 1.0
    """Shape of the gamma distribution of visiting rates between shoppers; small: a few come very often."""
    buying_share: Share
    """Share of visits with the intention to buy."""
    abandon_share: Share = 0.12
    """Share of filled baskets that are left behind."""
    lines_per_order: Positive
    """Mean distinct products of an order."""
    lines_shape: Positive = 1.1
    """Shape of the gamma distribution of lines per order; 1.1 spreads like a geometric one."""
    customer_share: Share = 0.6
    """Share of shoppers who have an account and sign in."""
    second_device_share: Share = 0.2
    """Share of them who come on two devices, each with an anonymous id of its own."""
    mobile_share: Share = 0.55
    search_share: Share = 0.45
    """Share of errands that start in the search box and not on a category page."""
    return_share: Share = 0.03
    """Share of orders of which something comes back."""
    need_return_share: Share = 0.08
    """Share of orders after which the shopper comes back within days for what goes with them."""
    lapse_per_day: Share = 0.003
    """Chance per day that a shopper stops coming for good."""
    opt_out_share: Share = 0.03
    """Share of shoppers who withdraw personalisation at their first visit."""


class Tastes(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How strongly things count; all in log-odds."""

    appeal_spread: Weight
    """Standard deviation of a product's general appeal: what makes best-sellers."""
    leaf_spread: Weight = 0.7
    """Standard deviation between shoppers of one type in how they like a leaf."""
    brand_spread: Weight = 0.4
    style_spread: Weight = 0.5
    """Of the match between a shopper's and a product's style (six hidden dimensions)."""
    repeat_pull: float = 4.0
    """Added for a product bought before whose cycle is over."""
    owned_push: float = -3.0
    """Added for a product bought before that lasts, or whose cycle is not over."""
    complement_pull: float = 1.5
    """Added to leaves that go with what was bought or is in the basket."""
    complement_days: Positive = 14.0
    """How long that lasts after the order, days."""
    errand_pull: float = 2.0
    """Added to the leaves a shopper came for."""
    noticed_pull: float = 1.5
    """Added for a product clicked in this visit: what a good slate can gain."""
    position_bias: Weight = 0.7
    """Chance to look at position k (from 0) of a slate is (k + 1)^-position_bias."""
    click_threshold: float = 2.2
    """Utility, in standard deviations above the shopper's mean over the catalogue, where looking becomes clicking."""


class ShowPolicy(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The made history's slates: each slot draws one of three ways, at random, and the chance is logged."""

    popular: Weight = 0.45
    category: Weight = 0.25
    random: Weight = 0.30
    """Relative weights of the three ways; `random` keeps every product's chance above zero."""
    limit: Annotated[int, Meta(ge=2, le=50)] = 12
    """Items per slate."""


class StockPlan(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How the shop buys in."""

    cover_days: Positive = 25.0
    """Days of expected sales that stand on the shelf at the start and that an order brings."""
    cover_spread: Weight = 0.5
    """Standard deviation of the log of that guess: some products sell out."""
    least_units: Count = 4
    """Never fewer units of a variant at the start."""


class SupplyCosts(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What buying in and keeping goods costs; what a policy of replenishment is judged by."""

    margin_share: Annotated[float, Meta(gt=0.0, lt=1.0)] = 0.45
    """Of the price, what is left after the goods are paid: lost with every unit that was not there."""
    holding_per_year: Positive = 0.25
    """Capital, room and ageing of a unit kept for a year, as a share of what it cost (20 to 30 % is usual)."""
    order_cost: Annotated[float, Meta(ge=0.0)] = 1.0
    """Money, in major units, for each product of an order: asking, receiving, putting away."""
    review_days: Count = 7
    """Days between two looks at what to order."""


class Scenario(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The whole script."""

    name: Annotated[str, Meta(pattern="^[a-z0-9_]{1,40}$")]
    """Short name, part of ids."""
    title: Text
    """The shop's name, for people."""
    currency: Annotated[str, Meta(pattern="^[A-Z]{3}$")]
    locale: Text = "en-GB"
    products: Count = 1200
    shoppers: Count = 3000
    days: Count = 60
    launched_share: Share = 0.1
    """Share of the products that are launched during the history."""
    discounted_share: Share = 0.15
    """Share of the products sold below their list price."""
    model_names: Annotated[tuple[str, ...], Meta(min_length=20)]
    """First words of titles; no two products share model name and noun."""
    seasons: dict[str, Annotated[tuple[Positive, ...], Meta(min_length=MONTHS, max_length=MONTHS)]]
    """Curve name → demand factor of each month, January first; 1 is a usual month. `even` must be there."""
    rates: Rates
    tastes: Tastes
    policy: ShowPolicy = ShowPolicy()
    stock: StockPlan = StockPlan()
    supply: SupplyCosts = SupplyCosts()
    suppliers: Annotated[tuple[Supplier, ...], Meta(min_length=1)]
    brands: Annotated[tuple[Brand, ...], Meta(min_length=1)]
    cities: Annotated[tuple[City, ...], Meta(min_length=1)]
    shopper_types: Annotated[tuple[ShopperType, ...], Meta(min_length=1)]
    leaves: Annotated[tuple[Leaf, ...], Meta(min_length=1)]


SHIPPED = ("outdoor_store", "home_and_garden")
"""Scenarios that come with the package."""


def load_scenario(path_or_name: str | Path) -> Scenario:
    """The scenario of a TOML file, or a shipped one by its name.

    Raises:
        SourceError: no such file, not TOML, or a field that cannot be used.
    """
    path = Path(path_or_name)
    if path.suffix == ".toml":
        try:
            content = path.read_bytes()
        except OSError as error:
            raise SourceError(f"The scenario file {path} cannot be read: {error.strerror}.") from None
    elif str(path_or_name) in SHIPPED:
        content = files("smartshop.simulator").joinpath(f"scenarios/{path_or_name}.toml").read_bytes()
    else:
        raise SourceError(
            f"There is no scenario {str(path_or_name)!r}; name a .toml file or one of {', '.join(SHIPPED)}."
        )
    try:
        scenario = msgspec.toml.decode(content, type=Scenario)
    except msgspec.DecodeError as error:
        raise SourceError(f"The scenario {path} cannot be used: {error}.") from None
    check_names(scenario)
    return scenario


def check_names(scenario: Scenario) -> None:
    """Every name used is one that is declared.

    Raises:
        SourceError: names the word that nothing stands for.
    """
    leaves = {leaf.category for leaf in scenario.leaves}
    departments = {department_of(leaf) for leaf in scenario.leaves}
    brands = {brand.name for brand in scenario.brands}
    suppliers = {supplier.key for supplier in scenario.suppliers}
    _all_known("season", {leaf.season for leaf in scenario.leaves} | {"even"}, set(scenario.seasons))
    _all_known("complement", {other for leaf in scenario.leaves for other in leaf.complements}, leaves)
    _all_known("supplier", {brand.supplier for brand in scenario.brands}, suppliers)
    _all_known("department", {d for brand in scenario.brands for d in brand.departments}, departments | leaves | {"*"})
    _all_known("liked category", {like for kind in scenario.shopper_types for like in kind.likes}, leaves | departments)
    _all_known("brand", {name for kind in scenario.shopper_types for name in kind.brands}, brands)
    for leaf in scenario.leaves:
        for kind in leaf.kinds:
            if not (kind.pitches or leaf.pitches):
                raise SourceError(f"Nothing is said of {kind.noun!r}; give it or {leaf.category!r} some `pitches`.")
        if not any(makes(brand, leaf) for brand in scenario.brands):
            raise SourceError(f"No brand makes anything for {leaf.category!r}; give one that leaf or its department.")


def makes(brand: Brand, leaf: Leaf) -> bool:
    return not {"*", department_of(leaf), leaf.category}.isdisjoint(brand.departments)


def _all_known(what: str, used: set[str], declared: set[str]) -> None:
    for word in sorted(used - declared):
        raise SourceError(f"The {what} {word!r} is used but not declared; known are {', '.join(sorted(declared))}.")
