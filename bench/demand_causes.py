"""What known causes are worth to forecasts of demand: `python -m bench.demand_causes [--seeds 3 4] [--products 600]`.

Made-up shops (`demand_causes_shop`) of two years, foreseen by the very choice that is served: by day what sells daily,
28 days ahead, and by week all, 12 weeks ahead, with the light candidates (and by day the learner over all series). The
same choice is made without any cause, with each sort alone and with all; what comes after is judged by pinball loss
over the served levels. Weather is told a week ahead, beyond it stands the usual of that time of the year. Gains are
told with 95 % intervals over the series of all seeds. Nothing is tuned on these seeds.
"""

import argparse
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from bench.demand_causes_shop import AHEAD, HISTORY, SORTS, WEEK, CausesShop, by_week, make_causes_shop
from smartshop.ai_agents.inventory.daily_choice import DailyConfig, choose_days
from smartshop.ai_agents.inventory.forecasting.boosted_days import BoostedDays
from smartshop.ai_agents.inventory.forecasting.measures import pinball, ratio_interval
from smartshop.ai_agents.inventory.forecasting.panel import Floats
from smartshop.ai_agents.inventory.weekly_choice import LEVELS, ChoiceConfig, choose_forecasts

DAYS_AHEAD, LEAST_A_DAY, LEAST_DAYS = 28, 1.0, 112
WEEKS_AHEAD = AHEAD // WEEK
LEARNER = BoostedDays(most_rows=60_000)
"""A fifth of the rows that are served with, for shops of a few hundred series."""
BY_DAY = DailyConfig(most_valuable=0, learner=LEARNER)
BY_WEEK = ChoiceConfig(horizon=WEEKS_AHEAD, most_valuable=0, least_boosted=1_000_000)
SETS: dict[str, tuple[str, ...]] = {"no cause": (), **{sort: (sort,) for sort in SORTS}, "all": tuple(SORTS)}
Judge = Callable[[CausesShop, tuple[str, ...]], tuple[Floats, NDArray[np.bool_]]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[3, 4])
    parser.add_argument("--products", type=int, default=600)
    parser.add_argument("--only", choices=("days", "weeks"), help="one of the two")
    told = parser.parse_args()
    shops = [make_causes_shop(seed, told.products) for seed in told.seeds]
    for name, judge in (("days", judge_days), ("weeks", judge_weeks)):
        if told.only in (None, name):
            for line in lines(name, shops, judge):
                print(line, flush=True)


def lines(name: str, shops: Sequence[CausesShop], judge: Judge) -> Iterator[str]:
    """Mean loss with each set of causes, and how far below that without any it is."""
    yield f"{name}, {len(shops)} shops: loss, gain over no cause, and of products that weather moves"
    baseline: Floats | None = None
    for words, sorts in SETS.items():
        parts = [judge(shop, sorts) for shop in shops]
        losses, moved = (np.concatenate([part[number] for part in parts]) for number in (0, 1))
        baseline = losses if baseline is None else baseline
        told = f"{words:12} {len(losses):5} series {losses.mean():9.4f}"
        yield (
            told
            if baseline is losses
            else f"{told}  {_gain(losses, baseline)}  {_gain(losses[moved], baseline[moved])}"
        )


def judge_days(shop: CausesShop, sorts: tuple[str, ...]) -> tuple[Floats, NDArray[np.bool_]]:
    """(m, 28) losses of what sells daily, and (m,) whether weather moves it."""
    lately = shop.demand[:, HISTORY - 182 : HISTORY]
    some = np.flatnonzero((np.nanmean(lately, axis=1) >= LEAST_A_DAY) & np.isfinite(lately[:, -LEAST_DAYS]))
    panel = shop.days(HISTORY, DAYS_AHEAD, sorts).of(some)
    value = np.nansum(panel.demand[:, -365:], axis=1)
    told = choose_days(panel, np.asarray(value, np.float64), _silent, config=BY_DAY).forecast
    came = shop.demand[some, HISTORY : HISTORY + DAYS_AHEAD]
    return pinball(came, told.quantiles, LEVELS).mean(axis=2), shop.stirred_by_weather[some]


def judge_weeks(shop: CausesShop, sorts: tuple[str, ...]) -> tuple[Floats, NDArray[np.bool_]]:
    """(m, 12) losses of what was ever sold, and (m,) whether weather moves it."""
    some = np.flatnonzero(np.nansum(shop.demand[:, :HISTORY], axis=1) > 0)
    panel = shop.weeks(HISTORY // WEEK, WEEKS_AHEAD, sorts).of(some)
    value = np.asarray(np.nansum(panel.demand[:, -52:], axis=1), np.float64)
    told = choose_forecasts(panel, value, BY_WEEK, _silent).forecast
    came = by_week(shop.demand[some, HISTORY:])
    return pinball(came, told.quantiles, LEVELS).mean(axis=2), shop.stirred_by_weather[some]


def _gain(ours: Floats, theirs: Floats) -> str:
    found = ratio_interval(ours, theirs, np.random.default_rng(0))
    return f"{100 * found.value:6.2f} % [{100 * found.low:.2f}, {100 * found.high:.2f}]"


def _silent(_: float, __: str) -> None:
    """A bench of minutes."""


if __name__ == "__main__":
    main()
