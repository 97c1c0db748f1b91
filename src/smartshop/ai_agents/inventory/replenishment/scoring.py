"""How decisions to order turned out: where demand fell in the law that was told, and what each order would have cost.

Demand over a stretch is drawn to its level in the told law, u = F(d − 1) + v·(F(d) − F(d − 1)) with v uniform, which is
uniform on 0 to 1 if the law is true (randomised probability integral transform; Brockwell 2007, after Smith 1985).

Money is that of the told costs over the stretch alone: stock held, units asked for in vain, and of the order's fixed
cost the part that the stretch is of the time an order was planned to last. Goods left over are worth what they cost,
and what they save later is not counted. The order with hindsight is the size of least money for what truly came.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from smartshop.data_collection.schemas.proposals import ToldLaw

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SIZES_TRIED = 65
"""At once."""


@dataclass(frozen=True, slots=True, eq=False)
class Days:
    """m stretches of at most p days, all in units; days beyond a stretch's end are 0."""

    on_hand: Floats
    """(m,) when it was decided."""
    asked_for: Floats
    """(m, p)"""
    arrived: Floats
    """(m, p) goods that were on their way when it was decided."""
    moved: Floats
    """(m, p) what came or went otherwise."""
    length: Floats
    """(m, p) part of each day that lies in the stretch."""


@dataclass(frozen=True, slots=True, eq=False)
class Terms:
    """(m,) each: on what terms an order could be placed, and what stock costs."""

    arrives: Ints
    """Day of the stretch on which an order's goods come; beyond the last: not within it."""
    pack: Ints
    """Units, at least 1."""
    least: Ints
    """Units of the smallest order."""
    holding: Floats
    """Money per unit and day."""
    missed: Floats
    """Money per unit asked for in vain."""
    order: Floats
    """Money of an order, whatever its size."""


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """(m,) each, over the stretch."""

    short: Floats
    """Units asked for in vain."""
    short_before: Floats
    """Of them, before the order's goods could come."""
    held: Floats
    """Unit-days of stock."""
    left: Floats
    """Units at the end."""


def level_met(law: ToldLaw, units: float, within_step: float) -> float:
    """Where demand fell in a law, 0 to 1. `within_step`: v, 0 to 1.

    >>> coin = ToldLaw((0.0, 1.0), (0.5, 1.0))
    >>> level_met(coin, 0, 0.5), level_met(coin, 1, 0.5), level_met(coin, 7, 0.5)
    (0.25, 0.75, 1.0)
    """
    upto, below = chance_within(law, units), chance_within(law, units - 1.0)
    return below + within_step * (upto - below)


def chance_within(law: ToldLaw, units: float) -> float:
    """P(demand ≤ units), straight between the law's points."""
    if units < law.units[0]:
        return 0.0
    return float(np.interp(np.floor(units), law.units, law.within))


def live_through(days: Days, ordered: Floats, arrives: Ints) -> Outcome:
    """How stock would have gone with these orders (m,): what is asked for in vain is lost.

    Goods come in the morning of their day; over a day stock falls evenly.
    """
    level = days.on_hand.astype(np.float64)
    short, before, held = np.zeros_like(level), np.zeros_like(level), np.zeros_like(level)
    for day in range(days.asked_for.shape[1]):
        level = np.maximum(level + days.arrived[:, day] + days.moved[:, day], 0.0)
        level = level + np.where(arrives == day, ordered, 0.0)
        taken = np.minimum(level, days.asked_for[:, day])
        missed = days.asked_for[:, day] - taken
        short += missed
        before += np.where(arrives > day, missed, 0.0)
        held += (level - taken / 2.0) * days.length[:, day]
        level = level - taken
    return Outcome(short, before, held, level)


def money(days: Days, terms: Terms, ordered: Floats) -> Floats:
    """(m,) what each stretch would have cost with these orders."""
    found = live_through(days, ordered, terms.arrives)
    return np.asarray(
        terms.holding * found.held + terms.missed * found.short + np.where(ordered > 0, terms.order, 0.0), np.float64
    )


def best_orders(days: Days, terms: Terms) -> Ints:
    """(m,) units of least money in whole packs, as one knows afterwards; 0 where nothing was better.

    All sizes up to what all of the stretch asked for and lost are tried; where there are more than `SIZES_TRIED`, so
    many evenly, then those around the best, and so on. Without losses money is convex in the size, so none is missed.
    """
    fewest = np.maximum(-(-terms.least // terms.pack), 1)
    asked = days.asked_for.sum(axis=1) + np.maximum(-days.moved, 0.0).sum(axis=1)
    low, high = fewest, fewest + np.ceil(asked / terms.pack).astype(np.int64)
    rows = np.arange(len(low))
    while True:
        step = np.maximum(-(-(high - low) // (SIZES_TRIED - 1)), 1)
        packs = np.minimum(low + np.arange(SIZES_TRIED)[:, None] * step, high)
        costs = np.stack([money(days, terms, (size * terms.pack).astype(np.float64)) for size in packs])
        best = packs[costs.argmin(axis=0), rows]
        if (step == 1).all():
            break
        low, high = np.maximum(best - step, low), np.minimum(best + step, high)
    pays = costs.min(axis=0) < money(days, terms, np.zeros(len(rows)))
    return np.where(pays, best * terms.pack, 0)


def on_their_way(receipts: tuple[tuple[int, int], ...], told: int, days: int) -> Floats:
    """(days,) of what came, by (day, units) in time, the first `told` units: later ones were ordered afterwards.

    >>> on_their_way(((1, 10), (3, 10)), 15, 5)
    array([ 0., 10.,  0.,  5.,  0.])
    """
    found, open_units = np.zeros(days), told
    for day, units in receipts:
        taken = min(units, open_units)
        open_units -= taken
        if 0 <= day < days:
            found[day] += taken
    return found
