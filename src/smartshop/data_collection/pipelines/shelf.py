"""The catalogue as arrays over `product_no`: what masks, advice and models index into."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from smartshop.data_collection.schemas.ids import ProductId, ProductNo, SupplierId, VariantId


@dataclass(frozen=True, slots=True)
class Shelf:
    """One immutable picture of the catalogue and its stock; a new one replaces it whole.

    Axis 0 of every array is `product_no`. Built by `pipelines.shelf_arrays`, kept true
    by `pipelines.shelves`.
    """

    version: int
    product_ids: tuple[ProductId, ...]
    number_of: dict[ProductId, ProductNo]
    """Also variant ids, resolved to their product."""
    titles: tuple[str, ...]
    alive: NDArray[np.bool_]
    """Listed, not deleted, recommendable."""
    sellable: NDArray[np.bool_]
    """Alive, priced in the default market, and in stock (or never counted)."""
    available: NDArray[np.int32]
    """Units that can be sold over all variants; -1 where never counted."""
    price_minor: NDArray[np.int64]
    """Lowest present offer; -1 where there is none."""
    category: NDArray[np.int32]
    """Code of the full path; index into `categories`. Code 0 is the empty path."""
    categories: tuple[tuple[str, ...], ...]
    brand: NDArray[np.int32]
    """Index into `brands`; code 0 is "no brand"."""
    brands: tuple[str, ...]
    published_at: NDArray[np.int64]
    """µs UTC; 0 where unknown."""
    attributes: tuple[Mapping[str, Any], ...] = ()
    """(n_products,): the shop's own words of each product, for filters. Any: whatever JSON the shop keeps."""
    margin: NDArray[np.float32] = field(default_factory=lambda: np.empty(0, dtype=np.float32))
    """(n_products,): 1 − cost ÷ price of the lowest present offer; NaN where the cost is not known. Empty: nowhere."""
    variants_sold: tuple[tuple[VariantId, ...], ...] = ()
    """(n_products,): the variants whose units `available` adds up."""
    supplier: NDArray[np.int32] = field(default_factory=lambda: np.empty(0, dtype=np.int32))
    """(n_products,): by whom the catalogue says it is supplied; index into `suppliers`, code 0 is "nobody"."""
    suppliers: tuple[SupplierId | None, ...] = (None,)

    @property
    def n_products(self) -> int:
        return len(self.product_ids)
