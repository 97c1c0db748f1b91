"""What a segment's name says, so that its sentence tells the same first; also of names given long ago."""

import re
from dataclasses import dataclass

from smartshop.ai_agents.segmentation.feature_list import FEATURES
from smartshop.ai_agents.segmentation.leans import Lean
from smartshop.ai_agents.segmentation.portraits import Portrait, Trait

NOUNS = ("buyers", "browsers")
"""Whoever mostly bought, and whoever mostly looked."""
_NUMBER = re.compile(r" \d+$")


@dataclass(frozen=True, slots=True)
class Named:
    traits: tuple[Trait, ...] = ()
    """Of the adjective, then of the adverb."""
    leans: tuple[Lean, ...] = ()


def named_by(name: str, portrait: Portrait) -> Named:
    """What `Bulk buyers of candles before Christmas` says.

    A trait that the segment no longer has stands there with an effect of 0; a topic that it no longer leans to is left
    out.
    """
    said = _NUMBER.sub("", name.casefold())
    traits = [_trait(place, way, portrait) for place, way in _ways(said)]
    leans = [lean for lean in portrait.leans if _speaks_of(said, lean.subject.words.casefold())]
    return Named(tuple(traits), tuple(sorted(leans, key=lambda lean: -len(lean.subject.words))[:1]))


def _ways(said: str) -> list[tuple[int, int]]:
    """(feature, 1 for much and -1 for little), the adjective's before the adverb's."""
    adjective, adverb = [], []
    for place, feature in enumerate(FEATURES):
        for side, way in ((feature.much, 1), (feature.little, -1)):
            if side.adjective and any(
                said == (who := f"{side.adjective} {n}") or said.startswith(f"{who} ") for n in NOUNS
            ):
                adjective.append((place, way))
            elif side.adverb and any(said.endswith(f" {n} {side.adverb}") for n in NOUNS):
                adverb.append((place, way))
    return adjective + adverb


def _trait(place: int, way: int, portrait: Portrait) -> Trait:
    feature = FEATURES[place]
    own = (trait for trait in portrait.traits if trait.feature is feature and trait.effect * way > 0)
    return next(own, Trait(feature, 0.0, is_marked=False))


def _speaks_of(said: str, words: str) -> bool:
    return said.endswith((f" of {words}", f" in {words}")) or any(said == f"{words} {noun}" for noun in NOUNS)
