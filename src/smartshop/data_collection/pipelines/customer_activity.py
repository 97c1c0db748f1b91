"""What customers did, as arrays: the table from which segments, value and churn are learned.

One definition for a whole shop and for one customer a second after an order: whoever computes features from it gets the
same from the refit and from a live move.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from smartshop.data_collection.pipelines.customer_orders import Orders, Reversals, no_reversals
from smartshop.data_collection.schemas.events import EventKind
from smartshop.data_collection.schemas.ids import CustomerId, Micros

SIGN_KINDS: tuple[EventKind, ...] = (
    EventKind.PAGE_VIEWED,
    EventKind.PRODUCT_VIEWED,
    EventKind.PRODUCT_CLICKED,
    EventKind.RECOMMENDATION_CLICKED,
    EventKind.PRODUCT_ADDED,
    EventKind.PRODUCT_REMOVED,
    EventKind.SEARCHED,
    EventKind.WISHLISTED,
    EventKind.RATED,
    EventKind.DWELLED,
    EventKind.ITEM_DISMISSED,
    EventKind.CHECKOUT_STARTED,
)
"""What counts as a sign; `sign_kind` is an index into this."""


@dataclass(frozen=True, slots=True)
class CustomerActivity:
    """n customers, m orders, l order lines, s signs; parallel arrays per group.

    Orders by (customer, ordered_at), lines by order, signs by (customer, occurred_at). Human traffic only, orders that
    are the shop's own word only, wholly refunded orders left out, each event once, owners after links and merges,
    customers only (no anonymous shoppers). Nothing occurred after `as_of`. What came back by then stands aside in
    `reversals`, so that `segmentation.cut` can show an earlier moment as it stood.
    """

    customer_ids: tuple[CustomerId, ...]
    """(n,), sorted."""
    as_of: Micros
    log_no: int
    first_seen_at: NDArray[np.int64]
    """(n,) µs UTC: of anything counted here."""
    last_seen_at: NDArray[np.int64]

    order_customer: NDArray[np.int32]
    """(m,) index into `customer_ids`, rising."""
    order_at: NDArray[np.int64]
    """(m,) µs UTC."""
    order_value_minor: NDArray[np.int64]
    """(m,) goods after discounts, less what was refunded of it; shipping and tax left out; in the shop's currency."""
    order_list_minor: NDArray[np.int64]
    """(m,) the same goods before the discount that the order tells on the whole of it (lines tell only what was paid);
    never the shelf's price of now, by which every later rise would read as a discount."""
    order_units: NDArray[np.int32]
    order_units_back: NDArray[np.int32]
    """(m,) of them returned or refunded by line."""
    order_channel: NDArray[np.int16]
    """(m,) index into `channels`; 0 is unknown."""
    order_device: NDArray[np.int16]
    """(m,) index into `devices`; 0 is unknown."""

    line_order: NDArray[np.int32]
    """(l,) index into the orders, rising."""
    line_product: NDArray[np.int32]
    """(l,) product_no; -1 for what the shelf does not know."""
    line_units: NDArray[np.int32]
    line_value_minor: NDArray[np.int64]
    """(l,) units × price paid."""

    sign_customer: NDArray[np.int32]
    """(s,) index into `customer_ids`, rising."""
    sign_at: NDArray[np.int64]
    sign_kind: NDArray[np.int8]
    """(s,) index into SIGN_KINDS."""
    sign_product: NDArray[np.int32]
    """(s,) product_no; -1 where it names none."""
    sign_session: NDArray[np.int32]
    """(s,) dense number of the visit (the session_id, else a pause of 30 minutes); not stable between loads."""
    sign_device: NDArray[np.int16]

    channels: tuple[str, ...] = ("",)
    devices: tuple[str, ...] = ("",)
    foreign_customer: NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, np.int32))
    """(f,) index into `customer_ids`, of orders in another currency than the shop's: they are in none of the above."""
    foreign_at: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    reversals: Reversals = field(default_factory=no_reversals)

    def __len__(self) -> int:
        return len(self.customer_ids)

    @property
    def kept(self) -> NDArray[np.bool_]:
        """(m,) orders of which something was kept: worth something, or of no known price and not given back."""
        return something_kept(self.order_value_minor, self.order_units, self.order_units_back)

    @property
    def foreign_orders(self) -> int:
        """Orders in another currency than the shop's, of which only the time counts: nothing is converted."""
        return len(self.foreign_at)

    @property
    def orders(self) -> Orders:
        """The columns of orders and lines, as one; nothing is copied."""
        return Orders(
            customer=self.order_customer,
            at=self.order_at,
            value_minor=self.order_value_minor,
            list_minor=self.order_list_minor,
            units=self.order_units,
            units_back=self.order_units_back,
            channel=self.order_channel,
            device=self.order_device,
            line_order=self.line_order,
            line_product=self.line_product,
            line_units=self.line_units,
            line_value_minor=self.line_value_minor,
        )


def something_kept(
    value_minor: NDArray[np.int64], units: NDArray[np.int32], units_back: NDArray[np.int32]
) -> NDArray[np.bool_]:
    """(m,) of orders: worth something, or of no known price and not given back."""
    return np.asarray((value_minor > 0) | ((value_minor == 0) & (units > units_back)), np.bool_)
