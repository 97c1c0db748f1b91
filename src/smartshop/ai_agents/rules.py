"""The merchant's rules made ready for slates: compiled once per rules and catalogue, and picked for each situation.

A rule holds in a situation when it is switched on, its time has come, and everything told of `where` is so. Picking
costs a comparison of arrays, and a look at only those rules that ask for more than a surface.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import assert_never

import numpy as np
from numpy.typing import NDArray

from smartshop.ai_agents.advice import Numbers
from smartshop.ai_agents.rule_products import RuleProductsTable, rule_products
from smartshop.ai_agents.shelf import Shelf
from smartshop.data_collection.schemas.catalogue import parse_category
from smartshop.data_collection.schemas.ids import Micros
from smartshop.data_collection.schemas.rules import Boost, Bury, Cap, Effect, MerchantRule, Pin, RuleWhere
from smartshop.data_collection.schemas.slates import Surface

FIRST = np.iinfo(np.int64).min
LAST = np.iinfo(np.int64).max
Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Situation:
    """What rules may ask of a slate that is wanted."""

    surface: Surface
    now: Micros
    categories: tuple[Path, ...] = ()
    """Of the request's category filter."""
    query: str = ""
    channel: str | None = None
    device: str | None = None
    segments: frozenset[str] = frozenset()
    """In which the customer stands; empty for everybody else."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A rule's `where` beside surface and time, spelled as situations are compared."""

    categories: tuple[Path, ...]
    query_contains: tuple[str, ...]
    segments: frozenset[str]
    channels: frozenset[str]
    devices: frozenset[str]

    def holds(self, situation: Situation, query: str) -> bool:
        """`query`: the search text, folded."""
        return (
            (not self.segments or not self.segments.isdisjoint(situation.segments))
            and (not self.channels or folded(situation.channel) in self.channels)
            and (not self.devices or folded(situation.device) in self.devices)
            and (not self.query_contains or any(text in query for text in self.query_contains))
            and (not self.categories or any(path[: len(head)] == head for head in self.categories
                                            for path in situation.categories))
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class CompiledRules:
    """Immutable. Rules that are switched on, most important first."""

    rules: tuple[MerchantRule, ...]
    products: RuleProductsTable
    starts_at: NDArray[np.int64]
    """(n_rules,) µs"""
    ends_at: NDArray[np.int64]
    of_surface: Mapping[Surface, NDArray[np.bool_]]
    """Surface → (n_rules,)"""
    wanted: tuple[Wanted | None, ...]
    """None: nothing beside surface and time."""
    strength: NDArray[np.float64]
    """(n_rules,) log-odds: above 0 boosts, below 0 buries, 0 for pins and caps."""
    pins: NDArray[np.bool_]
    """(n_rules,)"""
    caps: NDArray[np.bool_]
    asks_segments: bool
    """Whether a customer's segments make a difference to any rule."""

    def fits(self, shelf: Shelf) -> bool:
        return self.products.fits(shelf)

    def in_situation(self, situation: Situation) -> "ActiveRules":
        if not self.rules:
            return ActiveRules(self, _NONE)
        now = situation.now
        holding = self.of_surface[situation.surface] & (self.starts_at <= now) & (now < self.ends_at)
        query = folded(situation.query)
        found = [
            number
            for number in np.flatnonzero(holding).tolist()
            if (wanted := self.wanted[number]) is None or wanted.holds(situation, query)
        ]
        return ActiveRules(self, np.array(found, dtype=np.intp))


_NONE = np.empty(0, dtype=np.intp)


@dataclass(frozen=True, slots=True)
class ActiveRules:
    """The rules that hold for one slate."""

    compiled: CompiledRules
    numbers: NDArray[np.intp]
    """(n_active,): indices of `compiled.rules`, most important first."""

    def __bool__(self) -> bool:
        return len(self.numbers) > 0

    def rule(self, place: int) -> MerchantRule:
        return self.compiled.rules[int(self.numbers[place])]

    @property
    def strength(self) -> NDArray[np.float64]:
        """(n_active,)"""
        return self.compiled.strength[self.numbers]

    @property
    def pins(self) -> "ActiveRules":
        return ActiveRules(self.compiled, self.numbers[self.compiled.pins[self.numbers]])

    @property
    def cap_places(self) -> list[int]:
        """Where among the active rules the caps are."""
        return list(np.flatnonzero(self.compiled.caps[self.numbers]).tolist())

    def meant(self, product_no: Numbers, shelf: Shelf, now: Micros) -> NDArray[np.bool_]:
        """(n_products, n_active): whether each rule means each product."""
        return self.compiled.products.meant(self.numbers, product_no, shelf, now)

    def meant_everywhere(self, place: int, shelf: Shelf, now: Micros) -> NDArray[np.bool_]:
        """(n_products,): what the rule at this place means of the whole catalogue."""
        return self.compiled.products.meant_everywhere(int(self.numbers[place]), shelf, now)

    def named(self, place: int) -> Numbers:
        """The products that the rule at this place names one by one, in the order told."""
        return self.compiled.products.named[int(self.numbers[place])]


def compile_rules(rules: Sequence[MerchantRule], shelf: Shelf, before: CompiledRules | None = None) -> CompiledRules:
    """All rules of the shop, ready for this catalogue. Of equal priority the older comes first, then the lower id.

    `before`: what was compiled of other rules or another catalogue; what still holds of it is taken over.
    """
    ordered = tuple(
        sorted(
            (rule for rule in rules if rule.enabled), key=lambda rule: (-rule.priority, rule.created_at, rule.rule_id)
        )
    )
    return CompiledRules(
        rules=ordered,
        products=rule_products(ordered, shelf, None if before is None else before.products),
        starts_at=np.array([FIRST if one.starts_at is None else one.starts_at for one in ordered], dtype=np.int64),
        ends_at=np.array([LAST if one.ends_at is None else one.ends_at for one in ordered], dtype=np.int64),
        of_surface={
            surface: np.array(
                [not one.where.surface or surface in one.where.surface for one in ordered], dtype=np.bool_
            )
            for surface in Surface
        },
        wanted=tuple(_wanted(one.where) for one in ordered),
        strength=np.array([strength_of(one.effect) for one in ordered], dtype=np.float64),
        pins=np.array([isinstance(one.effect, Pin) for one in ordered], dtype=np.bool_),
        caps=np.array([isinstance(one.effect, Cap) for one in ordered], dtype=np.bool_),
        asks_segments=any(one.where.segment for one in ordered),
    )


def strength_of(effect: Effect) -> float:
    """Log-odds that it adds to what it means."""
    match effect:
        case Boost():
            return effect.strength
        case Bury():
            return -effect.strength
        case Pin() | Cap():
            return 0.0
        case _:
            assert_never(effect)


def folded(text: str | None) -> str:
    """For comparing: without capitals, runs of blanks as one.

    >>> folded("  Garden   SPADE ")
    'garden spade'
    """
    return " ".join(text.casefold().split()) if text else ""


def _wanted(where: RuleWhere) -> Wanted | None:
    if not (where.category or where.query_contains or where.segment or where.channel or where.device):
        return None
    return Wanted(
        categories=tuple(head for text in where.category if (head := parse_category(text))),
        query_contains=tuple(folded(text) for text in where.query_contains),
        segments=frozenset(where.segment),
        channels=frozenset(folded(text) for text in where.channel),
        devices=frozenset(folded(text) for text in where.device),
    )
