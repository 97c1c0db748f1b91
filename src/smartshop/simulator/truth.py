"""What nobody in the shop may know: utilities, types, true demand, who has stopped coming.

Written to a folder of its own, `truth.npz` and `truth.json`. No service code reads it; it is there to measure how near
the agents came.
"""

from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from smartshop.simulator.shoppers import NEVER
from smartshop.simulator.world import World


@dataclass(frozen=True, slots=True)
class Ledger:
    """Filled while a history is made; rows are days from the first, columns products."""

    wanted: NDArray[np.int64]
    """(days, n) units that shoppers set out to buy: sold and missed."""
    missed: NDArray[np.int64]
    """(days, n) units of them that were not there."""
    orders: NDArray[np.int64]
    """(S,) orders per shopper."""


def new_ledger(world: World, days: int) -> Ledger:
    size = (days, len(world.products))
    return Ledger(
        wanted=np.zeros(size, dtype=np.int64),
        missed=np.zeros(size, dtype=np.int64),
        orders=np.zeros(len(world.population), dtype=np.int64),
    )


class TruthIndex(msgspec.Struct, frozen=True, kw_only=True):
    """`truth.json`: what the rows and columns of `truth.npz` stand for."""

    scenario: str
    seed: int
    start_at: int
    """µs UTC."""
    end_at: int
    product_ids: list[str]
    shopper_keys: list[str]
    """`customer_id` of those who have an account, else their first `anonymous_id`."""
    shopper_types: list[str]
    leaves: list[str]
    brands: list[str]


def write_truth(world: World, ledger: Ledger, folder: Path) -> None:
    """Write both files into `folder`, which is made when missing."""
    folder.mkdir(parents=True, exist_ok=True)
    people = world.population
    np.savez_compressed(
        folder / "truth.npz",
        utility=world.utility.astype(np.float16),
        type=people.type,
        leaf_taste=people.leaf_taste.astype(np.float32),
        brand_taste=people.brand_taste.astype(np.float32),
        price_sensitivity=people.price_sensitivity.astype(np.float32),
        visits_per_day=people.visits_per_day.astype(np.float32),
        lapse_day=np.where(people.lapse_day == NEVER, -1, people.lapse_day),
        wanted=ledger.wanted,
        missed=ledger.missed,
        orders=ledger.orders,
        leaf=world.range.assortment.leaf,
        brand=world.range.assortment.brand,
        complements=world.range.assortment.complements,
    )
    index = TruthIndex(
        scenario=world.scenario.name,
        seed=world.seed,
        start_at=world.start_at,
        end_at=world.end_at,
        product_ids=[str(product.product_id) for product in world.products],
        shopper_keys=[world.shopper_key(number) for number in range(len(people))],
        shopper_types=[kind.name for kind in world.scenario.shopper_types],
        leaves=[leaf.category for leaf in world.scenario.leaves],
        brands=[brand.name for brand in world.scenario.brands],
    )
    (folder / "truth.json").write_bytes(msgspec.json.encode(index))
