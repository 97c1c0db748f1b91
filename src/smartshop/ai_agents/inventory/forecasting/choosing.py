"""Which forecast a series gets: tried on its past, by the loss that matters, and combined where that wins.

Every candidate forecasts from earlier origins. What is compared are options: each candidate, and each two of them half
and half. In a class of series (how often and how evenly something is sold) what loses to a simple baseline is out: on
the mean of the origins, or badly at one of them. A candidate that loses by itself may only stay half and half with a
baseline: that it did well beside another is too easily the chance of a few origins. The rest are averaged, and weigh
the less the more they lost: w ∝ exp(−(loss / least loss − 1) / temperature), the aggregation of Yang (2004, Econometric
Theory 20: 176-222) with the number of origins taken into the temperature; half by what they lost in the class, half by
what they lost on all series.

Why so little is estimated: origins are three or four, and all series of one err together. Weights that are fitted to so
few say what happened to be right then (the forecast combination puzzle; Smith & Wallis 2009; Claeskens et al. 2016).
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
    """Names of the baselines that an option must not lose to in a class; the choice where nothing can be learned."""
    most_loss: float = 0.2
    """Share by which an option may lose to the best baseline at one of the origins; it must not on their mean."""
    temperature: float = 0.003
    """Share of the loss: an option that loses so much more than the best weighs 0.37 of it, 0.001 to 0.01."""
    least_weight: float = 0.05
    """Of the best option's weight: what weighs less is left out, so that few candidates need to be fitted."""
    own_share: float = 0.5
    """Of a class's weights that are by its own losses; the rest is by those on all series, since origins are few."""
    least_series: int = 60
    """Series and origins that a class needs for weights of its own; smaller ones follow all series."""


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
    options = _options(len(names))
    simple = np.array([names.index(name) for name in policy.simple])
    trials = _Trials.of(tried, names, options, loss)
    overall = trials.judged(None, simple[0])
    weights = np.tile(_weights(overall, overall, options, simple, policy), (len(CLASSES), 1))
    losses = np.full((len(CLASSES), len(names)), np.nan)
    for number in range(len(CLASSES)):
        own = trials.judged(number, simple[0])
        losses[number] = own.alone[: len(names)]
        if np.isfinite(own.alone[simple]).any():
            weights[number] = _weights(own, overall, options, simple, policy)
    return Choice(names, weights, losses)


def _options(candidates: int) -> Floats:
    """(options, k): each candidate by itself, then each two half and half."""
    one_hot = np.eye(candidates)
    halves = [(one_hot[a] + one_hot[b]) / 2.0 for a in range(candidates) for b in range(a)]
    return np.vstack([one_hot, *halves]) if halves else one_hot


@dataclass(frozen=True, slots=True)
class _Judged:
    """Losses of options on some of the series, in those of the first baseline on all."""

    by_origin: Floats
    """(options, origins); NaN where there are none."""
    alone: Floats
    """(options,) mean of the origins, each weighing as its series."""
    seen: int
    """Series and origins."""


@dataclass(frozen=True, slots=True)
class _Trials:
    options: int
    losses: list[Floats]
    """Origin by origin (options, n)."""
    classes: list[NDArray[np.int64]]
    """Origin by origin (n,)."""

    @staticmethod
    def of(tried: Tried, names: tuple[str, ...], options: Floats, loss: Loss) -> "_Trials":
        losses, classes = list[Floats](), list[NDArray[np.int64]]()
        for origin, by_name in tried.told.items():
            known, came = tried.panel.until(origin), tried.panel.demand[:, origin : origin + tried.horizon]
            told = [by_name[name] for name in names]
            found = np.empty((len(options), len(known)))
            for number, row in enumerate(options):
                used = np.flatnonzero(row)
                mixed = rounded(known, average([told[one] for one in used], row[used]))
                found[number] = loss(known, came, mixed, tried.levels)
            losses.append(found)
            classes.append(demand_classes(known))
        return _Trials(len(options), losses, classes)

    def judged(self, number: int | None, baseline: int) -> _Judged:
        """On a class of series, or on all.

        Losses are told in those of the baseline on all series, so that a busy season does not outvote the others.
        """
        shape = (self.options, len(self.losses))
        by_origin, seen = np.full(shape, np.nan), np.zeros(len(self.losses))
        for place, (losses, classes) in enumerate(zip(self.losses, self.classes, strict=True)):
            known = np.isfinite(losses).all(axis=0)
            some = known & (classes == number) if number is not None else known
            if some.any():
                size = float(losses[baseline, known].mean())
                by_origin[:, place] = losses[:, some].mean(axis=1) / (size if size > 0 else 1.0)
                seen[place] = some.sum()
        if not seen.any():
            return _Judged(by_origin, np.full(shape[0], np.nan), 0)
        alone = np.asarray(np.nansum(by_origin * seen, axis=1) / seen.sum(), np.float64)
        return _Judged(by_origin, alone, int(seen.sum()))


def _weights(own: _Judged, overall: _Judged, options: Floats, simple: NDArray[np.int64], policy: Policy) -> Floats:
    """(k,) for a class: what does not lose there, weighed by its loss in it and on all series.

    A mean of options that do not lose does not lose either, since the losses are convex (but for rounding).
    """
    if not np.isfinite(own.alone[simple]).any():
        return np.asarray(options[simple[0]], np.float64)
    bars, bar = np.nanmin(own.by_origin[simple], axis=0, initial=np.inf), float(own.alone[simple].min())
    badly = (own.by_origin > bars * (1.0 + policy.most_loss)).any(axis=1)
    lost = np.asarray(badly | (own.alone > bar) | _holds_loser(own, options, simple, bar))
    lost[simple] = own.alone[simple] > bar
    fit = np.flatnonzero(~lost)
    share = _falling(overall.alone[fit], policy)
    if own.seen >= policy.least_series:
        share = policy.own_share * _falling(own.alone[fit], policy) + (1.0 - policy.own_share) * share
    return np.asarray(share @ options[fit], np.float64)


def _holds_loser(own: _Judged, options: Floats, simple: NDArray[np.int64], bar: float) -> NDArray[np.bool_]:
    """(options,) whether one holds a candidate that loses by itself, and no baseline beside it."""
    loses = own.alone[: options.shape[1]] > bar
    return np.asarray((options[:, loses] > 0).any(axis=1) & ~(options[:, simple] > 0).any(axis=1))


def _falling(losses: Floats, policy: Policy) -> Floats:
    """(m,) shares, adding up to 1, that fall with losses (m,)."""
    least = float(losses.min())
    further = losses / least - 1.0 if least > 0 else np.where(losses > 0, np.inf, 0.0)
    share = np.exp(-further / policy.temperature)
    share[share < policy.least_weight] = 0.0
    return np.asarray(share / share.sum(), np.float64)
