"""Splits a shop's history honestly: what a model may learn from, and questions whose answers lie after it."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from smartshop.ai_agents.recommendation.sequences import Sequences

Numbers = NDArray[np.int32]

DAY = 86_400_000_000
"""µs"""
ORDER_ONLY_BEFORE = 949_363_200_000_000
"""µs UTC, 2000-02-01: histories that know only an order are counted in minutes from 2000-01-02."""
SHARE = 0.1
"""Of all signs, the newest: the customary tenth."""
QUESTIONS_PER_SHOPPER = 4
"""The first sessions of the window; so that a few busy shoppers do not decide."""
LEAST_REST = 2
"""Leave-one-out takes the last sign only from shoppers who keep at least this many."""


class Protocol(StrEnum):
    BY_TIME = "by_time"
    """The newest tenth is asked for; nothing from then on is learned from."""
    LEAVE_ONE_OUT = "leave_one_out"
    """The last product of every shopper is asked for: for histories that know an order but no time."""


@dataclass(frozen=True, slots=True)
class HeldOutQuestion:
    """One shopper at one moment, and what they went on to in that session."""

    shopper: int
    history: Numbers
    """Oldest first; never empty."""
    history_at: NDArray[np.int64]
    now: int
    targets: Numbers
    """Distinct products, rising."""


@dataclass(frozen=True, slots=True)
class HeldOut:
    protocol: Protocol
    rest: Sequences
    """What may be learned from."""
    since: int
    """µs UTC: every held-out sign is newer (by time); 0 with leave-one-out."""
    questions: tuple[HeldOutQuestion, ...]


def protocol_for(sequences: Sequences) -> Protocol:
    """By time, unless the times say nothing but an order."""
    at = sequences.occurred_at
    if len(at) == 0 or int(at.max()) - int(at.min()) < DAY or int(at.max()) < ORDER_ONLY_BEFORE:
        return Protocol.LEAVE_ONE_OUT
    return Protocol.BY_TIME


def hold_out(sequences: Sequences, max_shoppers: int, rng: np.random.Generator, protocol: Protocol) -> HeldOut:
    """Take the newest tenth by time, or every shopper's last product.

    Shoppers without any history before their question are not asked about: every model would answer them alike.
    At most `max_shoppers` shoppers are asked about, drawn by `rng`.
    """
    if protocol is Protocol.LEAVE_ONE_OUT:
        return _leave_one_out(sequences, max_shoppers, rng)
    at = sequences.occurred_at
    since = int(np.quantile(at, 1 - SHARE, method="lower"))
    return HeldOut(
        protocol=Protocol.BY_TIME,
        rest=sequences.take(at <= since),
        since=since,
        questions=_questions_after(sequences, since, max_shoppers, rng),
    )


def _leave_one_out(sequences: Sequences, max_shoppers: int, rng: np.random.Generator) -> HeldOut:
    last = np.append(np.flatnonzero(np.diff(sequences.shopper)), len(sequences) - 1)[: len(sequences)]
    first = np.append(0, last[:-1] + 1)[: len(last)]
    asked = last - first >= LEAST_REST
    keep = np.ones(len(sequences), np.bool_)
    keep[last[asked]] = False
    chosen = _draw(np.flatnonzero(asked), max_shoppers, rng)
    questions = tuple(
        _question(sequences, int(first[place]), int(last[place]), int(last[place]) + 1) for place in chosen
    )
    return HeldOut(protocol=Protocol.LEAVE_ONE_OUT, rest=sequences.take(keep), since=0, questions=questions)


def _questions_after(
    sequences: Sequences, since: int, max_shoppers: int, rng: np.random.Generator
) -> tuple[HeldOutQuestion, ...]:
    """At the start of each newer session, and in the middle of one that has a course in time."""
    starts = np.flatnonzero(np.concatenate(([True], np.diff(sequences.session) != 0))[: len(sequences)])
    ends = np.append(starts[1:], len(sequences))
    shopper_starts = np.searchsorted(sequences.shopper, np.arange(sequences.n_shoppers))
    newer = np.flatnonzero(sequences.occurred_at[starts] > since)
    shoppers = _draw(np.unique(sequences.shopper[starts[newer]]), max_shoppers, rng)
    wanted = newer[np.isin(sequences.shopper[starts[newer]], shoppers)]
    questions: list[HeldOutQuestion] = []
    asked: dict[int, int] = {}
    for place in wanted.tolist():
        start, end = int(starts[place]), int(ends[place])
        shopper = int(sequences.shopper[start])
        if asked.get(shopper, 0) >= QUESTIONS_PER_SHOPPER:
            continue
        asked[shopper] = asked.get(shopper, 0) + 1
        first = int(shopper_starts[shopper])
        if start > first:
            questions.append(_question(sequences, first, start, end))
        middle = (start + end) // 2
        if start < middle and sequences.occurred_at[middle - 1] < sequences.occurred_at[middle]:
            questions.append(_question(sequences, first, middle, end))
    return tuple(questions)


def _question(sequences: Sequences, first: int, cut: int, end: int) -> HeldOutQuestion:
    return HeldOutQuestion(
        shopper=int(sequences.shopper[first]),
        history=sequences.product[first:cut],
        history_at=sequences.occurred_at[first:cut],
        now=int(sequences.occurred_at[cut]),
        targets=np.unique(sequences.product[cut:end]),
    )


def _draw(places: NDArray[np.integer], n: int, rng: np.random.Generator) -> NDArray[np.integer]:
    if len(places) <= n:
        return places
    return np.sort(rng.choice(places, n, replace=False))
