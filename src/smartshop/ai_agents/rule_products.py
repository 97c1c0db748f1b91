"""Which products each of the merchant's rules means, worked out once per catalogue and kept as one bit per rule."""

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from smartshop.ai_agents.advice import Mask, Numbers
from smartshop.ai_agents.eligibility import in_categories, of_brands
from smartshop.ai_agents.shelf import Shelf
from smartshop.data_collection.schemas.rules import MAX_UNITS, MerchantRule, RuleId, RuleProducts

DAY = 86_400 * 1_000_000
"""µs"""


@dataclass(frozen=True, slots=True)
class MovingBounds:
    """What stock and time decide, and is asked of the few products of a slate alone; (n_rules,) each."""

    stock_min: NDArray[np.int64]
    stock_max: NDArray[np.int64]
    """MAX_UNITS where there is none."""
    newer_than: NDArray[np.int64]
    """µs before now at which a product may have been published."""
    any_told: NDArray[np.bool_]

    def hold(self, rules: NDArray[np.intp], numbers: Numbers, shelf: Shelf, now: int) -> NDArray[np.bool_]:
        """(n_products, n_rules). A product never counted has no end of units; of an unknown age is none new."""
        available = shelf.available[numbers].astype(np.int64)[:, None]
        uncounted = available < 0
        enough = uncounted | (available >= self.stock_min[rules])
        few = (self.stock_max[rules] == MAX_UNITS) | (~uncounted & (available <= self.stock_max[rules]))
        age = now - shelf.published_at[numbers][:, None]
        return np.asarray(enough & few & (age <= self.newer_than[rules]), dtype=np.bool_)


@dataclass(frozen=True, slots=True)
class RuleProductsTable:
    """Rows are products, columns rules, in the order given."""

    bits: NDArray[np.uint8]
    """(n_products, ⌈n_rules / 8⌉): 500 rules over 200,000 products are 13 MB, and a product's rules lie together."""
    n_rules: int
    moving: MovingBounds
    keys: tuple[tuple[RuleId, int], ...]
    """Id and version of each rule, by which the next table knows what it need not work out again."""
    named: tuple[Numbers, ...]
    """Rule → its `product_ids` as numbers, in the order told; unknown ones are left out."""
    category: Numbers
    """The catalogue's own array; whether this table still fits is asked by identity."""
    price_minor: NDArray[np.int64]

    def fits(self, shelf: Shelf) -> bool:
        """Only stock moved since."""
        return self.category is shelf.category and self.price_minor is shelf.price_minor

    def meant(self, rules: NDArray[np.intp], numbers: Numbers, shelf: Shelf, now: int) -> NDArray[np.bool_]:
        """(n_products, n_rules), whether each rule means each product. One that came later is meant by none."""
        if not len(self.bits):
            return np.zeros((len(numbers), len(rules)), dtype=np.bool_)
        rows = self.bits[np.minimum(numbers, len(self.bits) - 1)]
        meant = np.unpackbits(rows, axis=1, count=self.n_rules, bitorder="little").view(np.bool_)[:, rules]
        if len(numbers) and int(numbers.max()) >= len(self.bits):
            meant &= (numbers < len(self.bits))[:, None]
        told = np.flatnonzero(self.moving.any_told[rules])
        if len(told):
            meant[:, told] &= self.moving.hold(rules[told], numbers, shelf, now)
        return meant

    def column(self, rule: int) -> Mask:
        """(n_products,): without what stock and time decide."""
        return np.asarray((self.bits[:, rule // 8] >> np.uint8(rule % 8)) & 1, dtype=np.bool_)

    def meant_everywhere(self, rule: int, shelf: Shelf, now: int) -> Mask:
        """(n_products of the shelf,), for one rule."""
        known = min(len(self.bits), shelf.n_products)
        mask = np.zeros(shelf.n_products, dtype=np.bool_)
        mask[:known] = self.column(rule)[:known]
        if self.moving.any_told[rule]:
            every = np.arange(shelf.n_products, dtype=np.int32)
            mask &= self.moving.hold(np.array([rule], dtype=np.intp), every, shelf, now)[:, 0]
        return mask


def rule_products(
    rules: Sequence[MerchantRule], shelf: Shelf, before: RuleProductsTable | None = None
) -> RuleProductsTable:
    """Work out every rule's products on this catalogue, but for those that the table `before` knows of it."""
    known = {key: at for at, key in enumerate(before.keys)} if before is not None and before.fits(shelf) else {}
    keys = tuple((rule.rule_id, rule.version) for rule in rules)
    fresh = [rule for rule, key in zip(rules, keys, strict=True) if key not in known]
    index = AttributeIndex(shelf, {name for rule in fresh for name in rule.products.attributes})
    named = tuple(_named(rule.products, shelf) for rule in rules)
    n_products, n_rules = shelf.n_products, len(rules)
    columns = np.zeros(((n_rules + 7) // 8, n_products), dtype=np.uint8)
    for number, rule in enumerate(rules):
        at = known.get(keys[number])
        if before is not None and at is not None:
            mask = before.column(at)
        else:
            mask = _mask(rule.products, named[number], shelf, index)
        columns[number // 8] |= mask.astype(np.uint8) << np.uint8(number % 8)
    bits = np.ascontiguousarray(columns.T)
    return RuleProductsTable(bits, n_rules, _moving(rules), keys, named, shelf.category, shelf.price_minor)


class AttributeIndex:
    """Attribute → value → products, for the attributes that rules name; one walk over the catalogue for all of them."""

    def __init__(self, shelf: Shelf, names: set[str]) -> None:
        self._n_products = shelf.n_products
        self._having: dict[str, dict[Hashable, list[int]]] = {name: {} for name in names}
        for name, having in self._having.items():
            for number, attributes in enumerate(shelf.attributes):
                found = attributes.get(name)
                for value in found if isinstance(found, list) else [found]:
                    if isinstance(value, Hashable):
                        having.setdefault(value, []).append(number)

    def mask(self, name: str, wanted: Iterable[Hashable]) -> Mask:
        """Products whose attribute is one of these values, or a list with one of them."""
        mask = np.zeros(self._n_products, dtype=np.bool_)
        for value in wanted:
            mask[self._having[name].get(value, [])] = True
        return mask


def _named(products: RuleProducts, shelf: Shelf) -> Numbers:
    numbers = (shelf.number_of.get(product_id) for product_id in products.product_ids)
    return np.array(list(dict.fromkeys(number for number in numbers if number is not None)), dtype=np.int32)


def _mask(products: RuleProducts, named: Numbers, shelf: Shelf, index: AttributeIndex) -> Mask:
    mask = np.ones(shelf.n_products, dtype=np.bool_)
    if products.product_ids:
        mask[:] = False
        mask[named] = True
    if products.category:
        mask &= in_categories(shelf, products.category)
    if products.brand:
        mask &= of_brands(shelf, products.brand)
    price = products.price_minor
    if price.min is not None or price.max is not None:
        mask &= shelf.price_minor >= (price.min or 0)  # -1 is "no price" and is in no range
    if price.max is not None:
        mask &= shelf.price_minor <= price.max
    margin = products.margin
    if margin.min is not None or margin.max is not None:
        mask &= _margin_between(shelf, margin.min, margin.max)
    for name, wanted in products.attributes.items():
        mask &= index.mask(name, wanted if isinstance(wanted, list) else [wanted])
    return mask


def _margin_between(shelf: Shelf, low: float | None, high: float | None) -> Mask:
    if not len(shelf.margin):
        return np.zeros(shelf.n_products, dtype=np.bool_)
    above = shelf.margin >= (-np.inf if low is None else low)  # not known (NaN) compares as False
    return np.asarray(above & (shelf.margin <= (np.inf if high is None else high)), dtype=np.bool_)


def _moving(rules: Sequence[MerchantRule]) -> MovingBounds:
    told = [rule.products for rule in rules]
    ever = np.iinfo(np.int64).max
    return MovingBounds(
        stock_min=np.array([each.stock.min or 0 for each in told], dtype=np.int64),
        stock_max=np.array([MAX_UNITS if each.stock.max is None else each.stock.max for each in told], dtype=np.int64),
        newer_than=np.array([ever if each.new_days is None else each.new_days * DAY for each in told], dtype=np.int64),
        any_told=np.array(
            [each.stock.min is not None or each.stock.max is not None or each.new_days is not None for each in told],
            dtype=np.bool_,
        ),
    )
