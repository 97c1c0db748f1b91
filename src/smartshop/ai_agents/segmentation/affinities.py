"""What a customer cares for more than others do: categories, brands and products, as strengths from 0 to 1."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import scipy  # its sparse arrays load when first used
from numpy.typing import NDArray

from smartshop.data_collection.pipelines.customer_activity import SIGN_KINDS, CustomerActivity
from smartshop.data_collection.pipelines.shelf import Shelf
from smartshop.data_collection.schemas.catalogue import format_category
from smartshop.data_collection.schemas.events import INTEREST_WEIGHT, EventKind
from smartshop.data_collection.schemas.segments import Affinity, AffinityKind

PRIOR_WEIGHT = 8.0
"""Of the shop's own shares against the customer's: as much as two order lines, or eight looks at products."""
LEAST_STRENGTH = 0.02
MOST: Mapping[AffinityKind, int] = {AffinityKind.CATEGORY: 4, AffinityKind.BRAND: 2, AffinityKind.PRODUCT: 6}
"""Kept per customer: what a merchant asks for, bounded for a million of them."""

Shares = Mapping[AffinityKind, Mapping[str, float]]
"""Kind → subject → its share of the whole shop's interest."""


@dataclass(frozen=True, slots=True)
class Subjects:
    """One kind of thing that customers lean to, over a shelf."""

    kind: AffinityKind
    of_product: NDArray[np.int32]
    """(n_products,) index into `names`; -1: the product has none."""
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Leanings:
    """Entries of one kind by (customer, strength falling); parallel arrays."""

    customer: NDArray[np.int32]
    subject: NDArray[np.int32]
    """Index into the subjects' names."""
    strength: NDArray[np.float32]


def interest_in_products(activity: CustomerActivity, n_products: int) -> "scipy.sparse.csr_array":
    """(n_customers, n_products) float32: order lines and signs by how much each says; nothing below zero."""
    said = np.array([INTEREST_WEIGHT.get(kind, 0.0) for kind in SIGN_KINDS], np.float32)
    bought = np.full(len(activity.line_product), INTEREST_WEIGHT[EventKind.ORDER_COMPLETED], np.float32)
    customer = np.concatenate([activity.order_customer[activity.line_order], activity.sign_customer])
    product = np.concatenate([activity.line_product, activity.sign_product])
    weight = np.concatenate([bought, said[activity.sign_kind]])
    counted = (product >= 0) & (product < n_products) & (weight != 0)
    entries = (weight[counted], (customer[counted], product[counted]))
    table = scipy.sparse.csr_array(entries, shape=(len(activity), n_products), dtype=np.float32)
    table.sum_duplicates()
    np.maximum(table.data, 0.0, out=table.data)
    return table


def subjects_of(
    shelf: Shelf, family_of_product: NDArray[np.int32], families: tuple[str, ...]
) -> tuple[Subjects, Subjects, Subjects]:
    """Categories, brands, products. Where the shop keeps no categories its product families stand in for them."""
    category, paths = _none_below_one(shelf.category), tuple(format_category(path) for path in shelf.categories)
    if not (category >= 0).any():
        category, paths = family_of_product, families
    every_product = np.arange(shelf.n_products, dtype=np.int32)
    return (
        Subjects(AffinityKind.CATEGORY, category, paths),
        Subjects(AffinityKind.BRAND, _none_below_one(shelf.brand), shelf.brands),
        Subjects(AffinityKind.PRODUCT, every_product, tuple(str(product_id) for product_id in shelf.product_ids)),
    )


def shop_shares(interest: "scipy.sparse.csr_array", subjects: Subjects) -> dict[str, float]:
    """Every subject's share of everybody's interest; those without any are left out."""
    weight = _per_subject(interest.sum(axis=0)[None, :], subjects)[0]
    total = float(weight.sum())
    return {subjects.names[number]: float(weight[number]) / total for number in np.flatnonzero(weight > 0)}


@dataclass(frozen=True, slots=True)
class Measure:
    """What leanings to one kind of subject are measured by: made once per shelf, not for every customer."""

    subjects: Subjects
    share: NDArray[np.float64]
    """(n_names,) of the whole shop's interest; 0 for what nobody cared for yet."""
    membership: "scipy.sparse.csr_array"
    """(n_products, n_names) with a one where a product counts for a subject."""


def measure_of(subjects: Subjects, shares: Mapping[str, float]) -> Measure:
    share = np.array([shares.get(name, 0.0) for name in subjects.names], np.float64)
    return Measure(subjects, share, _membership(subjects))


def leanings(interest: "scipy.sparse.csr_array", measure: Measure) -> Leanings:
    """The strongest subjects of each customer.

    Strength is (p − b) / (1 − b): p the subject's share of the customer's interest, drawn toward the shop's share b by
    PRIOR_WEIGHT; 0 is as everybody, 1 is nothing else.
    """
    subjects, share = measure.subjects, measure.share
    table = interest if subjects.kind is AffinityKind.PRODUCT else scipy.sparse.csr_array(interest @ measure.membership)
    table.sum_duplicates()
    customer = np.repeat(np.arange(table.shape[0], dtype=np.int32), np.diff(table.indptr))
    base = share[table.indices]
    weight = table.sum(axis=1)[customer]
    drawn = (table.data + PRIOR_WEIGHT * base) / (weight + PRIOR_WEIGHT)
    strength = ((drawn - base) / np.maximum(1.0 - base, 1e-9)).astype(np.float32)
    kept = np.flatnonzero(strength >= LEAST_STRENGTH)
    kept = kept[np.lexsort((-strength[kept], customer[kept]))]
    first = np.searchsorted(customer[kept], customer[kept], side="left")
    kept = kept[np.arange(len(kept)) - first < MOST[subjects.kind]]
    return Leanings(customer[kept], table.indices[kept].astype(np.int32), strength[kept])


def affinities_between(
    all_subjects: Sequence[Subjects], found: Sequence[Leanings], first: int, last: int
) -> list[list[Affinity]]:
    """(last − first,) lists of the customers first ≤ number < last: categories, brands, products, strongest first.

    In slices, since the records of a million customers at once would not fit.
    """
    lists: list[list[Affinity]] = [[] for _ in range(last - first)]
    for subjects, entries in zip(all_subjects, found, strict=True):
        part = slice(*np.searchsorted(entries.customer, [first, last]).tolist())
        strengths = np.round(np.minimum(entries.strength[part], 1.0).astype(np.float64), 4).tolist()
        customers, numbers = entries.customer[part].tolist(), entries.subject[part].tolist()
        for customer, number, strength in zip(customers, numbers, strengths, strict=True):
            lists[customer - first].append(Affinity(subjects.kind, subjects.names[number], strength))
    return lists


def _none_below_one(codes: NDArray[np.int32]) -> NDArray[np.int32]:
    """Code 0 of a shelf means "has none"."""
    return np.where(codes > 0, codes, -1).astype(np.int32)


def _membership(subjects: Subjects) -> "scipy.sparse.csr_array":
    """(n_products, n_names) with a one where a product counts for a subject."""
    has_one = np.flatnonzero(subjects.of_product >= 0)
    ones = np.ones(len(has_one), np.float32)
    shape = (len(subjects.of_product), len(subjects.names))
    return scipy.sparse.csr_array((ones, (has_one, subjects.of_product[has_one])), shape=shape)


def _per_subject(weight: NDArray[np.float32], subjects: Subjects) -> NDArray[np.float64]:
    """(rows, n_products) → (rows, n_names)."""
    return np.asarray(weight.astype(np.float64) @ _membership(subjects))
