"""A shop's years of demand, deliveries and costs with known truth, for policies of replenishment to be tried on.

What is wanted of a product on a day comes from the scenario's people: how often each of them comes to buy, how many
lines they take home, the chance of the leaf at that time of the year in their city, and of the product inside the leaf
for their type. Lines of a day are Poisson, units of a line one and a Poisson number more, as in the fast path. For
everybody who stops coming somebody like them begins: years of demand are not years of decline. What hangs on a single
person's memory (complements, things used up) is left out: the law of each product and day is known in full.
"""

from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from smartshop.data_collection.pipelines.clock import DAY
from smartshop.data_collection.schemas.ids import Micros
from smartshop.data_collection.schemas.money import exponent
from smartshop.errors import InvalidValue
from smartshop.simulator.arrivals import WEEKDAY_FACTORS
from smartshop.simulator.chance import stream
from smartshop.simulator.fast_catalogue import FastCatalogue, make_fast_catalogue
from smartshop.simulator.fast_choice import PERIOD_DAYS, Chooser, Likings, make_chooser, make_likings
from smartshop.simulator.fast_people import make_crowd
from smartshop.simulator.scenario import Scenario, Supplier

WEEK = 7
FIRST_DAY = 20_454
"""2026-01-01, in days since 1970: the first Monday of a world is the last before it."""
FARTHEST_SPREADS = 5.0
"""Standard deviations beyond which no delivery is late: one in three million."""
EPOCH_WEEKDAY = 3
"""1970-01-01 was a Thursday, Monday being 0."""

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class SupplyWorld:
    """n products over t days; what a policy may not know, and what it costs."""

    scenario: Scenario
    first_day: int
    """Days since 1970-01-01; a Monday."""
    leaf: NDArray[np.int32]
    """(n,)"""
    supplier: NDArray[np.int64]
    """(n,) index into the scenario's suppliers."""
    price: Floats
    """(n,) major units."""
    unit_cost: Floats
    """(n,) major units."""
    launch_day: Counts
    """(n,) first day on sale, 0 for those sold from the start."""
    lines: Floats
    """(n, t) expected order lines a day; 0 before the launch."""
    units: Floats
    """(n,) expected units of a line."""
    demand: Counts
    """(n, t) units that were wanted."""
    lead_days: NDArray[np.int32]
    """(n, t) how long an order placed on that day would take: the same for every policy."""

    def __len__(self) -> int:
        return len(self.leaf)

    @property
    def days(self) -> int:
        """t"""
        return int(self.demand.shape[1])

    def of(self, products: NDArray[np.int64]) -> "SupplyWorld":
        """Some of the products, in this order."""
        parts = {
            field.name: getattr(self, field.name)[products]
            for field in fields(self)
            if field.name not in ("scenario", "first_day")
        }
        return replace(self, **parts)

    @property
    def mean(self) -> Floats:
        """(n, t) expected units a day."""
        return self.lines * self.units[:, None]

    @property
    def variance(self) -> Floats:
        """(n, t) of units a day: λ·E[X²] with X = 1 + Poisson(u − 1), a compound Poisson law."""
        return self.lines * (self.units**2 + self.units - 1.0)[:, None]

    @property
    def holding_per_unit_day(self) -> Floats:
        """(n,) money"""
        return self.unit_cost * (self.scenario.supply.holding_per_year / 365.0)

    @property
    def margin(self) -> Floats:
        """(n,) money lost with a unit that was not there."""
        return self.price - self.unit_cost


def make_supply_world(
    scenario: Scenario, seed: int, *, products: int, history_days: int, test_days: int
) -> SupplyWorld:
    """A random part of the scenario's range over history and test; the same arguments give the same world.

    Products are launched during the history, as the scenario says, never during the test.

    Raises:
        InvalidValue: no products, more than the scenario has, or spans that are not whole weeks.
    """
    if not 1 <= products <= scenario.products:
        raise InvalidValue(
            f"{products} products cannot be tried; the scenario has {scenario.products}, take 1 or more."
        )
    for name, days in (("history", history_days), ("test", test_days)):
        if days < WEEK or days % WEEK:
            raise InvalidValue(f"The {name} has {days} days; it is made of whole weeks, at least one.")
    days, first_day = history_days + test_days, _monday_before(FIRST_DAY)
    start_at = first_day * DAY
    end_of_history = Micros(start_at + history_days * DAY)
    catalogue = make_fast_catalogue(
        scenario, seed, products=scenario.products, days=history_days, end_at=end_of_history
    )
    rng = stream(seed, scenario.name, "supply")
    some = np.sort(rng.choice(len(catalogue), size=products, replace=False))
    lines = _expected_lines(scenario, catalogue, some, (start_at, days), rng)
    launch = np.maximum((catalogue.launched_at[some] - start_at) // DAY, 0)
    lines *= np.arange(days) >= launch[:, None]
    units = np.maximum(catalogue.units[some].astype(np.float64), 1.0)
    sold_lines = rng.poisson(lines)
    supplier = suppliers_of(scenario, catalogue)[some]
    price = catalogue.price_minor[some] / 10.0 ** exponent(scenario.currency)
    return SupplyWorld(
        scenario=scenario,
        first_day=first_day,
        leaf=catalogue.leaf[some],
        supplier=supplier,
        price=price,
        unit_cost=price * (1.0 - scenario.supply.margin_share),
        launch_day=launch.astype(np.int64),
        lines=lines,
        units=units,
        demand=sold_lines + rng.poisson(sold_lines * (units - 1.0)[:, None]),
        lead_days=_lead_days(scenario, supplier, days, rng),
    )


def suppliers_of(scenario: Scenario, catalogue: FastCatalogue) -> NDArray[np.int64]:
    """(n,) each product's supplier: that of its brand."""
    keys = [supplier.key for supplier in scenario.suppliers]
    return np.array([keys.index(brand.supplier) for brand in scenario.brands], np.int64)[catalogue.brand]


def lead_chances(supplier: Supplier) -> Floats:
    """(k,) chances of 0, 1, 2 … days: a normal law rounded to whole days, at least one, as the stockroom draws it."""
    spread = max(supplier.lead_time_spread_days, 1e-9)
    longest = int(np.ceil(supplier.lead_time_days + FARTHEST_SPREADS * spread)) + 1
    at_most = stats.norm.cdf(np.arange(longest + 1) + 0.5, supplier.lead_time_days, spread)
    at_most[0] = 0.0
    chances = np.diff(at_most, prepend=0.0)
    return np.asarray(chances / chances.sum(), np.float64)


def _lead_days(
    scenario: Scenario, supplier: NDArray[np.int64], days: int, rng: np.random.Generator
) -> NDArray[np.int32]:
    mean = np.array([one.lead_time_days for one in scenario.suppliers])[supplier]
    spread = np.array([one.lead_time_spread_days for one in scenario.suppliers])[supplier]
    return _whole_days(rng.normal(mean[:, None], spread[:, None], size=(len(supplier), days)))


def _whole_days(days: Floats) -> NDArray[np.int32]:
    return np.maximum(np.rint(days), 1.0).astype(np.int32)


def _expected_lines(
    scenario: Scenario,
    catalogue: FastCatalogue,
    some: NDArray[np.int64],
    span: tuple[int, int],
    rng: np.random.Generator,
) -> Floats:
    """(n, t) order lines a day of some products. `span`: µs UTC of the first day, days."""
    start_at, days = span
    likings = make_likings(catalogue, start_at=start_at, days=days + PERIOD_DAYS, rng=rng)
    crowd = make_crowd(scenario, scenario.shoppers, rng)
    by_type = _chances_by_type(likings, make_chooser(likings, crowd, rng))
    share = likings.product_share[:, some].astype(np.float64)
    of_period = np.einsum("kpl,kl->pl", by_type[:, :, catalogue.leaf[some]], share)
    moments = (np.arange(len(of_period)) + 0.5) * PERIOD_DAYS
    at = np.arange(days) + 0.5
    level = np.stack([np.interp(at, moments, column) for column in of_period.T])
    rates = scenario.rates
    lines_per_visit = rates.buying_share * (1.0 - rates.abandon_share) * rates.lines_per_order
    weekday = np.array(WEEKDAY_FACTORS)[(np.arange(days) + start_at // DAY + EPOCH_WEEKDAY) % WEEK]
    return np.asarray(level * lines_per_visit * weekday, np.float64)


def _chances_by_type(likings: Likings, chooser: Chooser) -> Floats:
    """(T, periods, L) visits a day of each type's people, times their chance of the leaf."""
    crowd, periods = chooser.crowd, len(likings.moment)
    up_to = chooser.up_to.reshape(periods, len(crowd), -1)
    place = (np.arange(periods)[:, None] * len(crowd) + np.arange(len(crowd)))[:, :, None]
    chance = np.diff(up_to - place, axis=2, prepend=0.0)
    weight = np.eye(len(likings.leaf_value))[crowd.type] * crowd.visits_per_day[:, None]
    return np.asarray(np.einsum("sk,psl->kpl", weight, chance, optimize=True), np.float64)


def _monday_before(day: int) -> int:
    return day - (day + EPOCH_WEEKDAY) % WEEK
