"""Which forecast every product and place gets: light ones for all, heavier ones for what is worth most.

Every candidate is tried from earlier origins of the shop's own past; per class of series the mixture of least pinball
loss is taken (`forecasting.choosing`), and none that loses to the simple baselines there.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from importlib.util import find_spec

import numpy as np
from numpy.typing import NDArray

from smartshop.ai_agents.inventory.forecasting.choosing import Choice, Policy, Tried, choose, pinball_loss, try_out
from smartshop.ai_agents.inventory.forecasting.choosing_classes import demand_classes
from smartshop.ai_agents.inventory.forecasting.choosing_counts import SIMPLE, boosted_candidates
from smartshop.ai_agents.inventory.forecasting.choosing_counts import light_candidates as candidates_of_counts
from smartshop.ai_agents.inventory.forecasting.long_series import OfLongSeries, known_for_long
from smartshop.ai_agents.inventory.forecasting.panel import Candidate, Forecast, Panel
from smartshop.ai_agents.inventory.forecasting.statistical import Model, StatisticalCounts
from smartshop.ai_agents.inventory.forecasting.with_causes import knowing_by_week

LEVELS = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)
"""Of the quantiles of single weeks."""
HEAVY_MODELS = (
    Model.SEASONAL_NAIVE,
    Model.AUTO_ETS,
    Model.AUTO_CES,
    Model.DYNAMIC_OPTIMIZED_THETA,
    Model.IMAPA,
)
"""Fitted series by series."""
Tell = Callable[[float, str], None]
"""Called with the share done (0 to 1) and what is being done."""


@dataclass(frozen=True, slots=True)
class ChoiceConfig:
    horizon: int = 12
    """Weeks ahead, 1 to 52."""
    origins: int = 4
    """Earlier moments from which all candidates are tried, a trial's length apart."""
    least_weeks: int = 4
    """That must be known at the first of them."""
    most_valuable: int = 100
    """So many series of the highest turnover, of those known for long, are tried with models fitted one by one."""
    least_boosted: int = 30
    """Series from which one learner over all of them has something to learn from."""


USUAL_CHOICE = ChoiceConfig()


@dataclass(frozen=True, slots=True)
class ChosenForecasts:
    """n series."""

    forecast: Forecast
    """(n, h) means and (n, h, q) quantiles of the weeks after the panel's last."""
    method: NDArray[np.int32]
    """(n,) index into `methods`."""
    methods: tuple[str, ...]
    """In words: `60 % TSB, 40 % boosted trees`."""
    past: tuple["PastForecast", ...]
    """What was told from earlier origins, oldest first, each by a choice made from all of them."""
    judged: "PastForecast | None"
    """The last origin, told by a choice that had seen only what came before; None where nothing came before."""
    baseline: "PastForecast | None"
    """The first of `SIMPLE` at the same origin."""


@dataclass(frozen=True, slots=True)
class PastForecast:
    """What was told when `origin` weeks were known."""

    origin: int
    told: Forecast


def light_candidates(n_series: int, config: ChoiceConfig) -> dict[str, Candidate]:
    """For all series: seconds for thousands of them. Trees over all series where LightGBM is installed."""
    light = candidates_of_counts()
    return light | boosted_candidates() if n_series >= config.least_boosted else light


def heavy_candidates() -> dict[str, Candidate]:
    """Fitted series by series, so only for some, known for long; none where statsforecast is not installed.

    At an origin where a series was young yet, the first of `SIMPLE` speaks for them: it neither gains nor loses there.
    """
    if find_spec("statsforecast") is None:
        return {}
    young = candidates_of_counts()[SIMPLE[0]]
    return {model.value: OfLongSeries(StatisticalCounts(model), young) for model in HEAVY_MODELS}


def trial_weeks(weeks: int, config: ChoiceConfig) -> int:
    """How far ahead candidates are tried: as far as is forecast, less in a young shop."""
    return max(1, min(config.horizon, (weeks - config.least_weeks) // config.origins))


def trial_origins(weeks: int, config: ChoiceConfig) -> list[int]:
    """Weeks known at each trial, oldest first; none where the shop is too young for one.

    >>> trial_origins(60, ChoiceConfig()), trial_origins(8, ChoiceConfig()), trial_origins(4, ChoiceConfig())
    ([12, 24, 36, 48], [4, 5, 6, 7], [])
    """
    ahead = trial_weeks(weeks, config)
    return [one for back in range(config.origins, 0, -1) if (one := weeks - back * ahead) >= config.least_weeks]


def choose_forecasts(panel: Panel, turnover: NDArray[np.float64], config: ChoiceConfig, tell: Tell) -> ChosenForecasts:
    """Try, choose and forecast. `turnover`: (n,) money, which says what is worth the heavier models."""
    light, heavy = light_candidates(len(panel), config) | knowing_by_week(panel), heavy_candidates()
    tried = _tried(panel, light, config, lambda share, what: tell(0.6 * share, what))
    choice = choose(tried, pinball_loss, Policy(SIMPLE))
    tell(0.6, "forecasting")
    told = {name: light[name].forecast(panel, config.horizon, LEVELS) for name in _needed(choice, heavy)}
    mixed = _Mixed(choice.mix(panel, told), *_described(choice, panel))
    top = _most_valuable_of_long(panel, turnover, config.most_valuable)
    past = [PastForecast(origin, choice.mix(panel.until(origin), by_name)) for origin, by_name in tried.told.items()]
    judged, baseline = _judged(tried)
    if heavy and len(top) and tried.told:
        of_top = _with_heavy(panel, tried, heavy, top, lambda share, what: tell(0.7 + 0.3 * share, what))
        choice = choose(of_top, pinball_loss, Policy(SIMPLE))
        some = panel.of(top)
        told = {name: _some(one, top) for name, one in told.items()}
        told |= {name: heavy[name].forecast(some, config.horizon, LEVELS) for name in choice.used() if name in heavy}
        mixed = mixed.replaced(top, choice.mix(some, told), *_described(choice, some))
        past = [_replaced(one, top, choice.mix(some.until(one.origin), of_top.told[one.origin])) for one in past]
        if judged is not None:
            better, _ = _judged(of_top)
            judged = judged if better is None else _replaced(judged, top, better.told)
    tell(1.0, "forecast")
    return ChosenForecasts(mixed.forecast, mixed.method, mixed.methods, tuple(past), judged, baseline)


def _most_valuable_of_long(panel: Panel, turnover: NDArray[np.float64], most: int) -> NDArray[np.int64]:
    """Series that are known for long, rising: at most so many."""
    dearest = np.argsort(-turnover, kind="stable")
    return np.sort(dearest[known_for_long(panel)[dearest]][:most])


def _needed(choice: Choice, heavy: Mapping[str, Candidate]) -> tuple[str, ...]:
    """Where heavier ones may be mixed with any light one, all light ones are wanted."""
    return choice.names if heavy else choice.used()


def _tried(panel: Panel, candidates: Mapping[str, Candidate], config: ChoiceConfig, tell: Tell) -> Tried:
    origins = trial_origins(panel.periods, config)
    steps, done = max(len(origins) * len(candidates), 1), 0

    def progress(name: str, origin: int) -> None:
        nonlocal done
        tell(done / steps, f"trying {name} after {origin} weeks")
        done += 1

    return try_out(panel, candidates, trial_weeks(panel.periods, config), LEVELS, origins, progress=progress)


def _with_heavy(
    panel: Panel, tried: Tried, heavy: Mapping[str, Candidate], top: NDArray[np.int64], tell: Tell
) -> Tried:
    """Some of the series, with what the heavier ones tell of them from the same origins."""
    some, told, done = panel.of(top), dict[int, dict[str, Forecast]](), 0
    for origin, by_name in tried.told.items():
        told[origin] = {name: _some(one, top) for name, one in by_name.items()}
        for name, candidate in heavy.items():
            tell(done / (len(tried.told) * len(heavy)), f"trying {name} on the {len(top)} of highest value")
            told[origin][name] = candidate.forecast(some.until(origin), tried.horizon, LEVELS)
            done += 1
    return Tried(some, tried.horizon, tried.levels, told)


def _judged(tried: Tried) -> tuple[PastForecast | None, PastForecast | None]:
    """The newest origin, told by the choice that could have been made then; and the baseline's word."""
    if len(tried.told) < 2:
        return None, None
    newest = max(tried.told)
    before = {origin: by_name for origin, by_name in tried.told.items() if origin + tried.horizon <= newest}
    choice = choose(replace(tried, told=before), pinball_loss, Policy(SIMPLE))
    known, told = tried.panel.until(newest), tried.told[newest]
    return PastForecast(newest, choice.mix(known, told)), PastForecast(newest, told[SIMPLE[0]])


@dataclass(frozen=True, slots=True)
class _Mixed:
    forecast: Forecast
    method: NDArray[np.int32]
    methods: tuple[str, ...]

    def replaced(
        self, some: NDArray[np.int64], forecast: Forecast, method: NDArray[np.int32], methods: tuple[str, ...]
    ) -> "_Mixed":
        """With other forecasts of some series."""
        numbers = self.method.copy()
        numbers[some] = method + len(self.methods)
        return _Mixed(put(self.forecast, some, forecast), numbers, (*self.methods, *methods))


def _described(choice: Choice, panel: Panel) -> tuple[NDArray[np.int32], tuple[str, ...]]:
    """(n,) numbers of descriptions, one for each class of series."""
    return demand_classes(panel).astype(np.int32), described(choice)


def described(choice: Choice) -> tuple[str, ...]:
    """What each class of series gets, in words."""
    told = []
    for weights in choice.weights:
        parts = sorted(((weight, name) for weight, name in zip(weights, choice.names, strict=True) if weight > 0))
        parts.reverse()
        told.append(", ".join(name if weight == 1 else f"{100 * weight:.0f} % {name}" for weight, name in parts))
    return tuple(told)


def _some(forecast: Forecast, some: NDArray[np.int64]) -> Forecast:
    return Forecast(forecast.mean[some], forecast.quantiles[some])


def put(forecast: Forecast, some: NDArray[np.int64], other: Forecast) -> Forecast:
    """With what another tells of some series."""
    mean, quantiles = forecast.mean.copy(), forecast.quantiles.copy()
    mean[some], quantiles[some] = other.mean, other.quantiles
    return Forecast(mean, quantiles)


def _replaced(past: PastForecast, some: NDArray[np.int64], told: Forecast) -> PastForecast:
    return PastForecast(past.origin, put(past.told, some, told))
