"""Forecasts by week judged on the shop's own past: every candidate, and the mixture as it would have been chosen.

From each origin all candidates tell the weeks after it. The mixture is chosen as the learning chooses it, but only on
origins whose weeks had all come by then; so the first origins choose, and the later ones judge.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import msgspec
import numpy as np
from numpy.typing import NDArray

from smartshop.ai_agents.inventory.evaluate_past import Gain, Past, gain_on
from smartshop.ai_agents.inventory.forecasting.choosing import Policy, Tried, choose, pinball_loss
from smartshop.ai_agents.inventory.forecasting.choosing_classes import CLASSES, demand_classes
from smartshop.ai_agents.inventory.forecasting.choosing_counts import SIMPLE
from smartshop.ai_agents.inventory.forecasting.measures import pinball, share_below, tie_chances, wmape
from smartshop.ai_agents.inventory.forecasting.panel import Candidate, Floats, Forecast, Panel, Period
from smartshop.ai_agents.inventory.forecasting.with_causes import knowing_by_week
from smartshop.ai_agents.inventory.weekly_choice import (
    LEVELS,
    USUAL_CHOICE,
    Tell,
    light_candidates,
)

CHOSEN = "chosen mixture"
JUDGED_LEVELS = (0.1, 0.25, 0.5, 0.75, 0.9)
"""Of those told: the outermost two are for stock, and would outweigh the middle."""
WEEKS_AHEAD, LEAST_WEEKS = 8, 4
JUDGED, TRIES, LEAST_TRIES = 4, 4, 2
"""Origins that judge, and those right before each on which is chosen."""
WEEK = 7


class WeeklyRow(msgspec.Struct, frozen=True, kw_only=True):
    """How good one forecast was."""

    forecast: str
    pinball: float
    """Mean over series, weeks and levels, in units."""
    wmape: float
    """Of the means."""
    share_below: tuple[float, ...]
    """Of what came, at or below each level's quantile; ties by chance, so that a true law has the level itself."""
    by_class: tuple[float | None, ...]
    """Pinball loss in each class of series; None where none is of it."""


class WeeklyClass(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    series: float
    """Of the class, on average over the origins: a series may change it."""
    gain: Gain | None
    """Of the chosen mixture on the better simple baseline of this class."""


class WeeklyContest(msgspec.Struct, frozen=True, kw_only=True):
    title: str
    series: int
    first_days: tuple[str, ...]
    """The Monday after each origin."""
    weeks_ahead: int
    levels: tuple[float, ...]
    rows: tuple[WeeklyRow, ...]
    """By their loss, the least first."""
    classes: tuple[WeeklyClass, ...]
    gain: Gain | None
    """Of the chosen mixture on the better simple baseline."""


@dataclass(frozen=True, slots=True)
class Origins:
    """Weeks known at each, oldest first."""

    all: tuple[int, ...]
    judged: tuple[int, ...]
    """The last of them: before each lie enough to choose on. Empty in a young shop."""
    ahead: int


def weekly_origins(weeks: int) -> Origins:
    """Eight weeks apart, or as close as a young shop needs.

    >>> weekly_origins(52), weekly_origins(6).judged
    (Origins(all=(4, 12, 20, 28, 36, 44), judged=(20, 28, 36, 44), ahead=8), ())
    """
    ahead = max(1, min(WEEKS_AHEAD, (weeks - LEAST_WEEKS) // (JUDGED + LEAST_TRIES)))
    every = [one for back in range(JUDGED + TRIES, 0, -1) if (one := weeks - back * ahead) >= LEAST_WEEKS]
    return Origins(tuple(every), tuple(every[LEAST_TRIES:][-JUDGED:]), ahead)


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """o origins that judge, n series, h weeks."""

    came: Floats
    """(o, n, h), NaN where nobody knows"""
    classes: NDArray[np.int64]
    """(o, n) as known at each origin"""
    told: Mapping[str, Sequence[Forecast]]
    """Name → origin by origin."""


def contest_weekly(
    past: Past, most: int, rng: np.random.Generator, tell: Tell, *, heavy: Mapping[str, Candidate]
) -> list[WeeklyContest]:
    """All series with the candidates for all; those of highest value with the heavier ones, too. Empty: too young.

    `most`: series judged, by their turnover before the oldest origin that judges; 0 is all. `heavy`: what is fitted
    series by series, so only tried on some.
    """
    came = past.came(Period.WEEK)
    origins, skipped = weekly_origins(came.periods), came.first_day - past.table.first_day
    if not origins.judged:
        return []
    oldest = skipped + WEEK * origins.judged[0]
    some = past.most_valuable(oldest, most)
    if not len(some):
        return []
    known = {one: past.series(skipped + WEEK * one, Period.WEEK, origins.ahead).panel.of(some) for one in origins.all}
    light = light_candidates(len(some), USUAL_CHOICE) | knowing_by_week(known[max(known)])
    tried = _asked(known, came.of(some), light, origins, part(tell, 0.0, 0.4))
    judged = judge(tried, origins)
    top = np.flatnonzero(np.isin(some, past.most_valuable(oldest, USUAL_CHOICE.most_valuable)))
    title = f"Forecasts by week, the {len(some):,} series of highest value"
    if not heavy:
        return [contest_of(title, judged, came, origins, rng)]
    of_top = {one: panel.of(top) for one, panel in known.items()}
    slow = _asked(of_top, tried.panel.of(top), heavy, origins, part(tell, 0.4, 1.0))
    judged_top = judge(_joined(tried, slow, top), origins)
    of_most = f"Forecasts by week, the {len(top):,} series of highest value, with models fitted one by one"
    found = [contest_of(of_most, judged_top, came, origins, rng)]
    if len(top) < len(some):
        found.insert(0, contest_of(title, _with_top(judged, judged_top, top), came, origins, rng))
    return found


def judge(tried: Tried, origins: Origins) -> Judged:
    """What was told from the origins that judge; the mixture as it would have been chosen then."""
    told: dict[str, list[Forecast]] = {CHOSEN: []}
    for origin in origins.judged:
        choice = choose(tried.before(origin, TRIES), pinball_loss, Policy(SIMPLE))
        told[CHOSEN].append(choice.mix(tried.panel.until(origin), tried.told[origin]))
        for name, one in tried.told[origin].items():
            told.setdefault(name, []).append(one)
    came = [tried.panel.demand[:, origin : origin + origins.ahead] for origin in origins.judged]
    classes = [demand_classes(tried.panel.until(origin)) for origin in origins.judged]
    return Judged(np.array(came), np.array(classes), told)


def _asked(
    known: Mapping[int, Panel], came: Panel, candidates: Mapping[str, Candidate], origins: Origins, tell: Tell
) -> Tried:
    """Every candidate from every origin, each time of what was known then."""
    told: dict[int, dict[str, Forecast]] = {}
    for place, origin in enumerate(origins.all):
        told[origin] = {}
        for number, (name, candidate) in enumerate(candidates.items()):
            share = (place + number / len(candidates)) / len(origins.all)
            tell(share, f"{name} after {origin} weeks")
            told[origin][name] = candidate.forecast(known[origin], origins.ahead, LEVELS)
    return Tried(came, origins.ahead, LEVELS, told)


def _joined(light: Tried, heavy: Tried, top: NDArray[np.int64]) -> Tried:
    told = {
        origin: {name: _some(one, top) for name, one in light.told[origin].items()} | dict(by_name)
        for origin, by_name in heavy.told.items()
    }
    return Tried(heavy.panel, heavy.horizon, heavy.levels, told)


def _with_top(judged: Judged, of_top: Judged, top: NDArray[np.int64]) -> Judged:
    """The mixture of the most valuable is the one chosen with the heavier candidates, as the learning has it."""
    mixed = []
    for one, better in zip(judged.told[CHOSEN], of_top.told[CHOSEN], strict=True):
        mean, quantiles = one.mean.copy(), one.quantiles.copy()
        mean[top], quantiles[top] = better.mean, better.quantiles
        mixed.append(Forecast(mean, quantiles))
    return Judged(judged.came, judged.classes, {**judged.told, CHOSEN: mixed})


def contest_of(title: str, judged: Judged, came: Panel, origins: Origins, rng: np.random.Generator) -> WeeklyContest:
    """The figures; `came` says only which Mondays the origins are."""
    at = [LEVELS.index(level) for level in JUDGED_LEVELS]
    losses = {
        name: pinball(judged.came, np.array([one.quantiles[..., at] for one in told]), JUDGED_LEVELS).mean(axis=3)
        for name, told in judged.told.items()
    }
    # The same draws for all, so that ties do not tell them apart.
    uniform = rng.random(judged.came.shape)
    rows = [_row(name, judged, losses[name], uniform) for name in judged.told]
    return WeeklyContest(
        title=title,
        series=judged.came.shape[1],
        first_days=tuple(_monday(came, origin) for origin in origins.judged),
        weeks_ahead=origins.ahead,
        levels=JUDGED_LEVELS,
        rows=tuple(sorted(rows, key=lambda row: row.pinball)),
        classes=tuple(_class(number, judged, losses, rng) for number in np.unique(judged.classes).tolist()),
        gain=_gain(losses, np.ones(judged.classes.shape, bool), rng),
    )


def _row(name: str, judged: Judged, losses: Floats, uniform: Floats) -> WeeklyRow:
    quantiles = np.array([one.quantiles for one in judged.told[name]])
    ties = tie_chances(quantiles, LEVELS)
    places = [LEVELS.index(level) for level in JUDGED_LEVELS]
    return WeeklyRow(
        forecast=name,
        pinball=_mean(losses),
        wmape=wmape(judged.came, np.array([one.mean for one in judged.told[name]])),
        share_below=tuple(share_below(judged.came, quantiles[..., at], uniform, ties[..., at]) for at in places),
        by_class=tuple(_mean_or_none(losses[judged.classes == number]) for number in range(len(CLASSES))),
    )


def _class(number: int, judged: Judged, losses: Mapping[str, Floats], rng: np.random.Generator) -> WeeklyClass:
    members = judged.classes == number
    return WeeklyClass(name=CLASSES[number], series=float(members.sum(axis=1).mean()), gain=_gain(losses, members, rng))


def _gain(losses: Mapping[str, Floats], members: NDArray[np.bool_], rng: np.random.Generator) -> Gain | None:
    """On the baseline that turned out better, which favours it."""
    of_members = {name: np.where(members[..., None], losses[name], np.nan) for name in (CHOSEN, *SIMPLE)}
    rival = min(SIMPLE, key=lambda name: _mean(of_members[name]))
    ours, theirs = (of_members[name].transpose(1, 0, 2) for name in (CHOSEN, rival))
    return gain_on(rival, ours, theirs, rng)


def _mean(losses: Floats) -> float:
    return float(np.nanmean(losses)) if np.isfinite(losses).any() else float("nan")


def _mean_or_none(losses: Floats) -> float | None:
    return _mean(losses) if np.isfinite(losses).any() else None


def _monday(came: Panel, origin: int) -> str:
    return date.fromordinal(came.first_day + WEEK * origin).isoformat()


def _some(forecast: Forecast, some: NDArray[np.int64]) -> Forecast:
    return Forecast(forecast.mean[some], forecast.quantiles[some])


def part(tell: Tell, begins: float, ends: float) -> Tell:
    """A stretch of the progress told."""
    return lambda share, what: tell(begins + (ends - begins) * share, what)
