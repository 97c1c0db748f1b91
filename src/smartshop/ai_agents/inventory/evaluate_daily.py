"""Forecasts by day with known causes, judged on the shop's own past: for the series that are worth most."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from importlib.util import find_spec

import msgspec
import numpy as np

from smartshop.ai_agents.inventory.evaluate_past import AskedOnce, Gain, Past, gain_on
from smartshop.ai_agents.inventory.forecasting.boosted_daily import BoostedDaily
from smartshop.ai_agents.inventory.forecasting.conformal import ConformalConfig, earlier_origins, try_earlier
from smartshop.ai_agents.inventory.forecasting.daily_blend import DailyBlend
from smartshop.ai_agents.inventory.forecasting.daily_linear import DailyLinear
from smartshop.ai_agents.inventory.forecasting.daily_simple import SameWeekday, WeekdayMedian
from smartshop.ai_agents.inventory.forecasting.measures import covered, rmspe, rmspe_without_worst, wmape
from smartshop.ai_agents.inventory.forecasting.panel import Candidate, Floats, Forecast, Panel, Period, tidy
from smartshop.ai_agents.inventory.forecasting.prophet_model import ProphetWithCauses
from smartshop.ai_agents.inventory.weekly_choice import Tell

BLEND = "daily blend"
MEDIAN, SAME, LINEAR, BOOSTED, PROPHET = (
    "weekday median",
    "same weekday",
    "daily regression",
    "boosted trees",
    "Prophet",
)
SIMPLE = (MEDIAN, SAME)
DAYS_AHEAD, JUDGED = 28, 3
LEVELS = (0.05, 0.95)
USUAL_EARLIER = ConformalConfig()


class DailyRow(msgspec.Struct, frozen=True, kw_only=True):
    """How good one forecast was."""

    forecast: str
    rmspe: float
    """On days with sales."""
    rmspe_without_worst: float
    """Without the worst 0.1 %."""
    wmape: float
    covered: float
    """Share of days within the 90 % interval, which was learned from earlier origins."""
    least_covered: float
    most_covered: float
    """At the worst and at the widest origin."""
    width: float
    """Of that interval, over mean sales."""
    gain: Gain | None
    """In absolute error, on the better simple forecast."""


class DailyContest(msgspec.Struct, frozen=True, kw_only=True):
    series: int
    days_ahead: int
    first_days: tuple[str, ...]
    """The day after each origin."""
    causes: tuple[str, ...]
    rows: tuple[DailyRow, ...]
    """By their wMAPE, the least first."""


@dataclass(frozen=True, slots=True, eq=False)
class _Told:
    """(o, n, h) and (o, n, h, 2), origin by origin."""

    mean: Floats
    interval: Floats


def daily_origins(days: int) -> list[int]:
    """Days known at each origin that judges: before it lies one more that intervals are learned from.

    >>> daily_origins(365), daily_origins(111)
    ([281, 309, 337], [])
    """
    least = USUAL_EARLIER.least_history + DAYS_AHEAD
    return [one for back in range(JUDGED, 0, -1) if (one := days - back * DAYS_AHEAD) >= least]


def contest_daily(
    past: Past, most: int, rng: np.random.Generator, tell: Tell, *, candidates: Mapping[str, Candidate]
) -> DailyContest | None:
    """`most`: series judged, by their turnover before the oldest origin. None: too young a shop, or nothing sold."""
    origins = daily_origins(past.table.days)
    some = past.most_valuable(origins[0], most) if origins and most else np.zeros(0, np.int64)
    if not len(some):
        return None
    came = past.came(Period.DAY).of(some)
    wanted = sorted(
        {*origins, *(one for at in origins for one in earlier_origins(came.until(at), DAYS_AHEAD, USUAL_EARLIER))}
    )
    panels = {one: past.series(one, Period.DAY, DAYS_AHEAD).panel.of(some) for one in wanted}
    members = {name: AskedOnce(candidate, panels, {}) for name, candidate in candidates.items()}
    told = {}
    for number, (name, member) in enumerate(members.items()):
        tell(number / len(members), f"{name} on the {len(some)} of highest value")
        told[name] = _with_intervals(member, panels, came, origins)
    told[BLEND] = _blended({name: one for name, one in members.items() if name not in SIMPLE}, panels, origins)
    window = np.array([came.demand[:, one : one + DAYS_AHEAD] for one in origins])
    return DailyContest(
        series=len(some),
        days_ahead=DAYS_AHEAD,
        first_days=tuple(date.fromordinal(came.first_day + one).isoformat() for one in origins),
        causes=tuple(sorted({name for panel in panels.values() for name in panel.causes})),
        rows=_rows(window, told, rng),
    )


def light_days() -> dict[str, Candidate]:
    """For all series at once, in seconds; the simple ones first. Trees where LightGBM is installed."""
    found: dict[str, Candidate] = {MEDIAN: WeekdayMedian(), SAME: SameWeekday(), LINEAR: DailyLinear()}
    if find_spec("lightgbm") is not None:
        found[BOOSTED] = BoostedDaily()
    return found


def heavy_days() -> dict[str, Candidate]:
    """Fitted series by series; none where Prophet is not installed."""
    return {} if find_spec("prophet") is None else {PROPHET: ProphetWithCauses()}


def _with_intervals(member: AskedOnce, panels: Mapping[int, Panel], came: Panel, origins: list[int]) -> _Told:
    means, intervals = [], []
    for origin in origins:
        forecast = member.forecast(panels[origin], DAYS_AHEAD, ())
        trials = try_earlier(
            lambda panel, horizon: member.forecast(panel, horizon, ()).mean, panels[origin], DAYS_AHEAD, USUAL_EARLIER
        )
        quantiles = trials.around_days(forecast.mean, LEVELS, USUAL_EARLIER.shrinkage)
        means.append(forecast.mean)
        intervals.append(tidy(forecast.mean, quantiles).quantiles)
    return _Told(np.array(means), np.array(intervals))


def _blended(members: Mapping[str, Candidate], panels: Mapping[int, Panel], origins: list[int]) -> _Told:
    told: list[Forecast] = [DailyBlend(members).forecast(panels[one], DAYS_AHEAD, LEVELS) for one in origins]
    return _Told(np.array([one.mean for one in told]), np.array([one.quantiles for one in told]))


def _rows(came: Floats, told: Mapping[str, _Told], rng: np.random.Generator) -> tuple[DailyRow, ...]:
    rival = min(SIMPLE, key=lambda name: wmape(came, told[name].mean))
    errors = {name: np.abs(came - one.mean).transpose(1, 0, 2) for name, one in told.items()}
    rows = []
    for name, one in told.items():
        low, high = one.interval[..., 0], one.interval[..., 1]
        each = [covered(*at) for at in zip(came, low, high, strict=True)]
        known = np.isfinite(came)
        rows.append(
            DailyRow(
                forecast=name,
                rmspe=rmspe(came, one.mean),
                rmspe_without_worst=rmspe_without_worst(came, one.mean),
                wmape=wmape(came, one.mean),
                covered=covered(came, low, high),
                least_covered=min(each),
                most_covered=max(each),
                width=float((high - low)[known].mean() / came[known].mean()) if np.nansum(came) else float("nan"),
                gain=None if name == rival else gain_on(rival, errors[name], errors[rival], rng),
            )
        )
    return tuple(sorted(rows, key=lambda row: row.wmape))
