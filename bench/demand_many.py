"""Ten thousand daily series of two years, forecast whole: `python -m bench.demand_many [--series 10000] [--heavy 500]`.

The series are what a simulated shop's products sell: the law of `simulator.supply` (leaf, season, weekday, launches,
compound Poisson units), twenty times as many shoppers, and week-long offers with a lift of each product's own laid over
it, known ahead. All series get the light candidates and the learner over all, tried from three earlier days; the
dearest by turnover of the last year also AutoETS, AutoCES, Theta and Prophet, tried from the newest two of these.
Judged by the 28 days after the two years, which nothing has seen; intervals are 95 %, by resampling series.

Killed and started again with the same `--scratch` it goes on where it was.
"""

import argparse
import json
import os
import resource
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from bench.figures import Figure
from bench.machine import describe_machine
from smartshop.ai_agents.inventory.daily_choice import SIMPLE, ChosenDays, DailyConfig, choose_days
from smartshop.ai_agents.inventory.forecasting.calendar import PROMOTION
from smartshop.ai_agents.inventory.forecasting.daily_counts import Level, WeekdayCounts, WeekdayEmpirical
from smartshop.ai_agents.inventory.forecasting.measures import pinball, ratio_interval, share_below, tie_chances
from smartshop.ai_agents.inventory.forecasting.panel import Candidate, Floats, Panel, Period
from smartshop.ai_agents.inventory.pieces import Pieces, digest_of
from smartshop.ai_agents.inventory.weekly_choice import LEVELS
from smartshop.simulator.chance import stream
from smartshop.simulator.scenario import load_scenario
from smartshop.simulator.supply import make_supply_world

SCENARIO, HISTORY, AHEAD = "home_and_garden", 728, 28
BUSIER = 20.0
"""Times the scenario's 3,000 shoppers: the usual series sells one unit in four days, the busiest five hundred a day."""
UNIX_ORDINAL = 719_163
"""Ordinal of 1970-01-01."""
OFFER_DAYS, OFFER_EVERY, OFFER_CHANCE, SHARE_OFF = 7, 90, 0.5, 0.2
LEAST_LIFT, MOST_LIFT = 1.2, 2.2
HOW = f"{SCENARIO}, daily, {HISTORY} days known, {AHEAD} judged"
BASELINES: dict[str, Candidate] = {
    WeekdayEmpirical.name: WeekdayEmpirical(),
    Level.RECENT.value: WeekdayCounts(Level.RECENT),
}


@dataclass(frozen=True, slots=True, eq=False)
class Many:
    panel: Panel
    """(n, 728)"""
    came: Floats
    """(n, 28) what was wanted after it"""
    value: Floats
    """(n,) turnover of the last year"""


@dataclass(slots=True)
class Bar:
    """A line that is written anew on a terminal, one line for each twentieth elsewhere."""

    began: float = field(default_factory=time.perf_counter)
    shown: int = -1

    def __call__(self, share: float, words: str) -> None:
        minutes = (time.perf_counter() - self.began) / 60.0
        line = f"{'#' * int(30 * share):<30} {100 * share:3.0f} %  {minutes:4.1f} min  {words}"
        if sys.stderr.isatty():
            print(f"\r{line:<110}", end="\n" if share >= 1.0 else "", file=sys.stderr, flush=True)
        elif int(20 * share) > self.shown:
            self.shown = int(20 * share)
            print(line, file=sys.stderr, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--series", type=int, default=10_000)
    parser.add_argument("--heavy", type=int, default=500, help="series of highest value that get the fitted models")
    parser.add_argument("--workers", type=int, default=2, help="processes for the fitted models")
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--scratch", type=Path, default=Path("bench-output/demand_many"), help="for going on")
    parser.add_argument("--output", type=Path, default=Path("bench-output/demand_many.json"), help="JSON file")
    told = parser.parse_args()
    many = make_many(told.series, told.seed)
    print(f"{len(many.panel):,} series, {np.nanmean(many.panel.demand):.2f} units a day on the mean", flush=True)
    began, config = time.perf_counter(), DailyConfig(most_valuable=told.heavy)
    pieces = Pieces.of(told.scratch, digest_of(many.panel, many.value, config))
    chosen = choose_days(many.panel, many.value, Bar(), config=config, pieces=pieces, workers=told.workers)
    minutes = (time.perf_counter() - began) / 60.0
    figures = [*cost(minutes, told.workers, len(many.panel)), *quality(many, chosen), light_speed(many)]
    print(words_of(chosen, figures))
    write(told.output, chosen, figures)
    pieces.clear()


def make_many(series: int, seed: int) -> Many:
    scenario = msgspec.structs.replace(load_scenario(SCENARIO), products=series)
    world = make_supply_world(scenario, seed, products=series, history_days=HISTORY, test_days=AHEAD)
    rng = stream(seed, SCENARIO, "offers")
    offers = _offers(len(world), world.days, rng)
    lift = rng.uniform(LEAST_LIFT, MOST_LIFT, len(world))
    lines = rng.poisson(world.lines * BUSIER * np.where(offers > 0, lift[:, None], 1.0))
    units = lines + rng.poisson(lines * (world.units - 1.0)[:, None])
    demand = np.where(np.arange(world.days) < world.launch_day[:, None], np.nan, units)
    known = demand[:, :HISTORY]
    panel = Panel(known, Period.DAY, world.first_day + UNIX_ORDINAL, {PROMOTION: offers}, {"category": world.leaf})
    value = np.nansum(known[:, -365:], axis=1) * world.price
    return Many(panel, demand[:, HISTORY:], np.asarray(value, np.float64))


def _offers(series: int, days: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """(n, t) share off: in every ninety days of a product by chance one week."""
    since = np.arange(days) + rng.integers(0, OFFER_EVERY, (series, 1))
    number, within = since // OFFER_EVERY, since % OFFER_EVERY
    has_one = rng.random((series, int(number.max()) + 1)) < OFFER_CHANCE
    is_on = np.take_along_axis(has_one, number, axis=1) & (within < OFFER_DAYS)
    return np.where(is_on, SHARE_OFF, 0.0).astype(np.float32)


def cost(minutes: float, workers: int, series: int) -> list[Figure]:
    """Time and memory of what ran since the start; children count as many as there are at once, at their largest."""
    own, child = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    used = os.times()
    processor = (used.user + used.system + used.children_user + used.children_system) / 60.0
    gigabytes = (own.ru_maxrss + (workers if workers > 1 else 0) * child.ru_maxrss) * 1024 / 1e9
    how = f"{HOW}, {series:,} series"
    return [
        Figure("demand_many.minutes", minutes, "min", "< 20", f"{how}, wall, {workers} processes"),
        Figure("demand_many.processor_minutes", processor, "min", "", f"{how}, all processes, making the shop as well"),
        Figure("demand_many.peak_memory", gigabytes, "GB", "< 4", f"{how}, sum of all processes' peaks"),
    ]


def quality(many: Many, chosen: ChosenDays) -> list[Figure]:
    rng, came = np.random.default_rng(0), many.came
    ours = pinball(came, chosen.forecast.quantiles, LEVELS).mean(axis=2)
    found = [Figure("demand_many.pinball", float(ours.mean()), "units", "", f"{HOW}, mean of {len(LEVELS)} levels")]
    groups = {"all": np.arange(len(came)), "dearest": chosen.heavy}
    for baseline, candidate in BASELINES.items():
        plain = candidate.forecast(many.panel, AHEAD, LEVELS)
        theirs = pinball(came, plain.quantiles, LEVELS).mean(axis=2)
        for group, some in groups.items():
            if len(some) < 2:
                continue
            gain = ratio_interval(ours[some], theirs[some], rng)
            name = f"demand_many.gain.{group}.{baseline.replace(' ', '_')}"
            spread = f"[{gain.low:.4f}, {gain.high:.4f}], {len(some):,} series, loss there {theirs[some].mean():.4f}"
            found.append(Figure(name, gain.value, "share", "≥ 0", f"{HOW}, pinball below {baseline} {spread}"))
    chances = tie_chances(chosen.forecast.quantiles, LEVELS)
    for level in (0.05, 0.5, 0.95):
        place = LEVELS.index(level)
        told = chosen.forecast.quantiles[..., place]
        below = share_below(came, told, rng.random(came.shape), chances[..., place])
        found.append(Figure(f"demand_many.below.{level}", below, "share", "", f"{HOW}, below; ties by their chance"))
    return found


def light_speed(many: Many) -> Figure:
    """One fit of SBA, TSB and negative-binomial quantiles, of all series."""
    began = time.process_time()
    for level in Level:
        WeekdayCounts(level).forecast(many.panel, AHEAD, LEVELS)
    seconds = time.process_time() - began
    rate = len(Level) * len(many.panel) / seconds
    return Figure("demand_many.light_series_per_second", rate, "series/s", "≥ 5000", f"{HOW}, one fit, processor time")


def words_of(chosen: ChosenDays, figures: list[Figure]) -> str:
    methods = Counter(chosen.methods[number] for number in chosen.method.tolist())
    lines = [
        f"{'':2}{figure.name:45} {figure.value:10.4f} {figure.unit:8} {figure.wanted:8} {figure.how}"
        for figure in figures
    ]
    lines += ["", "chosen:", *(f"{count:7,}  {method}" for method, count in methods.most_common())]
    first = ", ".join(f"s{number:05}" for number in chosen.heavy[:12].tolist())
    tried = ", ".join(chosen.heavy_names) or "none installed"
    lines += ["", f"{len(chosen.heavy)} series of highest value were also tried with {tried}: {first}, …"]
    return "\n".join(lines)


def write(path: Path, chosen: ChosenDays, figures: list[Figure]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    told = {
        "machine": describe_machine(path.parent),
        "figures": [figure.as_json() for figure in figures],
        "fitted_one_by_one": {"models": chosen.heavy_names, "series": [f"s{number:05}" for number in chosen.heavy]},
        "methods": dict(Counter(chosen.methods[number] for number in chosen.method.tolist())),
        "simple": SIMPLE,
    }
    path.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
