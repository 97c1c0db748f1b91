"""How well demand in counts is foretold: `python -m bench.demand_counts SET PATH [--quick]`.

Prints a Markdown table per data set and writes the figures as JSON. Settings and mixtures come from origins before the
demanded ones; a demanded origin only ever chooses by what was all come then. `--quick` leaves out the slow models.
`--keep FOLDER` keeps every single forecast there, so that a second run only scores; empty it after a candidate changed.
"""

import argparse
import json
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from bench.demand_counts_kept import Kept
from bench.demand_counts_protocols import PROTOCOLS, USUAL_SERIES, Series
from bench.demand_counts_table import CHOSEN, LEVELS, Protocol, Result, as_figures, as_table, by_origin
from bench.figures import Figure
from bench.machine import describe_machine
from smartshop.ai_agents.inventory.forecasting.choosing import (
    Policy,
    Tried,
    choose,
    try_out,
)
from smartshop.ai_agents.inventory.forecasting.choosing_classes import CLASSES
from smartshop.ai_agents.inventory.forecasting.choosing_counts import (
    SIMPLE,
    TRIES,
    boosted_candidates,
    light_candidates,
)
from smartshop.ai_agents.inventory.forecasting.combining import average, rounded
from smartshop.ai_agents.inventory.forecasting.counts import RecentCounts
from smartshop.ai_agents.inventory.forecasting.intermittent import TSB, CrostonSBA
from smartshop.ai_agents.inventory.forecasting.panel import Candidate, Floats, Forecast, Panel, Period
from smartshop.ai_agents.inventory.forecasting.statistical import Model, Statistical, StatisticalCounts, as_counts

TREES = ("boosted trees", "boosted trees, in shares")
AVERAGES = (TREES, (TREES[0], SIMPLE[0]), (*TREES, *SIMPLE))
"""Shown beside what was chosen."""
SLOW = (Model.AUTO_ETS, Model.AUTO_CES, Model.DYNAMIC_OPTIMIZED_THETA)
"""Models that are fitted by search, a hundredth of a second or more a series."""
SPEED_SERIES, SPEED_PERIODS = 20_000, 104
"""Made-up series on which the light path's speed is taken: two years of weeks."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("set", choices=(*PROTOCOLS, "speed"))
    parser.add_argument("path", type=Path, nargs="?", help="the data set's folder or file; none for speed")
    parser.add_argument("--quick", action="store_true", help="without AutoETS, AutoCES and Theta")
    parser.add_argument("--output", type=Path, default=None, help="JSON file; bench-output/demand_<set>.json if unsaid")
    parser.add_argument(
        "--earlier", action="store_true", help="rehearse: the last two origins before the demanded ones"
    )
    parser.add_argument("--keep", type=Path, default=None, help="folder of kept forecasts; a passing one if unsaid")
    parser.add_argument(
        "--sample", type=int, default=None, help="so many of the series, by default_rng(0); all if unsaid"
    )
    parser.add_argument(
        "--ranks", type=int, nargs=2, default=USUAL_SERIES.ranks, help="of online_retail, first and last"
    )
    parser.add_argument("--draw", type=int, default=USUAL_SERIES.draw, help="of m5: another thousand of its series")
    told = parser.parse_args()
    with tempfile.TemporaryDirectory() as passing:
        if told.set == "speed":
            figures = measure_speed()
        else:
            keep = told.keep or Path(passing)
            found = _drawn(
                *PROTOCOLS[told.set](told.path, Series((told.ranks[0], told.ranks[1]), told.draw)), told.sample
            )
            figures = measure_demand_counts(told.set, *found, keep, quick=told.quick, earlier=told.earlier)
    _write(told.output or Path(f"bench-output/demand_{told.set}.json"), figures)


def measure_demand_counts(
    which: str, panel: Panel, protocol: Protocol, keep: Path, *, quick: bool, earlier: bool
) -> list[Figure]:
    """The table to the screen, the figures returned. `keep`: folder of single forecasts, made or found there."""
    if earlier:
        protocol = replace(protocol, origins=protocol.earlier[-2:], earlier=protocol.earlier[:-2])
    print(f"# {protocol.name}: {len(panel):,} series, {panel.periods} periods\n\n{protocol.how}\n", flush=True)
    candidates = {name: Kept(one, keep) for name, one in _candidates(which, quick=quick).items()}
    result = _measured(panel, protocol, candidates)
    print(as_table(result))
    print(by_origin(result, SIMPLE))
    print("\n".join(f"- chosen at origin {origin}: {words}" for origin, words in result.used.items()))
    return as_figures(result)


def _drawn(panel: Panel, protocol: Protocol, sample: int | None) -> tuple[Panel, Protocol]:
    if sample is None:
        return panel, protocol
    some = np.sort(np.random.default_rng(0).choice(len(panel), size=sample, replace=False))
    return panel.of(some), replace(protocol, how=f"{sample} series by default_rng(0) of: {protocol.how}")


def _candidates(which: str, *, quick: bool) -> dict[str, Candidate]:
    models = [model for model in Model if not (quick and model in SLOW)]
    quick_ones = [model for model in models if which == "m5" or model not in SLOW]
    found = _served() | {f"{model} counts": StatisticalCounts(model) for model in quick_ones}
    if which != "m5":  # where only means count both are the same
        found |= {f"{model}": Statistical(model) for model in models}
    return found


def _served() -> dict[str, Candidate]:
    """What the training tries on every series, and all that may be chosen here: what is measured is what is served."""
    return light_candidates() | boosted_candidates()


def _with_slow_counts(known: Panel, told: Mapping[str, Forecast]) -> dict[str, Forecast]:
    """The slow models are fitted once: their counts are made around the means that they told natively."""
    slow = [model for model in SLOW if str(model) in told]
    return {**told, **{f"{model} counts": as_counts(known, told[str(model)].mean, LEVELS) for model in slow}}


def _measured(panel: Panel, protocol: Protocol, candidates: Mapping[str, Kept]) -> Result:
    light = {name: candidates[name] for name in _served()}
    before = try_out(panel, light, protocol.horizon, protocol.levels, protocol.earlier)
    at = try_out(panel, candidates, protocol.horizon, protocol.levels, protocol.origins)
    whole = {o: {name: told[name] for name in light} for o, told in at.told.items()}
    tried = Tried(panel, protocol.horizon, protocol.levels, {**before.told, **whole})
    told: dict[int, dict[str, Forecast]] = {}
    used: dict[int, str] = {}
    for origin in protocol.origins:
        choice = choose(tried.before(origin, TRIES), protocol.loss, Policy(SIMPLE))
        known = panel.until(origin)
        averages = {f"average of {', '.join(some)}": _average(known, at.told[origin], some) for some in AVERAGES}
        told[origin] = {
            **_with_slow_counts(known, at.told[origin]),
            **averages,
            CHOSEN: choice.mix(known, whole[origin]),
        }
        used[origin] = _in_words(choice.names, choice.weights)
    names = list(next(iter(told.values())))
    losses = {name: np.stack([_loss(panel, protocol, o, told[o][name]) for o in protocol.origins], 1) for name in names}
    return Result(protocol, panel, told, losses, used, _seconds(panel, protocol, candidates))


def _seconds(panel: Panel, protocol: Protocol, candidates: Mapping[str, Kept]) -> dict[str, float]:
    """Name → processor time of its fits at the demanded origins, when they were made."""
    asked = [panel.until(origin) for origin in protocol.origins]
    return {
        name: sum(one.seconds(known, protocol.horizon, protocol.levels) for known in asked)
        for name, one in candidates.items()
    }


def _average(known: Panel, told: Mapping[str, Forecast], names: Sequence[str]) -> Forecast:
    return rounded(known, average([told[name] for name in names], np.full(len(names), 1.0 / len(names))))


def _loss(panel: Panel, protocol: Protocol, origin: int, told: Forecast) -> Floats:
    came = panel.demand[:, origin : origin + protocol.horizon]
    return protocol.loss(panel.until(origin), came, told, protocol.levels)


def _in_words(names: Sequence[str], weights: Floats) -> str:
    told = dict[str, list[str]]()
    for label, row in zip(CLASSES, weights, strict=True):
        mixed = " + ".join(f"{row[k]:.2f} {names[k]}" for k in np.flatnonzero(row).tolist())
        told.setdefault(mixed, []).append(label)
    return "; ".join(f"{', '.join(labels)}: {mixed}" for mixed, labels in told.items())


def measure_speed() -> list[Figure]:
    """The light path over made-up intermittent series: SBA, TSB and negative-binomial quantiles, one fit each."""
    rng = np.random.default_rng(0)
    rate = rng.gamma(0.5, 2.0, (SPEED_SERIES, 1))
    panel = Panel(rng.poisson(rate, (SPEED_SERIES, SPEED_PERIODS)).astype(np.float64), Period.WEEK, 733_748)
    began = time.process_time()
    for candidate in (CrostonSBA(), TSB(), RecentCounts()):
        candidate.forecast(panel, 8, LEVELS)
    took = time.process_time() - began
    how = f"{SPEED_SERIES:,} series of {SPEED_PERIODS} weeks; SBA, TSB, negative binomial together; processor time"
    return [Figure("demand_light_path", SPEED_SERIES / took, "series/s", "≥ 5000", how)]


def _write(path: Path, figures: Sequence[Figure]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        machine = describe_machine(Path(folder))
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    report = {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit.stdout.strip(),
        "machine": machine,
        "figures": [figure.as_json() for figure in figures],
    }
    path.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    met = [f"{figure.name} {figure.value:.4g} (wanted {figure.wanted})" for figure in figures if figure.wanted]
    print("\n".join(met) + f"\nwritten to {path}")


if __name__ == "__main__":
    main()
