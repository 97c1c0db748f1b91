"""Titles, ids and descriptions of products, put together from the scenario's own words."""

import re
import unicodedata

import numpy as np

from smartshop.simulator.leaves import Kind, Leaf
from smartshop.simulator.scenario import Brand

_NOT_PLAIN = re.compile(r"[^a-z0-9]+")


def slug(text: str) -> str:
    """Text as a part of an id.

    >>> slug("Tarn 2-person tent")
    'tarn-2-person-tent'
    """
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower().replace("'", "")
    return _NOT_PLAIN.sub("-", plain).strip("-")


def title_of(model_name: str, kind: Kind) -> str:
    return f"{model_name} {kind.noun}"


def describe(leaf: Leaf, kind: Kind, brand: Brand, material: str, rng: np.random.Generator) -> str:
    """Two or three sentences: what it is like, what it is made of, and more of that or who makes it."""
    pitches = kind.pitches or leaf.pitches
    order = rng.permutation(len(pitches))
    sentences = [pitches[order[0]], f"{kind.made or leaf.made} {material}."]
    says_more = rng.random() < 0.5 and len(pitches) > 1
    sentences.append(pitches[order[1]] if says_more else brand.voice)
    return " ".join(sentences)


def nice_price(amount_minor: float, minor_per_major: int) -> int:
    """A price as shops write it: 3.49, 12.95, 189; where money has no cents, full tens.

    >>> nice_price(347.2, 100), nice_price(1271, 100), nice_price(18840, 100), nice_price(1271, 1)
    (349, 1295, 18800, 1270)
    """
    if minor_per_major == 1:
        return max(10, round(amount_minor / 10) * 10)
    major, cent = amount_minor / minor_per_major, minor_per_major // 100
    if major < 8:
        return max(2, round(major * 10)) * 10 * cent - cent
    if major < 60:
        return round(major) * minor_per_major - 5 * cent
    return round(major) * minor_per_major
