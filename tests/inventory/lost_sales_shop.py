"""A shop of one product, day by day, in which what is not there is not sold: the judge of policies."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Units = NDArray[np.int64]
SETTLING_DAYS = 100


@dataclass(frozen=True, slots=True)
class Shop:
    lead_days: int
    review_days: int
    holding: float
    stockout: float
    fixed: float = 0.0
    price: Callable[[float], float] = lambda units: 0.0


def raise_up_to(reorder_point: int, level: int, pack: int, positions: int) -> Units:
    """(positions,) what to order at each position: up to a level, in whole packs, at or below a reorder point."""
    position = np.arange(positions)
    return np.where(position <= reorder_point, -(-(level - position) // pack) * pack, 0).clip(0)


def cost_per_day(shop: Shop, demand: Units, orders: list[Units]) -> NDArray[np.float64]:
    """(n,) of n policies over the same days, each a table of what to order at every position from 0 on."""
    table, count = np.vstack(orders), len(orders)
    rows, top = np.arange(count), table.shape[1] - 1
    prices = np.vectorize(shop.price, otypes=[float])(np.arange(table.max() + 1))
    on_hand = np.full(count, int(demand.mean() * (shop.lead_days + shop.review_days)), np.int64)
    due = np.zeros((count, len(demand) + shop.lead_days + 1), np.int64)
    awaited, cost = np.zeros(count, np.int64), np.zeros(count)
    for day, asked in enumerate(demand):
        charged = float(day >= SETTLING_DAYS)
        if day % shop.review_days == 0:
            ordered = table[rows, np.minimum(on_hand + awaited, top)]
            due[:, day + shop.lead_days] += ordered
            awaited += ordered
            cost += charged * (shop.fixed * (ordered > 0) + prices[ordered])
        on_hand, awaited = on_hand + due[:, day], awaited - due[:, day]
        left = np.maximum(on_hand - asked, 0)
        cost += charged * (shop.stockout * np.maximum(asked - on_hand, 0) + shop.holding * (on_hand + left) / 2)
        on_hand = left
    return cost / (len(demand) - SETTLING_DAYS)
