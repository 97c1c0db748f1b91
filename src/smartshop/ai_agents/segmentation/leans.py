"""What segments lean to: topics, and departments of topics, that take far more of their interest than of others'."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy  # its sparse arrays load when first used
from numpy.typing import NDArray

from smartshop.ai_agents.segmentation.sensitive import is_sensitive
from smartshop.ai_agents.segmentation.title_words import in_sentence
from smartshop.ai_agents.segmentation.topics import Topics
from smartshop.ai_agents.segmentation.usual import Usual

LEAST_EFFECT = 0.3
"""Smaller differences are not spoken of; Cohen calls 0.2 small and 0.5 medium."""
LEAST_LIFT = 1.3
"""Times the others' share from which a topic is a segment's own."""
LEAST_SHARE = 0.08
"""Of a segment's taste: rarer topics say nothing of it, however unusual."""


@dataclass(frozen=True, slots=True)
class Subject:
    """Something that can be leant to: one topic, or a department with all its topics."""

    words: str
    """In a name: categories as the shop writes them, families in small letters."""
    topics: tuple[int, ...]
    is_category: bool

    @property
    def quoted(self) -> str:
        """In a sentence, where `Cook and bake` would be taken for two."""
        return f"“{self.words}”" if self.is_category and " " in self.words else self.words


@dataclass(frozen=True, slots=True)
class Lean:
    subject: Subject
    effect: float
    """Cohen's d of customers' shares."""
    own: float
    """Share of the segment's interest, the mean over its customers."""
    shop: float


def subjects_of(topics: Topics) -> tuple[Subject, ...]:
    """Every topic that may be named, and every category above at least two of them, but not above all."""
    above: dict[tuple[str, ...], list[int]] = {}
    for topic, path in enumerate(topics.paths):
        for length in range(1, len(path) + 1):
            above.setdefault(path[:length], []).append(topic)
    # A category that stands for what its own topics left over is told as a whole, with them.
    single = [
        Subject(topic_words(topics, topic), (topic,), bool(path))
        for topic, path in enumerate(topics.paths)
        if len(above.get(path, ())) <= 1
    ]
    joined = [
        Subject(path[-1], tuple(below), True)
        for path, below in above.items()
        if 1 < len(below) < len(topics) or (len(below) > 1 and path in topics.paths)
    ]
    return tuple(subject for subject in (*single, *joined) if not is_sensitive(subject.words))


def topic_words(topics: Topics, topic: int) -> str:
    """A topic within a name: categories as the shop writes them, families in small letters."""
    name = topics.names[topic]
    return name if topics.paths[topic] else in_sentence(name)


def spreads(
    taste: "scipy.sparse.csr_array", subjects: Sequence[Subject], counted: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """(n_subjects,) standard deviation of the counted customers' shares; `taste`: (n, t), rows that sum to 1."""
    n_topics = taste.shape[1]
    rows = [topic for subject in subjects for topic in subject.topics]
    columns = np.repeat(np.arange(len(subjects)), [len(subject.topics) for subject in subjects])
    member = scipy.sparse.csr_array((np.ones(len(rows)), (rows, columns)), shape=(n_topics, len(subjects)))
    of_subjects = taste[np.flatnonzero(counted)] @ member
    n = max(of_subjects.shape[0], 1)
    mean = np.asarray(of_subjects.sum(axis=0), np.float64).ravel() / n
    square = np.asarray(of_subjects.multiply(of_subjects).sum(axis=0), np.float64).ravel() / n
    return np.asarray(np.sqrt(np.maximum(square - mean * mean, 0.0)), np.float64)


def leans_of(
    own: Usual, others: Usual, shop: Usual, subjects: Sequence[Subject], spread: NDArray[np.float64]
) -> tuple[Lean, ...]:
    """Strongest first; of a department and its topics only the one that stands out more."""
    found = []
    for subject, unit in zip(subjects, spread.tolist(), strict=True):
        here, there = (sum(usual.topic_shares[topic] for topic in subject.topics) for usual in (own, others))
        if unit <= 0 or here < max(LEAST_SHARE, LEAST_LIFT * there) or here - there < LEAST_EFFECT * unit:
            continue
        found.append(Lean(subject, (here - there) / unit, here, sum(shop.topic_shares[one] for one in subject.topics)))
    kept: list[Lean] = []
    for lean in sorted(found, key=lambda lean: (-lean.effect, lean.subject.topics)):
        if all(set(lean.subject.topics).isdisjoint(one.subject.topics) for one in kept):
            kept.append(lean)
    return tuple(kept)
