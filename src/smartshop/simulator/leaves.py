"""What a scenario says about the things it sells: leaf categories, and the kinds of things inside each."""

from typing import Annotated

import msgspec
from msgspec import Meta

from smartshop.data_collection.schemas.catalogue import parse_category

Positive = Annotated[float, Meta(gt=0.0)]
Weight = Annotated[float, Meta(ge=0.0)]
Text = Annotated[str, Meta(min_length=1)]
Choices = dict[str, Annotated[tuple[str, ...], Meta(min_length=1)]]
"""Attribute name → values to choose from."""


class Kind(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One sort of thing inside a leaf category. What it leaves out is as the leaf says."""

    noun: Text
    """What stands in the title: `2-person tent`."""
    art: str = ""
    """Shape of the product picture; the leaf's own when empty."""
    price: Positive = 1.0
    """Multiplies the leaf's median price."""
    materials: tuple[str, ...] = ()
    """What this kind is made of; the leaf's own materials when empty."""
    made: str = ""
    """Begins the sentence on materials; the leaf's own when empty."""
    made_attribute: str = ""
    """Name of the attribute that holds the material; the leaf's own when empty."""
    pitches: tuple[Text, ...] = ()
    """Sentences true of any product of this kind, in place of the leaf's; a description takes one or two."""
    attributes: Choices | None = None
    """In place of the leaf's; an empty table: none."""
    variant_axis: str | None = None
    """In place of the leaf's; empty: a single variant."""
    variant_values: tuple[str, ...] = ()
    """The values on the axis; the leaf's own when empty."""
    repeat_days: Annotated[float, Meta(ge=0.0)] | None = None
    """In place of the leaf's; 0: this kind lasts."""
    units: Positive | None = None
    """In place of the leaf's."""


class Leaf(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One leaf category and how its products are made up and wanted."""

    category: Text
    """Path from department to leaf: `Camping > Tents`."""
    share: Positive
    """Products in this leaf relative to the others; the shares need not sum to anything."""
    price: Positive
    """Median price in major units of the scenario's currency."""
    price_spread: Positive = 0.35
    """Standard deviation of the log price; 0.2 (narrow) to 0.8 (wide)."""
    art: Text
    """Name of the shape in `art_shapes.json`."""
    kinds: Annotated[tuple[Kind, ...], Meta(min_length=1)]
    materials: Annotated[tuple[str, ...], Meta(min_length=1)]
    """Words that follow `made` in a description; also the attribute that `made_attribute` names."""
    made: Text = "Made of"
    """Begins that sentence: `Made of ripstop nylon.`, `Made with oats and honey.`"""
    made_attribute: Text = "material"
    """Name of the attribute that holds the material: `ingredients` suits food."""
    pitches: tuple[Text, ...] = ()
    """Sentences that may be said of any product of a kind without its own; a description takes one or two."""
    attributes: Choices = {}
    """Attribute name → values to choose from."""
    variant_axis: str = ""
    """What the variants differ in (`size`, `colour`); empty: a single variant."""
    variant_values: tuple[str, ...] = ()
    """The values on that axis, smallest first where there is an order."""
    season: str = "even"
    """Name of a curve under `[seasons]`."""
    wants_warmth: float = 0.0
    """Change of utility (log-odds) per °C above 12 °C; -0.08 for gloves, 0.06 for swimwear."""
    wants_rain: float = 0.0
    """Change of utility (log-odds) while it rains or snows in the shopper's city."""
    repeat_days: Annotated[float, Meta(ge=0.0)] = 0.0
    """Typical days until the same shopper wants the same product again; 0: it lasts."""
    complements: tuple[str, ...] = ()
    """Leaf categories wanted within days of buying here, as full paths."""
    units: Positive = 1.0
    """Mean units per order line."""


def department_of(leaf: Leaf) -> str:
    return parse_category(leaf.category)[0]


def kind_of(leaf: Leaf, title: str) -> Kind | None:
    """The kind that a title ends in, the longest where several fit (`thick boot socks` before `boot socks`)."""
    fitting = [kind for kind in leaf.kinds if title.endswith(f" {kind.noun}")]
    return max(fitting, key=lambda kind: len(kind.noun), default=None)


def variants_of(leaf: Leaf, kind: Kind) -> tuple[str, tuple[str, ...]]:
    """Axis and values; no axis, no values."""
    axis = leaf.variant_axis if kind.variant_axis is None else kind.variant_axis
    return (axis, kind.variant_values or leaf.variant_values) if axis else ("", ())


def repeat_days_of(leaf: Leaf, kind: Kind | None) -> float:
    return leaf.repeat_days if kind is None or kind.repeat_days is None else kind.repeat_days


def units_of(leaf: Leaf, kind: Kind | None) -> float:
    return leaf.units if kind is None or kind.units is None else kind.units
