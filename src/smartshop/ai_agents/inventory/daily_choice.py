"""Which daily forecast every product and place gets: light ones and one learner for all, fitted ones for the dearest.

As by week (`weekly_choice`): candidates are tried from earlier origins, each seeing what was known then; per class of
series the mixture of least pinball loss is taken, and none that loses to the simple baselines there. Ten thousand
series of two years are told in a bounded time: the learner draws its rows, the choice is made on series drawn, and only
as many series as are asked get the models that are fitted one by one, from the newest origins.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec

import numpy as np
from numpy.typing import NDArray

from smartshop.ai_agents.inventory.daily_heavy import Asked, HeavyPlan, fit_blocks, heavy_candidates
from smartshop.ai_agents.inventory.forecasting.boosted_days import BoostedDays
from smartshop.ai_agents.inventory.forecasting.choosing import Choice, Policy, Tried, choose, pinball_loss
from smartshop.ai_agents.inventory.forecasting.choosing_classes import demand_classes
from smartshop.ai_agents.inventory.forecasting.daily_counts import Level, WeekdayCounts, WeekdayEmpirical
from smartshop.ai_agents.inventory.forecasting.panel import Candidate, Floats, Forecast, Panel
from smartshop.ai_agents.inventory.forecasting.with_causes import (
    KNOWING,
    WithCauses,
    WithoutCauses,
    told_causes,
)
from smartshop.ai_agents.inventory.pieces import Pieces
from smartshop.ai_agents.inventory.weekly_choice import LEVELS, PastForecast, Tell, described, put

SIMPLE = (WeekdayEmpirical.name, Level.RECENT.value)
"""What others must not lose to."""
BOOSTED = BoostedDays.name
POLICY = Policy(SIMPLE)
BOOSTED_EFFORT, HEAVY_EFFORT = 20.0, 0.1
"""Of the learner once, and of a fitted series, beside a light candidate's one: for telling how much is done."""


@dataclass(frozen=True, slots=True)
class DailyConfig:
    horizon: int = 28
    """Days ahead, whole weeks: 7 to 84."""
    origins: int = 3
    """Earlier days after which all candidates are tried."""
    days_between: int = 28
    """Between these days, and from the last of them to now: no less than the horizon."""
    heavy_origins: int = 2
    """The newest of them, after which the models that are fitted one by one are tried."""
    least_days: int = 112
    """That must be known at the first of them."""
    most_valuable: int = 500
    """So many series of the highest value are tried with the models that are fitted one by one."""
    most_judged: int = 2_000
    """Series drawn, from which the mixtures for all are chosen."""
    least_boosted: int = 30
    """Series from which one learner over all of them has something to learn from."""
    learner: BoostedDays = field(default_factory=BoostedDays)
    block: int = 25
    """Series fitted one by one that are kept together."""
    seed: int = 0


USUAL_DAILY = DailyConfig()


@dataclass(frozen=True, slots=True, eq=False)
class ChosenDays:
    """n series, h days."""

    forecast: Forecast
    """(n, h) means and (n, h, q) quantiles of the days after the panel's last."""
    method: NDArray[np.int32]
    """(n,) index into `methods`."""
    methods: tuple[str, ...]
    """In words."""
    past: tuple[PastForecast, ...]
    """What was told from earlier origins, oldest first, each by a choice made from all of them."""
    judged: PastForecast | None
    """The last origin, told by a choice that had seen only what came before; None where nothing came before."""
    baselines: Mapping[str, PastForecast]
    """What the simple ones told at the same origin."""
    heavy: NDArray[np.int64]
    """(m,) the series tried with the models that are fitted one by one, rising."""
    heavy_names: tuple[str, ...]


def light_candidates(panel: Panel, config: DailyConfig) -> dict[str, Candidate]:
    """For all series at once; the learner where LightGBM is installed.

    Where holidays, events or weather are told, two of them come a second time, knowing these: what does not help is
    left to those that do not.
    """
    found: dict[str, Candidate] = {WeekdayEmpirical.name: WeekdayEmpirical()}
    found |= {level.value: WeekdayCounts(level) for level in Level}
    if find_spec("lightgbm") is not None and len(panel) >= config.least_boosted:
        found[BOOSTED] = config.learner
    causes = told_causes(panel)
    if not causes:
        return found
    knowing = {name: WithCauses(found[name], causes) for name in (Level.RECENT.value, BOOSTED) if name in found}
    return {name: WithoutCauses(one, causes) for name, one in found.items()} | {
        f"{name}{KNOWING}": one for name, one in knowing.items()
    }


def daily_origins(days: int, config: DailyConfig) -> list[int]:
    """Days known at each trial, oldest first; none where too little is known for one.

    >>> daily_origins(196, DailyConfig()), daily_origins(168, DailyConfig()), daily_origins(120, DailyConfig())
    ([112, 140, 168], [112, 140], [])
    """
    back = (days - one * config.days_between for one in range(config.origins, 0, -1))
    return [one for one in back if one >= config.least_days]


def choose_days(
    panel: Panel,
    value: Floats,
    tell: Tell,
    *,
    config: DailyConfig = USUAL_DAILY,
    pieces: Pieces | None = None,
    workers: int = 1,
) -> ChosenDays:
    """Try, choose and forecast. `value`: (n,) money, which says what is worth the models fitted one by one.

    `pieces`: where finished parts are kept, so that a killed run goes on; `workers`: processes for those models.

    Raises:
        ValueError: a cause is not known so far ahead.
    """
    run = _Run(panel, config, Pieces() if pieces is None else pieces, _Effort(panel, config, tell), workers)
    tried = run.light_tried()
    choices = _Choices.of(_of_series(tried, _drawn(len(panel), config)))
    top = _dearest(value, config) if tried.told and heavy_candidates() else np.zeros(0, np.int64)
    dearest = run.heavy_tried(tried, top) if len(top) else None
    of_top = None if dearest is None else _Choices.of(dearest)
    used = {*choices.all.used(), *(() if of_top is None else of_top.all.used())}
    now = run.light_now(used)
    told = _Told.of(tried, choices, now)
    if dearest is not None and of_top is not None:
        heavy_now = run.heavy_now(used, top)
        told = told.replaced(top, _Told.of(dearest, of_top, _of_some(now, top) | heavy_now))
    tell(1.0, "days foreseen")
    newest = max(tried.told, default=0)
    return ChosenDays(
        forecast=told.forecast,
        method=told.method,
        methods=told.methods,
        past=tuple(PastForecast(origin, one) for origin, one in told.past.items()),
        judged=None if told.judged is None else PastForecast(newest, told.judged),
        baselines={name: PastForecast(newest, tried.told[newest][name]) for name in SIMPLE} if tried.told else {},
        heavy=top,
        heavy_names=tuple(heavy_candidates()) if len(top) else (),
    )


def _effort_of(name: str) -> float:
    return BOOSTED_EFFORT if name.startswith(BOOSTED) else 1.0


@dataclass(slots=True)
class _Effort:
    """How much is done, in light candidates' work."""

    panel: Panel
    config: DailyConfig
    tell: Tell
    done: float = 0.0

    def add(self, effort: float, what: str) -> None:
        origins = len(daily_origins(self.panel.periods, self.config))
        light = sum(_effort_of(name) for name in light_candidates(self.panel, self.config))
        some = min(self.config.most_valuable, len(self.panel)) * HEAVY_EFFORT * len(heavy_candidates())
        whole = light * (origins + 1) + some * (min(origins, self.config.heavy_origins) + 1)
        self.done += effort
        self.tell(min(self.done / whole, 0.99), what)


@dataclass(frozen=True, slots=True)
class _Run:
    panel: Panel
    config: DailyConfig
    pieces: Pieces
    effort: _Effort
    workers: int

    def light_tried(self) -> Tried:
        light = light_candidates(self.panel, self.config)
        told = {
            origin: {name: self._light(name, one, origin) for name, one in light.items()}
            for origin in daily_origins(self.panel.periods, self.config)
        }
        return Tried(self.panel, self.config.horizon, LEVELS, told)

    def light_now(self, used: Collection[str]) -> dict[str, Forecast]:
        light = light_candidates(self.panel, self.config)
        return {name: self._light(name, one, self.panel.periods) for name, one in light.items() if name in used}

    def heavy_tried(self, tried: Tried, top: NDArray[np.int64]) -> Tried:
        """The dearest alone, with what the models fitted one by one tell of them from the newest origins."""
        origins = sorted(tried.told)[-self.config.heavy_origins :]
        asked = [Asked(name, origin) for origin in origins for name in heavy_candidates()]
        fitted = self._fitted(asked, top)
        told = {
            origin: _of_some(tried.told[origin], top) | {one.name: fitted[one] for one in asked if one.origin == origin}
            for origin in origins
        }
        return Tried(self.panel.of(top), tried.horizon, tried.levels, told)

    def heavy_now(self, used: Collection[str], top: NDArray[np.int64]) -> dict[str, Forecast]:
        asked = [Asked(name, self.panel.periods) for name in heavy_candidates() if name in used]
        return {one.name: forecast for one, forecast in self._fitted(asked, top).items()}

    def _light(self, name: str, candidate: Candidate, origin: int) -> Forecast:
        def make() -> Forecast:
            return candidate.forecast(self.panel.until(origin), self.config.horizon, LEVELS)

        self.effort.add(0.0, f"{name} after {origin} days")
        told = self.pieces.once(f"{name}-{origin}", make)
        self.effort.add(_effort_of(name), f"{name} after {origin} days")
        return told

    def _fitted(self, asked: Sequence[Asked], top: NDArray[np.int64]) -> Mapping[Asked, Forecast]:
        plan = HeavyPlan(self.config.horizon, LEVELS, self.config.block, self.workers)

        def done(one: Asked, series: int) -> None:
            self.effort.add(
                HEAVY_EFFORT * series, f"{one.name} after {one.origin} days, the {len(top)} of highest value"
            )

        return fit_blocks(self.panel.of(top), asked, plan, self.pieces, done)


@dataclass(frozen=True, slots=True)
class _Choices:
    all: Choice
    """From every origin."""
    before: Choice | None
    """From those that were over when the newest began; None where there are none."""

    @staticmethod
    def of(tried: Tried) -> "_Choices":
        earlier = tried.before(max(tried.told, default=0), len(tried.told))
        before = choose(earlier, pinball_loss, POLICY) if earlier.told else None
        return _Choices(choose(tried, pinball_loss, POLICY), before)


@dataclass(frozen=True, slots=True)
class _Told:
    """Of n series."""

    forecast: Forecast
    method: NDArray[np.int32]
    methods: tuple[str, ...]
    past: dict[int, Forecast]
    judged: Forecast | None

    @staticmethod
    def of(tried: Tried, choices: _Choices, now: Mapping[str, Forecast]) -> "_Told":
        panel, newest = tried.panel, max(tried.told, default=0)
        judged = None if choices.before is None else choices.before.mix(panel.until(newest), tried.told[newest])
        past = {origin: choices.all.mix(panel.until(origin), by_name) for origin, by_name in tried.told.items()}
        method = demand_classes(panel).astype(np.int32)
        return _Told(choices.all.mix(panel, now), method, described(choices.all), past, judged)

    def replaced(self, some: NDArray[np.int64], other: "_Told") -> "_Told":
        """With what another tells of some series."""
        method = self.method.copy()
        method[some] = other.method + len(self.methods)
        past = self.past | {origin: put(self.past[origin], some, one) for origin, one in other.past.items()}
        # Where a choice for some has nothing to look back on, that for all stands.
        judged = self.judged if self.judged is None or other.judged is None else put(self.judged, some, other.judged)
        return _Told(put(self.forecast, some, other.forecast), method, (*self.methods, *other.methods), past, judged)


def _dearest(value: Floats, config: DailyConfig) -> NDArray[np.int64]:
    return np.sort(np.argsort(-value, kind="stable")[: config.most_valuable])


def _drawn(n: int, config: DailyConfig) -> NDArray[np.int64]:
    if n <= config.most_judged:
        return np.arange(n)
    return np.sort(np.random.default_rng(config.seed).choice(n, config.most_judged, replace=False))


def _of_series(tried: Tried, some: NDArray[np.int64]) -> Tried:
    told = {origin: _of_some(by_name, some) for origin, by_name in tried.told.items()}
    return Tried(tried.panel.of(some), tried.horizon, tried.levels, told)


def _of_some(told: Mapping[str, Forecast], some: NDArray[np.int64]) -> dict[str, Forecast]:
    return {name: Forecast(one.mean[some], one.quantiles[some]) for name, one in told.items()}
