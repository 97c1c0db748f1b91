"""Splits a shop's history honestly: what a model may learn from, and questions whose answers lie after it."""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import assert_never

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
ALL_SHOPPERS = 2**31 - 1
"""More than there can be: nobody is left out."""


class Protocol(StrEnum):
    BY_TIME = "by_time"
    """The newest tenth is asked for; nothing from then on is learned from."""
    LEAVE_ONE_OUT = "leave_one_out"
    """The last product of every shopper is asked for: for histories that know an order but no time."""
    NEXT_BASKET = "next_basket"
    """The first order after the cut of every customer who had ordered before it, told from what lies before."""
    NEXT_SIGN = "next_sign"
    """Every step of the sessions after the cut, told from the session so far alone: as session-based models are."""


@dataclass(frozen=True, slots=True)
class HeldOutQuestion:
    """One shopper at one moment, and what they went on to in that session."""

    shopper: int
    history: Numbers
    """Oldest first; never empty."""
    history_at: NDArray[np.int64]
    history_order: Numbers
    """(n,): number of the order each sign belongs to; -1 for none."""
    now: int
    targets: Numbers
    """Distinct products, rising."""


@dataclass(frozen=True, slots=True)
class HeldOut:
    protocol: Protocol
    rest: Sequences
    """What may be learned from."""
    since: int
    """µs UTC: every held-out sign is newer; 0 with leave-one-out."""
    questions: tuple[HeldOutQuestion, ...]


def protocol_for(sequences: Sequences) -> Protocol:
    """By time, unless the times say nothing but an order."""
    at = sequences.occurred_at
    if len(at) == 0 or int(at.max()) - int(at.min()) < DAY or int(at.max()) < ORDER_ONLY_BEFORE:
        return Protocol.LEAVE_ONE_OUT
    return Protocol.BY_TIME


def hold_out(
    sequences: Sequences,
    max_shoppers: int,
    rng: np.random.Generator,
    protocol: Protocol,
    *,
    cut: int | None = None,
    share: float = SHARE,
) -> HeldOut:
    """Take what is newer than the cut, or every shopper's last product.

    `cut`: µs UTC of the first moment that is held out; without one the newest `share` of all signs is. Shoppers without
    any history before their question are not asked about: every model would answer them alike. At most `max_shoppers`
    shoppers are asked about, drawn by `rng`.
    """
    if protocol is Protocol.LEAVE_ONE_OUT:
        return _leave_one_out(sequences, max_shoppers, rng)
    at = sequences.occurred_at
    if not len(at):
        return HeldOut(protocol=protocol, rest=sequences, since=0, questions=())
    since = int(np.quantile(at, 1 - share, method="lower")) if cut is None else cut - 1
    match protocol:
        case Protocol.BY_TIME:
            questions = _questions_after(sequences, since, max_shoppers, rng)
        case Protocol.NEXT_BASKET:
            questions = _next_baskets(sequences, since, max_shoppers, rng)
        case Protocol.NEXT_SIGN:
            questions = _next_signs(sequences, since, max_shoppers, rng)
        case _:
            assert_never(protocol)
    return HeldOut(protocol=protocol, rest=sequences.take(at <= since), since=since, questions=questions)


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
    starts, ends = _sessions(sequences)
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


def _next_baskets(
    sequences: Sequences, since: int, max_shoppers: int, rng: np.random.Generator
) -> tuple[HeldOutQuestion, ...]:
    """What was looked at in the session of the order itself is no history: it would give the answer away."""
    newer = sequences.occurred_at > since
    bought = sequences.order >= 0
    is_known = np.zeros(sequences.n_shoppers, np.bool_)
    is_known[sequences.shopper[bought & ~newer]] = True
    places = np.flatnonzero(bought & newer & is_known[sequences.shopper])
    shoppers, firsts = np.unique(sequences.shopper[places], return_index=True)
    starts, ends = _sessions(sequences)
    shopper_starts = np.searchsorted(sequences.shopper, np.arange(sequences.n_shoppers))
    chosen = np.isin(shoppers, _draw(shoppers, max_shoppers, rng))
    questions: list[HeldOutQuestion] = []
    for place in places[firsts[chosen]].tolist():
        session = int(np.searchsorted(starts, place, side="right")) - 1
        first, start, end = int(shopper_starts[sequences.shopper[place]]), int(starts[session]), int(ends[session])
        if start == first:
            continue
        basket = sequences.product[start:end][sequences.order[start:end] == sequences.order[place]]
        question = _question(sequences, first, start, end)
        questions.append(replace(question, now=int(sequences.occurred_at[place]), targets=np.unique(basket)))
    return tuple(questions)


def _next_signs(
    sequences: Sequences, since: int, max_shoppers: int, rng: np.random.Generator
) -> tuple[HeldOutQuestion, ...]:
    """The protocol of Ludewig & Jannach (2018): reveal a session sign by sign and ask for the one that comes next."""
    starts, ends = _sessions(sequences)
    newer = (sequences.occurred_at[starts] > since) & (ends - starts > 1)
    starts, ends = starts[newer], ends[newer]
    shoppers = _draw(np.unique(sequences.shopper[starts]), max_shoppers, rng)
    wanted = np.isin(sequences.shopper[starts], shoppers)
    return tuple(
        _question(sequences, start, place, place + 1)
        for start, end in zip(starts[wanted].tolist(), ends[wanted].tolist(), strict=True)
        for place in range(start + 1, end)
    )


def _sessions(sequences: Sequences) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """First place of each session, and the place after its last."""
    starts = np.flatnonzero(np.concatenate(([True], np.diff(sequences.session) != 0))[: len(sequences)])
    return starts, np.append(starts[1:], len(sequences))[: len(starts)]


def _question(sequences: Sequences, first: int, cut: int, end: int) -> HeldOutQuestion:
    return HeldOutQuestion(
        shopper=int(sequences.shopper[first]),
        history=sequences.product[first:cut],
        history_at=sequences.occurred_at[first:cut],
        history_order=sequences.order[first:cut],
        now=int(sequences.occurred_at[cut]),
        targets=np.unique(sequences.product[cut:end]),
    )


def _draw(places: NDArray[np.integer], n: int, rng: np.random.Generator) -> NDArray[np.integer]:
    if len(places) <= n:
        return places
    return np.sort(rng.choice(places, n, replace=False))
