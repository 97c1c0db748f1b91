"""Why a customer is in one segment rather than in the nearest other: what counts most, with their figures.

A segment's score is a sum over features and topics (see `mixture`), and so is the difference of two segments' scores:
each summand is what that feature or topic contributed to being here rather than there.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from smartshop.ai_agents.segmentation.feature_list import FEATURES, Feature, Unit
from smartshop.ai_agents.segmentation.figures import say_both, say_share
from smartshop.ai_agents.segmentation.leans import topic_words
from smartshop.ai_agents.segmentation.sensitive import is_sensitive
from smartshop.ai_agents.segmentation.topics import Topics
from smartshop.ai_agents.segmentation.usual import Usual

REASONS = 3
LEAST_TOLD = 0.05
"""Of a customer's interest: a lesser share is a reason only where better ones are too few."""


@dataclass(frozen=True, slots=True)
class Contributions:
    """Log-odds (or squared spreads) for the customer's segment, less those for the nearest other."""

    features: NDArray[np.float64]
    """(len(FEATURES),)"""
    topics: NDArray[np.float64]
    """(n_topics,)"""


@dataclass(frozen=True, slots=True)
class Reason:
    subject: str
    """A feature's name, or `topic:` and the topic's."""
    words: str
    """`46 % of orders before Christmas (usually 9 %)`."""
    contribution: float
    """Greater counts more; always above 0."""


def habit_contributions(
    point: NDArray[np.floating], own: NDArray[np.floating], other: NDArray[np.floating], weight: float = 1.0
) -> NDArray[np.float64]:
    """(d,) w/2 · ((z − c_other)² − (z − c_own)²): how much nearer each feature lies to the own centre. All (d,)."""
    z, here, there = (np.asarray(part, np.float64) for part in (point, own, other))
    return np.asarray(weight / 2 * ((z - there) ** 2 - (z - here) ** 2), np.float64)


def topic_contributions(
    signs: NDArray[np.floating], own_lift: NDArray[np.floating], other_lift: NDArray[np.floating], weight: float = 1.0
) -> NDArray[np.float64]:
    """(t,) w · s · (lift_own − lift_other), with lifts as logarithms. All (t,)."""
    s, here, there = (np.asarray(part, np.float64) for part in (signs, own_lift, other_lift))
    return np.asarray(weight * s * (here - there), np.float64)


def why(
    contributions: Contributions,
    figures: NDArray[np.floating],
    taste: NDArray[np.floating],
    usual: Usual,
    topics: Topics,
    currency: str,
) -> tuple[Reason, ...]:
    """The up to three features and topics that count most, strongest first; fewer where fewer speak for the segment.

    Topics of little share stand behind all others: a sleeping bag once looked at explains nobody.

    Args:
        figures: (len(FEATURES),) the customer's row of `Features.figures`.
        taste: (n_topics,) the customer's row of `Features.taste`.
        usual: the shop's, from `usual_of` over all customers who have a segment.
    """
    reasons = [
        Reason(feature.name, words, float(contributions.features[place]))
        for place, feature in enumerate(FEATURES)
        if (words := _feature_words(feature, float(figures[place]), usual.figures[place], currency))
    ]
    total, little = float(taste.sum()), set[str]()
    for topic, contribution in enumerate(contributions.topics.tolist()):
        if total > 0 and taste[topic] > 0 and not is_sensitive(topics.names[topic]):
            share, subject = float(taste[topic]) / total, f"topic:{topics.names[topic]}"
            words = _topic_words(topics, topic, share, usual.topic_shares[topic])
            reasons.append(Reason(subject, words, contribution))
            if share < LEAST_TOLD:
                little.add(subject)
    speaking = [reason for reason in reasons if reason.contribution > 0]
    order = sorted(speaking, key=lambda one: (one.subject in little, -one.contribution, one.subject))
    return tuple(order[:REASONS])


def _feature_words(feature: Feature, figure: float, usual: float | None, currency: str) -> str:
    """Empty where the feature does not apply to the customer, or to anybody."""
    if not np.isfinite(figure) or usual is None:
        return ""
    side = feature.much if figure >= usual else feature.little
    if feature.unit is Unit.DEGREE:
        return f"{side.phrase} than usual"
    own, usually = say_both(feature, figure, usual, currency)
    return f"{side.phrase.format(own)} (usually {usually})"


def _topic_words(topics: Topics, topic: int, share: float, usual: float) -> str:
    within = "in " if topics.paths[topic] else ""
    return f"{say_share(share)} of their interest is {within}{topic_words(topics, topic)} (usually {say_share(usual)})"
