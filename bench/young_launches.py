"""Whether sums of what has sold for a week or two stay within their levels: `python -m bench.young_launches FOLDER`.

The shops of `bench.launches`; made-up ones have 1,150 products and are young: all they know are ten weeks. At each
origin the spread of sums is learned from earlier ones, once as for all that sold rarely, whatever their age, and once
by age; what was launched a week or two before is told as the learning tells it (light candidates, or launches of its
like), and what came over three to six weeks is held against the 90 and 95 % level of both. Intervals by bootstrap over
launches. The rule was made on a made-up shop of the recommendation simulator.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.launches import Shop, made_up, online_retail
from smartshop.ai_agents.inventory.forecasting.choosing_classes import YOUNG, classes_by_age, demand_classes
from smartshop.ai_agents.inventory.forecasting.panel import Floats, Panel, Period
from smartshop.ai_agents.inventory.sum_spread import (
    SUM_LEVELS,
    Classes,
    SumSpread,
    learn_spread,
    weekly_scatter,
    where_it_fell,
)
from smartshop.ai_agents.inventory.weekly_choice import LEVELS, ChoiceConfig, PastForecast, choose_forecasts
from smartshop.ai_agents.inventory.young_series import told_by_launches

LIGHT = ChoiceConfig(most_valuable=0, least_boosted=1_000_000)
STRETCHES = (3, 4, 5, 6)
ASKED = (0.9, 0.95)
PRODUCTS, YOUNG_SHOP_WEEKS = 1_150, 10
MONDAY, DRAWS = 738_156, 1_000
HOW: dict[str, Classes] = {"as all that sold rarely": demand_classes, "by age": classes_by_age}


@dataclass(frozen=True, slots=True, eq=False)
class Held:
    """l launches of one age."""

    within: Floats
    """(l, stretches, levels) 1 where the sum stayed at or below."""
    wide: Floats
    """(l, stretches) deviation over the mean."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", type=Path, help="folder of online_retail")
    parser.add_argument("--seeds", type=int, nargs="+", default=[51, 52, 53], help="of the made-up stores")
    told = parser.parse_args()
    print("| shop | weeks sold | launches | spread | within 90 % | within 95 % | deviation ÷ mean |")
    print("|---|---:|---:|---|---|---|---:|")
    _print("online_retail", [held(online_retail(told.path), range(62, 87, 4), None)])
    for name in ("outdoor_store", "home_and_garden"):
        shops = [made_up(name, seed, PRODUCTS) for seed in told.seeds]
        _print(f"{name}, ten weeks old", [held(shop, range(40, 97, 2), YOUNG_SHOP_WEEKS) for shop in shops])


def held(shop: Shop, origins: Sequence[int], shop_weeks: int | None) -> dict[tuple[str, int], list[Held]]:
    """By how the spread was learned, and age in weeks."""
    found: dict[tuple[str, int], list[Held]] = {(how, age): [] for how in HOW for age in range(1, len(YOUNG) + 1)}
    for origin in origins:
        begins = 0 if shop_weeks is None else origin - shop_weeks
        known = np.flatnonzero(np.isfinite(shop.demand[:, begins:origin]).any(axis=1))
        panel = Panel(shop.demand[known, begins:origin], Period.WEEK, MONDAY + 7 * begins)
        alike, came = shop.likeness.of(known), shop.demand[known, origin : origin + max(STRETCHES)]
        chosen = choose_forecasts(panel, np.zeros(len(known)), LIGHT, lambda share, what: None)
        told, _ = told_by_launches(panel.demand, alike, chosen.forecast, LEVELS)
        then = [
            PastForecast(one.origin, told_by_launches(panel.demand[:, : one.origin], alike, one.told, LEVELS)[0])
            for one in chosen.past
        ]
        scatter, age = weekly_scatter(panel), classes_by_age(panel)
        for how, classes in HOW.items():
            past = chosen.past if classes is demand_classes else then
            spread = learn_spread(panel, past, np.random.default_rng(0), classes)
            for weeks, number in enumerate(YOUNG, start=1):
                rows = np.flatnonzero((age == number) & np.isfinite(came).all(axis=1) & (told.mean[:, 0] > 0))
                sums = came[rows].cumsum(axis=1), told.mean[rows].cumsum(axis=1)
                found[how, weeks].append(_held(spread, classes(panel)[rows], *sums, scatter[rows]))
    return found


def _held(spread: SumSpread, kind: np.ndarray, came: Floats, mean: Floats, scatter: Floats) -> Held:
    rng, last = np.random.default_rng(1), spread.relative.shape[1] - 1
    within, wide = np.zeros((len(kind), len(STRETCHES), len(ASKED))), np.zeros((len(kind), len(STRETCHES)))
    for place, weeks in enumerate(STRETCHES):
        column = min(weeks - 1, last)
        told = mean[:, weeks - 1]
        variance = scatter * told + spread.relative[kind, column] * told**2
        fell = where_it_fell(np.rint(came[:, weeks - 1]), told, variance, rng)
        wide[:, place] = np.sqrt(variance) / told
        for number, level in enumerate(ASKED):
            within[:, place, number] = fell <= spread.asked[kind, column, SUM_LEVELS.index(level)]
    return Held(within, wide)


def _print(name: str, shops: Sequence[dict[tuple[str, int], list[Held]]]) -> None:
    for how, age in shops[0]:
        parts = [one for shop in shops for one in shop[how, age]]
        within, wide = np.concatenate([one.within for one in parts]), np.concatenate([one.wide for one in parts])
        if not len(within):
            continue
        shares = within.mean(axis=1)
        drawn = shares[np.random.default_rng(0).integers(0, len(shares), (DRAWS, len(shares)))].mean(axis=1)
        low, high = np.quantile(drawn, (0.025, 0.975), axis=0)
        cells = [f"{shares[:, k].mean():.3f} [{low[k]:.3f}, {high[k]:.3f}]" for k in range(len(ASKED))]
        print(
            "| " + " | ".join([name, f"{age}", f"{len(shares)}", how, *cells, f"{np.median(wide):.2f}"]) + " |",
            flush=True,
        )


if __name__ == "__main__":
    main()
