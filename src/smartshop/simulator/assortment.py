"""The catalogue as arrays over products, for choosing; the records themselves are in `catalogue`."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Assortment:
    """n products, L leaves, B brands, V variants. Rows stand in catalogue order."""

    leaf: NDArray[np.int32]
    """(n,) index into the scenario's leaves."""
    brand: NDArray[np.int32]
    """(n,) index into the scenario's brands."""
    kind: NDArray[np.int32]
    """(n,) index into the leaf's kinds."""
    price_minor: NDArray[np.int64]
    """(n,) in minor units of the scenario's currency."""
    price_gap: NDArray[np.float64]
    """(n,) log of the price against the median of its kind."""
    appeal: NDArray[np.float64]
    """(n,) utility everybody grants it, with its brand's quality."""
    style: NDArray[np.float64]
    """(n, 6) hidden style, unit scale."""
    launched_at: NDArray[np.int64]
    """(n,) µs UTC."""
    repeat_days: NDArray[np.float64]
    """(n,) days; 0: it lasts."""
    units: NDArray[np.float64]
    """(n,) mean units per order line."""
    first_variant: NDArray[np.int32]
    """(n + 1,) variants of product p are first_variant[p] to first_variant[p + 1] - 1."""
    variant_share: NDArray[np.float64]
    """(V,) how much of its product's demand a variant gets; sums to 1 per product."""
    complements: NDArray[np.bool_]
    """(L, L) [a, b]: who buys in leaf a soon wants leaf b."""

    def __len__(self) -> int:
        return len(self.leaf)
