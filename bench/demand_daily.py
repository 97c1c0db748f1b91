"""How well daily sales with known causes are foretold: `python -m bench.demand_daily PATH/rossmann [--quick]`.

A hundred shops, 42 days after each of four origins; promotions, holidays and opening days are known ahead. Scored on
open days. Weights, intervals and the factor for shares come from origins before the one that is told. `--earlier`
rehearses on five origins before the demanded ones: settings were chosen there. `--quick` takes ten shops.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import ClassVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from bench.figures import Figure
from bench.machine import describe_machine
from smartshop.ai_agents.inventory.forecasting.boosted_daily import BoostedDaily
from smartshop.ai_agents.inventory.forecasting.calendar import (
    HOLIDAY,
    OPEN,
    PROMOTION,
    SCHOOL_HOLIDAY,
    country_holidays,
)
from smartshop.ai_agents.inventory.forecasting.daily_blend import DailyBlend, factor_for_shares
from smartshop.ai_agents.inventory.forecasting.daily_linear import DailyLinear
from smartshop.ai_agents.inventory.forecasting.daily_simple import SameWeekday, WeekdayMedian
from smartshop.ai_agents.inventory.forecasting.measures import (
    covered,
    rmspe,
    rmspe_without_worst,
    square_root_interval,
    wmape,
)
from smartshop.ai_agents.inventory.forecasting.panel import Candidate, Floats, Forecast, Panel, Period, tidy
from smartshop.ai_agents.inventory.forecasting.prophet_model import ProphetDefault, ProphetOfLogs, ProphetWithCauses
from smartshop.ai_agents.inventory.forecasting.statistical import Model, Statistical

HORIZON, SHOPS, QUICK_SHOPS = 42, 100, 10
DEMANDED = (date(2015, 1, 2), date(2015, 2, 13), date(2015, 3, 27), date(2015, 5, 8))
EARLIER = (date(2014, 6, 6), date(2014, 7, 18), date(2014, 8, 29), date(2014, 10, 10), date(2014, 11, 21))
LEVELS = (0.05, 0.95)
LEAD_DAYS = (7, 14, 28, 42)
BLEND, BLEND_FOR_SHARES = "blend", "blend for shares"
BASELINES = ("prophet of logs", "weekday × promotion median")
SLOW_AND_FAR = ("AutoETS", "prophet as it comes")
"""Left out of a rehearsal: they are slow, and far behind."""
MEMBERS = (BoostedDaily.name, DailyLinear.name, ProphetWithCauses.name)
HOW = "rossmann: 100 shops by default_rng(0), 42 days, 4 origins, open days"


@dataclass(slots=True)
class Remembered:
    """A candidate that is asked once for each origin; what it took is added up."""

    name: ClassVar[str] = "remembered"
    candidate: Candidate
    label: str
    told: dict[tuple[int, tuple[float, ...]], Forecast] = field(default_factory=dict)
    seconds: float = 0.0

    def forecast(self, panel: Panel, horizon: int, levels: Sequence[float]) -> Forecast:
        key = (panel.periods, tuple(levels))
        if key not in self.told:
            began = time.perf_counter()
            self.told[key] = self.candidate.forecast(panel, horizon, levels)
            self.seconds += time.perf_counter() - began
            print(f"  {self.label} at day {panel.periods}: {time.perf_counter() - began:.0f} s", flush=True)
        return self.told[key]


@dataclass(frozen=True, slots=True)
class ClosedAsZero:
    """A model that knows no causes, given closed days as days without a sale."""

    name: ClassVar[str] = "closed_as_zero"
    candidate: Candidate

    def forecast(self, panel: Panel, horizon: int, levels: Sequence[float]) -> Forecast:
        days = slice(0, panel.periods)
        filled = np.where(panel.causes[OPEN][:, days] > 0, panel.demand, 0.0)
        return self.candidate.forecast(Panel(filled, panel.period, panel.first_day), horizon, levels)


@dataclass(frozen=True, slots=True)
class Measured:
    origins: tuple[date, ...]
    came: Floats
    """(o, n, h) sales, NaN on closed days"""
    told: Mapping[str, Floats]
    """Name → (o, n, h)"""
    quantiles: Floats
    """(o, n, h, 2) of the blend"""
    came_in_sum: Floats
    """(o, n, h) of the first 1 … h days"""
    sum_quantiles: Floats
    """(o, n, h, 2)"""
    weights: Mapping[date, Floats]
    seconds: Mapping[str, float]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", type=Path, help="folder of daily_sales_open_days.parquet and stores.parquet")
    parser.add_argument("--quick", action="store_true", help="ten shops instead of a hundred")
    parser.add_argument("--earlier", action="store_true", help="rehearse: five origins before the demanded ones")
    parser.add_argument("--output", type=Path, default=Path("bench-output/demand_daily.json"), help="JSON file")
    told = parser.parse_args()
    began = time.perf_counter()
    panel = load_rossmann(told.path).of(np.arange(QUICK_SHOPS if told.quick else SHOPS))
    asked = candidates(SLOW_AND_FAR if told.earlier else ())
    measured = measure(panel, EARLIER if told.earlier else DEMANDED, asked)
    figures = figures_of(measured, (time.perf_counter() - began) / 60.0)
    print(f"\n{table_of(measured)}\n\n{words_of(measured, figures)}")
    _write(told.output, figures)


def load_rossmann(path: Path) -> Panel:
    """The protocol's hundred shops in the order drawn, days with their causes, shop type and assortment as groups."""
    sales = pl.read_parquet(path / "daily_sales_open_days.parquet")
    shops = pl.read_parquet(path / "stores.parquet")
    drawn = np.random.default_rng(0).choice(np.sort(sales["Store"].unique().to_numpy()), SHOPS, replace=False)
    first = sales["Date"].min()
    assert isinstance(first, date)
    ours = sales.filter(pl.col("Store").is_in(drawn.tolist()))
    day = ours["Date"].to_physical().to_numpy() + date(1970, 1, 1).toordinal() - first.toordinal()
    row = np.argsort(drawn)[np.searchsorted(np.sort(drawn), ours["Store"].to_numpy())]
    units = np.full((SHOPS, int(day.max()) + 1), np.nan)
    school, promotion = units.copy(), np.zeros((1, units.shape[1]), np.float32)
    units[row, day], school[row, day] = ours["Sales"].to_numpy(), ours["SchoolHoliday"].to_numpy()
    # Promotions are the same in all shops; on a day that all are closed nobody asks.
    np.maximum.at(promotion[0], day, ours["Promo"].to_numpy().astype(np.float32))
    causes = {
        PROMOTION: promotion,
        SCHOOL_HOLIDAY: _as_before(school),
        OPEN: np.isfinite(units).astype(np.float32),
        HOLIDAY: country_holidays("DE", first.toordinal() + np.arange(units.shape[1])),
    }
    rows = shops.join(pl.DataFrame({"Store": drawn.astype(np.int64), "at": np.arange(SHOPS)}), on="Store").sort("at")
    groups = {name: (rows[name].rank("dense").to_numpy() - 1).astype(np.int32) for name in ("StoreType", "Assortment")}
    return Panel(units, Period.DAY, first.toordinal(), causes, groups)


def _as_before(told: Floats) -> NDArray[np.float32]:
    """(n, t) with closed days as the open day before them; 0 before the first."""
    last = np.maximum.accumulate(np.where(np.isfinite(told), np.arange(told.shape[1]), 0), axis=1)
    return np.nan_to_num(np.take_along_axis(told, last, axis=1)).astype(np.float32)


def candidates(without: Sequence[str]) -> dict[str, Remembered]:
    plain: dict[str, Candidate] = {
        "seasonal naive": SameWeekday(),
        "AutoETS": ClosedAsZero(Statistical(Model.AUTO_ETS)),
        "prophet as it comes": ProphetDefault(),
        "weekday × promotion median": WeekdayMedian(),
        "prophet of logs": ProphetOfLogs(country="DE"),
        ProphetWithCauses.name: ProphetWithCauses(),
        DailyLinear.name: DailyLinear(),
        BoostedDaily.name: BoostedDaily(),
    }
    return {label: Remembered(candidate, label) for label, candidate in plain.items() if label not in without}


def measure(panel: Panel, origins: Sequence[date], asked: Mapping[str, Remembered]) -> Measured:
    """Every candidate and the blend at each origin, each seeing what was known then."""
    blend = DailyBlend({name: asked[name] for name in MEMBERS})
    told: dict[str, list[Floats]] = {name: [] for name in (*asked, BLEND, BLEND_FOR_SHARES)}
    quantiles, sums, came_in_sum, weights = [], [], [], {}
    for day in origins:
        known = panel.until(day.toordinal() - panel.first_day + 1)
        for name, candidate in asked.items():
            told[name].append(candidate.forecast(known, HORIZON, ()).mean)
        blended, trusted = blend.blend(known, HORIZON), blend.config.earlier.shrinkage
        weights[day] = blended.weights
        told[BLEND].append(blended.mean)
        factor = factor_for_shares(blended.trials.came, blended.trials.told)
        told[BLEND_FOR_SHARES].append(factor * blended.mean)
        quantiles.append(tidy(blended.mean, blended.trials.around_days(blended.mean, LEVELS, trusted)).quantiles)
        sums.append(blended.trials.around_sums(blended.mean, LEVELS, trusted).quantiles)
        window = slice(known.periods, known.periods + HORIZON)
        came_in_sum.append(np.nan_to_num(panel.demand[:, window]).cumsum(axis=1))
    came = [panel.demand[:, at : at + HORIZON] for at in (day.toordinal() - panel.first_day + 1 for day in origins)]
    return Measured(
        tuple(origins),
        np.array(came),
        {name: np.array(one) for name, one in told.items()},
        np.array(quantiles),
        np.array(came_in_sum),
        np.array(sums),
        weights,
        {name: one.seconds for name, one in asked.items()},
    )


def better_baseline(measured: Measured) -> str:
    return min(BASELINES, key=lambda name: rmspe(measured.came, measured.told[name]))


def squared_shares(measured: Measured, name: str) -> Floats:
    """(n, o · h) squared shares of error of each shop, NaN on closed days."""
    squares = (1.0 - measured.told[name] / measured.came) ** 2
    return np.asarray(squares.transpose(1, 0, 2).reshape(squares.shape[1], -1), np.float64)


def table_of(measured: Measured) -> str:
    rival = better_baseline(measured)
    days = [f"{day}" for day in measured.origins]
    header = ["forecast", "RMSPE", *days, f"below {rival}", "95 %", "without worst 0.1 %", "wMAPE", "seconds"]
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    for name in sorted(measured.told, key=lambda one: -rmspe(measured.came, measured.told[one])):
        told = measured.told[name]
        gain = square_root_interval(
            squared_shares(measured, name), squared_shares(measured, rival), np.random.default_rng(0)
        )
        each = [f"{rmspe(came, one):.3f}" for came, one in zip(measured.came, told, strict=True)]
        cells = [name, f"{rmspe(measured.came, told):.4f}", *each]
        cells += [f"{gain.value:+.1%}", f"{gain.low:+.1%} to {gain.high:+.1%}"]
        cells += [f"{rmspe_without_worst(measured.came, told):.4f}", f"{wmape(measured.came, told):.4f}"]
        cells.append(f"{measured.seconds[name]:.0f}" if name in measured.seconds else "")
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def words_of(measured: Measured, figures: Sequence[Figure]) -> str:
    lines = [
        f"- {day}: " + ", ".join(f"{share:.2f} {name}" for name, share in zip(MEMBERS, weights, strict=True))
        for day, weights in measured.weights.items()
    ]
    lines += [
        f"- {figure.name} {figure.value:.4g} {figure.unit}" + (f" (wanted {figure.wanted})" if figure.wanted else "")
        for figure in figures
    ]
    return "\n".join(lines)


def figures_of(measured: Measured, minutes: float) -> list[Figure]:
    rival, came = better_baseline(measured), measured.came
    ours = measured.told[BLEND_FOR_SHARES]
    gain = square_root_interval(
        squared_shares(measured, BLEND_FOR_SHARES), squared_shares(measured, rival), np.random.default_rng(0)
    )
    figures = [
        Figure("demand_daily_rmspe", rmspe(came, ours), "RMSPE", "≤ 0.146", f"{HOW}, pooled"),
        Figure("demand_daily_gain", gain.value, "share", "≥ 0.12", f"{HOW}; below {rival}"),
        Figure("demand_daily_gain_low", gain.low, "share", "≥ 0", f"{HOW}; lower end of 95 % over shops, {rival}"),
        Figure("demand_daily_rmspe_trimmed", rmspe_without_worst(came, ours), "RMSPE", "", f"{HOW}; no worst 0.1 %"),
        Figure("demand_daily_wmape", wmape(came, measured.told[BLEND]), "wMAPE", "", HOW),
    ]
    figures += [
        Figure(
            f"demand_daily_{name.replace(' × ', '_').replace(' ', '_').lower()}", rmspe(came, told), "RMSPE", "", HOW
        )
        for name, told in measured.told.items()
    ]
    return [*figures, *interval_figures(measured), Figure("demand_daily_minutes", minutes, "min", "", HOW)]


def interval_figures(measured: Measured) -> list[Figure]:
    how = f"{HOW}; 90 % interval from earlier origins"
    low, high = measured.quantiles[..., 0], measured.quantiles[..., 1]
    known = np.isfinite(measured.came)
    width = float((high - low)[known].mean() / measured.came[known].mean())
    each = [covered(*one) for one in zip(measured.came, low, high, strict=True)]
    figures = [
        Figure("demand_daily_covered", covered(measured.came, low, high), "share", "≥ 0.87", how),
        Figure("demand_daily_covered_above", covered(measured.came, low, high), "share", "≤ 0.93", how),
        Figure("demand_daily_covered_least", min(each), "share", "≥ 0.82", f"{how}, worst origin"),
        Figure("demand_daily_covered_most", max(each), "share", "≤ 0.97", f"{how}, widest origin"),
        Figure("demand_daily_width", width, "of mean sales", "≤ 0.45", how),
    ]
    figures += [
        Figure(f"demand_daily_covered_{day}", share, "share", "", how)
        for day, share in zip(measured.origins, each, strict=True)
    ]
    for days in LEAD_DAYS:
        at = days - 1
        came, sums = measured.came_in_sum[..., at], measured.sum_quantiles[..., at, :]
        of = f"{HOW}; 90 % interval of the sum over {days} days"
        wide = float((sums[..., 1] - sums[..., 0]).mean() / came.mean())
        share = covered(came, sums[..., 0], sums[..., 1])
        figures.append(Figure(f"demand_daily_sum_{days}_covered", share, "share", "", of))
        figures.append(Figure(f"demand_daily_sum_{days}_width", wide, "of mean sum", "", of))
    return figures


def _write(path: Path, figures: Sequence[Figure]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        machine = describe_machine(Path(folder))
    report = {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine,
        "figures": [figure.as_json() for figure in figures],
    }
    path.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    print(f"written to {path}")


if __name__ == "__main__":
    main()
