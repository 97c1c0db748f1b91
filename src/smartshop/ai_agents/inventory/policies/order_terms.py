"""What a decision to order is made from, and what it says."""

from dataclasses import dataclass, field

from smartshop.ai_agents.inventory.policies.bounds import between_zero_and_one, finite, not_negative, positive
from smartshop.ai_agents.inventory.policies.demand_law import DemandLaw
from smartshop.ai_agents.inventory.policies.prices import PriceList
from smartshop.errors import InvalidValue


@dataclass(frozen=True, slots=True)
class StockPosition:
    """Units of one product at one place."""

    on_hand: int
    on_order: int = 0
    """Ordered and not yet received; it is taken to arrive before what would be ordered now."""
    owed: int = 0
    """Sold or reserved, and not yet taken from the shelf."""

    def __post_init__(self) -> None:
        for name, units in (("On hand", self.on_hand), ("On order", self.on_order), ("Owed", self.owed)):
            if units < 0:
                raise InvalidValue(f"{name} is {units} units; it is at least 0.")

    @property
    def units(self) -> int:
        """The inventory position: what can meet demand until an order placed now and the one after it have come."""
        return self.on_hand + self.on_order - self.owed


@dataclass(frozen=True, slots=True)
class AwaitedDemand:
    """The demand that an order placed now has to meet."""

    over_protection: DemandLaw
    """Units over lead time plus review: until the next order could arrive."""
    lead_time_days: float
    """0 where goods come at once."""
    review_days: float
    """Days between two decisions, above 0."""
    over_lead_time: DemandLaw | None = None
    """Units until an order placed now arrives; scaled down from the whole where it is not told."""
    units_per_day: float | None = None
    """Mean units a day in the longer run; that of the protection time where it is not told."""

    def __post_init__(self) -> None:
        not_negative("The lead time in days", self.lead_time_days)
        positive("The review period in days", self.review_days)
        if self.units_per_day is not None:
            not_negative("Mean demand per day", self.units_per_day)

    @property
    def per_day(self) -> float:
        if self.units_per_day is not None:
            return self.units_per_day
        return self.over_protection.mean / (self.lead_time_days + self.review_days)

    @property
    def before_delivery(self) -> DemandLaw:
        if self.over_lead_time is not None:
            return self.over_lead_time
        return self.over_protection.over_part(self.lead_time_days / (self.lead_time_days + self.review_days))


@dataclass(frozen=True, slots=True)
class SupplierTerms:
    """On what terms a supplier delivers a product."""

    prices: PriceList
    pack_units: int = 1
    """Units come only in multiples of it."""
    least_units: int = 0
    """Smallest order (MOQ)."""
    most_units: int | None = None
    """Largest order; None for no limit."""
    fixed_cost: float = 0.0
    """Money per order, whatever its size: freight, handling, the buyer's time."""

    def __post_init__(self) -> None:
        if self.pack_units < 1:
            raise InvalidValue(f"A pack has {self.pack_units} units; it has at least 1.")
        if self.least_units < 0:
            raise InvalidValue(f"The smallest order is {self.least_units} units; it is at least 0.")
        not_negative("The fixed cost of an order", self.fixed_cost)
        if self.most_units is not None and self.most_packs < self.fewest_packs:
            raise InvalidValue(
                f"The largest order is {self.most_units} units; it must hold at least {self.fewest_packs} "
                f"packs of {self.pack_units}."
            )

    @property
    def fewest_packs(self) -> int:
        """Packs of the smallest order, at least one."""
        return max(-(-self.least_units // self.pack_units), 1)

    @property
    def most_packs(self) -> int:
        """Packs of the largest order."""
        return 10**9 if self.most_units is None else self.most_units // self.pack_units


@dataclass(frozen=True, slots=True)
class StockCosts:
    """What it costs to have stock, and not to have it. Either a stock-out cost or a service level is told."""

    holding_per_unit_day: float
    """Money to keep one unit for a day: capital, room, ageing. Above 0."""
    stockout_per_unit: float | None = None
    """Money lost with one unit asked for in vain: its margin and some goodwill."""
    service_level: float | None = None
    """Wanted chance of no stock-out until the next order comes; the stock-out cost that makes it best is then used."""
    longest_cover_days: float = 182.0
    """No order is planned to last longer, however cheap: demand so far ahead is hardly known."""

    def __post_init__(self) -> None:
        positive("The holding cost per unit and day", self.holding_per_unit_day)
        positive("The longest cover in days", self.longest_cover_days)
        if (self.stockout_per_unit is None) == (self.service_level is None):
            raise InvalidValue("Tell either the stock-out cost per unit or the service level: one of them, not both.")
        if self.stockout_per_unit is not None:
            positive("The stock-out cost per unit", self.stockout_per_unit)
        if self.service_level is not None:
            between_zero_and_one("The service level", self.service_level)


@dataclass(frozen=True, slots=True)
class OrderDecision:
    """How much to order now, and what it is expected to bring.

    Costs are of the time that the planned order lasts. An order that lasts longer or shorter is brought to the same
    length at what the plan costs per day, so that all of them can be compared. The goods count by what they cost more
    or less than at the plan's price, since what is not bought now is bought later.
    """

    units: int
    """A multiple of the pack; 0 to wait until the next review."""
    packs: int
    order_up_to: float
    """Position that the plan raises stock to."""
    reorder_point: int | None
    """Largest position at which ordering is better than waiting; None where even an empty shelf is no reason."""
    expected_cost: float
    cost_of_one_pack_less: float | None
    """Of the next smaller order taken, which may be none at all; None where nothing is ordered."""
    cost_of_one_pack_more: float | None
    """Of the next larger order; the smallest taken where nothing is ordered, None at the supplier's limit."""
    cost_of_waiting: float
    """Of ordering nothing now."""
    cycle_service: float
    """Chance that demand is met in full until the order after this one could arrive."""
    fill_rate: float
    """Expected share of demand met from the shelf between this order's delivery and the next one's."""
    days_of_cover: float
    """Position after the order over mean demand a day; infinite where nothing is asked for."""
    cash: float
    """What the order costs, its fixed cost included."""
    stockout_per_unit: float
    """The stock-out cost used: as told, or the one that makes the wanted service level best."""
    planned_days: float = field(default=0.0)
    """Days that a usual order lasts."""

    def __post_init__(self) -> None:
        finite("The expected cost", self.expected_cost)
