"""How long a supplier takes, learned from receipts: pulled to what the supplier says while little was seen."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import msgspec
import numpy as np

from smartshop.data_collection.schemas.ids import SupplierId
from smartshop.data_collection.schemas.supply import Supplier, SupplyDelivery

DAY_MICROS = 86_400_000_000
UNKNOWN_LEAD_DAYS = 14.0
"""Of a supplier of whom nothing is known: within the one to four weeks that wholesalers of consumer goods promise."""
USUAL_VARIATION = 0.3
"""Standard deviation over mean of a lead time that nobody measured."""
UNKNOWN_VARIATION = 0.5
"""And where not even the mean was told."""
PRIOR_ORDERS = 3.0
"""What was stated counts as so many orders seen."""
LONGEST_DAYS = 365.0
"""Later than this a receipt was booked late or belongs to another order."""


class LeadTime(msgspec.Struct, frozen=True, kw_only=True):
    """Days from sending an order to its goods on the shelf; a gamma law of this mean and deviation."""

    mean_days: float
    sd_days: float
    orders_seen: int
    """Orders of which receipts told; 0: as stated, or assumed."""
    stated_days: float | None
    """What the supplier says; None: nothing."""

    @property
    def source(self) -> str:
        """Where it comes from, in words."""
        if self.orders_seen:
            return f"learned from {self.orders_seen} order{'s' if self.orders_seen > 1 else ''}"
        return "as the supplier says" if self.stated_days is not None else "assumed: nobody said"


def learn_lead_times(suppliers: Iterable[Supplier], deliveries: Sequence[SupplyDelivery]) -> dict[SupplierId, LeadTime]:
    """Every supplier's lead time. An order that came in parts took as long as its units did on average."""
    seen = days_seen(deliveries)
    return {
        supplier.supplier_id: lead_time(supplier.lead_time_days, seen.get(supplier.supplier_id, ()))
        for supplier in suppliers
    }


def lead_time(stated_days: float | None, seen_days: Sequence[float] = ()) -> LeadTime:
    """Mean and spread from (k,) orders seen and what was stated, which counts as `PRIOR_ORDERS` of them.

    Both are those of a normal law with a conjugate prior (Gelman et al. 2013, eq. 3.9) in its mean and variance.

    >>> lead_time(10.0).sd_days
    3.0
    """
    centre = UNKNOWN_LEAD_DAYS if stated_days is None else stated_days
    variation = UNKNOWN_VARIATION if stated_days is None else USUAL_VARIATION
    days = np.asarray(seen_days, np.float64)
    weight = PRIOR_ORDERS + len(days)
    mean = (PRIOR_ORDERS * centre + days.sum()) / weight
    between = PRIOR_ORDERS * len(days) / weight * (days.mean() - centre) ** 2 if len(days) else 0.0
    squares = PRIOR_ORDERS * (variation * centre) ** 2 + ((days - days.mean()) ** 2).sum() if len(days) else 0.0
    variance = (squares + between) / weight if len(days) else (variation * centre) ** 2
    return LeadTime(
        mean_days=float(mean), sd_days=float(np.sqrt(variance)), orders_seen=len(days), stated_days=stated_days
    )


def lead_time_of(supplier: Supplier | None, learned: Mapping[SupplierId, LeadTime]) -> LeadTime:
    """As learned, else as stated, else as is usual."""
    if supplier is None:
        return lead_time(None)
    return learned.get(supplier.supplier_id) or lead_time(supplier.lead_time_days)


def days_seen(deliveries: Sequence[SupplyDelivery]) -> Mapping[SupplierId, list[float]]:
    """Supplier → days that each of its orders took, weighed by units, in the order of their first goods.

    Clocks that ran backwards are left out.
    """
    units: dict[tuple[SupplierId, str], float] = defaultdict(float)
    weighed: dict[tuple[SupplierId, str], float] = defaultdict(float)
    for one in deliveries:
        came, days = sum(line.units for line in one.lines), (one.received_at - one.sent_at) / DAY_MICROS
        if came > 0 and 0.0 <= days <= LONGEST_DAYS:
            units[one.supplier_id, one.purchase_order_id] += came
            weighed[one.supplier_id, one.purchase_order_id] += came * days
    found: dict[SupplierId, list[float]] = defaultdict(list)
    for key, total in units.items():
        found[key[0]].append(weighed[key] / total)
    return found
