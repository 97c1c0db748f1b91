"""What segments are called, and the sentence that describes them: a merchant's words, with true figures."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from smartshop.ai_agents.segmentation.features import Features
from smartshop.ai_agents.segmentation.leans import Lean
from smartshop.ai_agents.segmentation.named import NOUNS, named_by
from smartshop.ai_agents.segmentation.portraits import Portrait, Trait, are_kin, portraits_of
from smartshop.ai_agents.segmentation.sentences import sentence_of
from smartshop.ai_agents.segmentation.topics import Topics

LONGEST_NAME = 44
"""Characters that fit where segments are listed side by side."""
_PREPOSITIONS = (
    "in ",
    "at ",
    "before ",
    "on ",
    "across ",
    "from ",
    "through ",
    "without ",
    "after ",
    "with ",
    "outside ",
)
"""Adverbs that may follow a noun: `bulk buyers before Christmas`."""


@dataclass(frozen=True, slots=True)
class Words:
    name: str
    sentence: str


def name_segments(
    features: Features,
    labels: NDArray[np.int32],
    topics: Topics,
    currency: str,
    *,
    k: int,
    kept_names: Mapping[int, str] | None = None,
    past_names: Collection[str] = (),
) -> tuple[Words, ...]:
    """(k,) a distinct name and a sentence for each segment.

    Args:
        labels: (n,) 0 to k − 1, or -1 for customers of no segment, who count nowhere.
        kept_names: what a segment is called already; it keeps that name, and its sentence is told anew.
        past_names: of segments that ended; nobody else is called so.
    """
    kept = {} if kept_names is None else dict(kept_names)
    portraits = portraits_of(features, labels, topics, k)
    # The segment that stands out most chooses first.
    order = sorted(range(k), key=lambda place: (-_distinctness(portraits[place]), place))
    taken = {name.casefold() for name in (*kept.values(), *past_names)}
    for place in order:
        if place not in kept:
            kept[place] = _free_name(portraits[place], taken)
            taken.add(kept[place].casefold())
    return tuple(
        Words(kept[place], sentence_of(portrait, currency, named_by(kept[place], portrait)))
        for place, portrait in enumerate(portraits)
    )


def _distinctness(portrait: Portrait) -> float:
    return max(
        (abs(strength) for strength in [*(t.effect for t in portrait.traits), *(one.effect for one in portrait.leans)]),
        default=0.0,
    )


def _free_name(portrait: Portrait, taken: set[str]) -> str:
    names = list(_names(portrait))
    for name in names:
        if name.casefold() not in taken:
            return name
    number = next(number for number in range(2, len(taken) + 3) if f"{names[0]} {number}".casefold() not in taken)
    return f"{names[0]} {number}"


def _names(portrait: Portrait) -> Iterator[str]:
    """Names from the most to the least telling: a trait and a topic, two traits, then further ones."""
    noun = NOUNS[0] if portrait.is_buying else NOUNS[1]
    # Names last for years: nobody is named by what changes by itself as time goes by.
    traits = [one for one in portrait.traits if one.side.adjective and one.feature.clusters and one.is_marked]
    leans = portrait.leans
    # Whoever leans to a topic buys from a narrow range: that would say it twice.
    beside_topics = [trait for trait in traits if trait.feature.name != "breadth"]
    lead_by_topic = bool(leans) and (not traits or leans[0].effect >= abs(traits[0].effect))
    if lead_by_topic:
        yield from _short([_with_topics(beside_topics[:1], leans[:1], noun)])
    for trait in traits[:4]:
        second = [other for other in traits if _may_follow(trait, other)]
        if lead_by_topic and trait in beside_topics:
            yield from _short([_with_topics([trait], leans[:1], noun)])
        yield from _short([f"{_adjective(trait)} {noun} {other.side.adverb}" for other in second[:1]])
        yield f"{_adjective(trait)} {noun}"
        yield from _short([_with_topics([trait], [lean], noun) for lean in leans[:3]])
        yield from _short([f"{_adjective(trait)} {noun} {other.side.adverb}" for other in second[1:4]])
    yield from _short([_with_topics([], [lean], noun) for lean in leans])
    yield f"Everyday {noun}"


def _with_topics(traits: Sequence[Trait], leans: Sequence[Lean], noun: str) -> str:
    who = f"{_adjective(traits[0])} {noun}" if traits else noun.capitalize()
    subject = leans[0].subject
    if not subject.is_category:
        return f"{who} of {subject.words}"
    return f"{who} in {subject.words}" if traits else f"{subject.words} {noun}"


def _adjective(trait: Trait) -> str:
    return trait.side.adjective[:1].upper() + trait.side.adjective[1:]


def _may_follow(trait: Trait, other: Trait) -> bool:
    return other is not trait and other.side.adverb.startswith(_PREPOSITIONS) and not are_kin(trait, other)


def _short(names: Sequence[str]) -> Iterator[str]:
    return (name for name in names if len(name) <= LONGEST_NAME)
