"""Which forecast a series gets: tried on its past, by the loss that matters, and combined where that wins.

Every candidate forecasts from earlier origins; its losses are added up per class of series (how often and how evenly
something is sold), since one series alone says too little. In a class, what loses to a simple baseline is out: on the
mean of the origins, or clearly at one of them. Of the rest, and of their halves with a baseline, the best is taken, and
others are mixed in while that lowers the loss (Caruana et al. 2004, greedy with replacement).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from smartshop.ai_agents.inventory.forecasting.choosing_classes import CLASSES, demand_classes
from smartshop.ai_agents.inventory.forecasting.combining import average, rounded
from smartshop.ai_agents.inventory.forecasting.measures import pinball, rmsse
from smartshop.ai_agents.inventory.forecasting.panel import Candidate, Floats, Forecast, Panel

Loss = Callable[[Panel, Floats, Forecast, Sequence[float]], Floats]
"""What was known, (n, h) what came, what was told, levels → (n,) losses, NaN where it says nothing."""


def pinball_loss(known: Panel, came: Floats, told: Forecast, levels: Sequence[float]) -> Floats:
    """Mean over periods and levels, in units."""
    losses = pinball(came, told.quantiles, levels).mean(axis=2)
    return _mean_known(losses)


def scaled_loss(known: Panel, came: Floats, told: Forecast, levels: Sequence[float]) -> Floats:
    """RMSSE of the means."""
    some = np.isfinite(came).any(axis=1)
    found = np.full(len(came), np.nan)
    if some.any():
        found[some] = rmsse(known.demand[some], came[some], told.mean[some])
    return found


def _mean_known(losses: Floats) -> Floats:
    counted = np.isfinite(losses).sum(axis=1)
    total = np.nansum(losses, axis=1)
    return np.asarray(np.divide(total, counted, out=np.full(len(losses), np.nan), where=counted > 0), np.float64)


@dataclass(frozen=True, slots=True)
class Tried:
    """What every candidate told from some origins of a panel, and what came."""

    panel: Panel
    horizon: int
    levels: tuple[float, ...]
    told: Mapping[int, Mapping[str, Forecast]]
    """Origin (periods known) → candidate's name → forecast."""

    def before(self, origin: int, tries: int) -> "Tried":
        """Only what was all come when so many periods were known, from the last `tries` origins."""
        come = sorted(one for one in self.told if one + self.horizon <= origin)[-tries:]
        return Tried(self.panel, self.horizon, self.levels, {one: self.told[one] for one in come})


def try_out(
    panel: Panel,
    candidates: Mapping[str, Candidate],
    horizon: int,
    levels: Sequence[float],
    origins: Sequence[int],
    *,
    progress: Callable[[str, int], None] = lambda name, origin: None,
) -> Tried:
    """Every candidate from every origin, each seeing no more than was known then.

    `progress` is told the candidate and the origin before each fit.
    """
    told: dict[int, dict[str, Forecast]] = {}
    for origin in origins:
        known = panel.until(origin)
        told[origin] = {}
        for name, candidate in candidates.items():
            progress(name, origin)
            told[origin][name] = candidate.forecast(known, horizon, levels)
    return Tried(panel, horizon, tuple(levels), told)


@dataclass(frozen=True, slots=True)
class Policy:
    """How a choice is made."""

    simple: tuple[str, ...]
    """Names of the baselines that a candidate must not lose to in a class; the choice where nothing can be learned."""
    least_gain: float = 0.0005
    """Share by which the loss must fall for one more to be mixed in."""
    most_loss: float = 0.02
    """Share by which a candidate may lose to the best baseline at one of the origins; it must not on their mean."""
    first_count: int = 5
    """How often the best alone is in a mixture at first: the first step to another is a sixth, not a half."""
    most_members: int = 20
    """Of a mixture, counted as often as they are in it."""
    least_series: int = 60
    """Series and origins that a class needs for a choice of its own; smaller ones follow all series."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Candidates' weights, class by class."""

    names: tuple[str, ...]
    weights: Floats
    """(classes, k), rows add up to 1."""
    losses: Floats
    """(classes, k) mean losses on earlier origins, in those of the first baseline; NaN where a class was not seen."""

    def mix(self, known: Panel, told: Mapping[str, Forecast]) -> Forecast:
        """The chosen forecast of every series, in whole units where demand comes so."""
        by_series = self.weights[demand_classes(known)]
        used = [number for number in range(len(self.names)) if self.weights[:, number].any()]
        return rounded(known, average([told[self.names[number]] for number in used], by_series[:, used]))

    def used(self) -> tuple[str, ...]:
        """Names of the candidates that some class needs: the others need not be fitted."""
        return tuple(name for name, column in zip(self.names, self.weights.T, strict=True) if column.any())


def choose(tried: Tried, loss: Loss, policy: Policy) -> Choice:
    """By the losses on all origins of `tried`; the first baseline where there is none.

    Raises:
        ValueError: no baseline is named, or one that was not tried.
    """
    if not policy.simple:
        raise ValueError("No baseline is named; name at least one candidate that others must not lose to.")
    names = tuple(dict.fromkeys(name for told in tried.told.values() for name in told)) or policy.simple
    if missing := set(policy.simple) - set(names):
        raise ValueError(f"The baseline {sorted(missing)[0]!r} was not tried; there are {', '.join(names)}.")
    trials = _Trials.of(tried, names, loss, policy.simple[0])
    whole = _mixture(trials, trials.everyone(), loss, policy)
    weights, losses = np.tile(whole.weights, (len(CLASSES), 1)), np.full((len(CLASSES), len(names)), np.nan)
    for number in range(len(CLASSES)):
        members = trials.members(number)
        seen = sum(map(len, members))
        if not seen:
            continue
        own = _mixture(trials, members, loss, policy)
        losses[number] = own.alone
        weights[number] = _shrunk(own, whole.weights, seen, policy)
    return Choice(names, weights, losses)


Members = list[NDArray[np.int64]]
"""Which series, origin by origin."""


@dataclass(frozen=True, slots=True)
class _Trials:
    names: tuple[str, ...]
    levels: tuple[float, ...]
    known: list[Panel]
    came: list[Floats]
    told: list[list[Forecast]]
    """Origin by origin, in the order of the names."""
    classes: list[NDArray[np.int64]]
    size: list[float]
    """Mean loss of the first baseline: losses are told per it, so that a busy season does not outvote the others."""

    @staticmethod
    def of(tried: Tried, names: tuple[str, ...], loss: Loss, baseline: str) -> "_Trials":
        known = [tried.panel.until(origin) for origin in tried.told]
        came = [tried.panel.demand[:, origin : origin + tried.horizon] for origin in tried.told]
        told = [[by_name[name] for name in names] for by_name in tried.told.values()]
        size = [
            float(np.nanmean(loss(one, there, by_name[baseline], tried.levels)))
            for one, there, by_name in zip(known, came, tried.told.values(), strict=True)
        ]
        classes = [demand_classes(one) for one in known]
        return _Trials(names, tried.levels, known, came, told, classes, [one if one > 0 else 1.0 for one in size])

    def everyone(self) -> Members:
        return [np.arange(len(one)) for one in self.known]

    def members(self, number: int) -> Members:
        return [np.flatnonzero(classes == number) for classes in self.classes]

    def loss_of(self, weights: Floats, members: Members, loss: Loss) -> float:
        """Mean over series and origins of a mixture with these weights (k,)."""
        told = self.losses_of(weights, members, loss) * self.shares(members)
        return float(np.nanmean(told)) if np.isfinite(told).any() else float("nan")

    def shares(self, members: Members) -> Floats:
        """(origins,) how much each counts: by its series, on the mean 1."""
        seen = np.array([len(some) for some in members], np.float64)
        return seen / max(float(seen[seen > 0].mean()), 1.0) if seen.any() else seen

    def losses_of(self, weights: Floats, members: Members, loss: Loss) -> Floats:
        """(origins,) means over series of a mixture with these weights (k,); NaN where there are none."""
        used, losses = np.flatnonzero(weights), list[float]()
        parts_of = zip(self.known, self.came, self.told, self.size, members, strict=True)
        for known, came, told, size, some in parts_of:
            parts = [Forecast(told[number].mean[some], told[number].quantiles[some]) for number in used]
            mixed = rounded(known, average(parts, weights[used]))
            found = loss(known.of(some), came[some], mixed, self.levels)
            losses.append(float(np.nanmean(found)) / size if np.isfinite(found).any() else float("nan"))
        return np.array(losses)


@dataclass(frozen=True, slots=True)
class _Mixture:
    weights: Floats
    """(k,), adding up to 1"""
    alone: Floats
    """(k,) loss of each candidate by itself"""
    fit: NDArray[np.int64]
    """Candidates that do not lose to a baseline by themselves."""


def _mixture(trials: _Trials, members: Members, loss: Loss, policy: Policy) -> _Mixture:
    simple = np.array([trials.names.index(name) for name in policy.simple])
    options = _options(len(trials.names), simple)
    by_origin = np.array([trials.losses_of(row, members, loss) for row in options])
    alone = _mean_known(by_origin * trials.shares(members))
    bars = np.nanmin(by_origin[simple], axis=0, initial=np.inf)
    if not np.isfinite(alone[simple]).any():
        return _Mixture(options[simple[0]], alone[: len(trials.names)], simple[:1])
    lost = (by_origin > bars * (1.0 + policy.most_loss)).any(axis=1) | ~(alone <= np.nanmin(alone[simple]))
    lost[simple] = alone[simple] > np.nanmin(alone[simple])
    fit = np.flatnonzero(~lost)
    counts = policy.first_count * options[fit[alone[fit].argmin()]]
    least = float(alone[fit].min())
    while counts.sum() < policy.most_members:
        grown = [counts + options[number] for number in fit]
        losses = [trials.loss_of(one / one.sum(), members, loss) for one in grown]
        best = int(np.argmin(losses))
        if losses[best] > least * (1.0 - policy.least_gain):
            break
        counts, least = grown[best], losses[best]
    return _Mixture(counts / counts.sum(), alone[: len(trials.names)], fit[fit < len(trials.names)])


def _options(candidates: int, simple: NDArray[np.int64]) -> Floats:
    """(options, k): each candidate by itself, then half and half with each baseline, which may win where it loses."""
    one_hot = np.eye(candidates)
    halves = [(one_hot[a] + one_hot[b]) / 2.0 for a in range(candidates) for b in simple if a not in simple]
    return np.vstack([one_hot, *halves]) if halves else one_hot


def _shrunk(own: _Mixture, whole: Floats, seen: int, policy: Policy) -> Floats:
    """A class's own mixture half-way back to that of all: its series err alike at an origin, and origins are few.

    Of the mixture of all only what does not lose to a baseline in this class. A small class follows all.
    """
    shared = np.zeros_like(whole)
    shared[own.fit] = whole[own.fit]
    if not shared.any():
        return own.weights
    shared = shared / shared.sum()
    return np.asarray(shared if seen < policy.least_series else (own.weights + shared) / 2.0, np.float64)
