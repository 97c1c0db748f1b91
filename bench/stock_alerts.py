"""How often warnings are right, and how much goes unwarned: `python -m bench.stock_alerts`.

The shops of `bench.policies` (each shipped scenario, 80 products of it, two years of history, then twelve weeks to
settle and 52 weeks that are counted) are looked over each night by the agent's own code, with forecasts and lead times
as they were learned at the last review. Nobody acts on a warning. Two shops: one orders by the agent's decision, one by
a planner's plain rule (four weeks of sales once stock lasts for the supplier's time, a review and ten days). Beside the
agent stands one who knows the scenario's law of every product and day and of its supplier, and warns by the same lines:
what is missed there as well is luck.

- Stock-out risk. A warning is right if the place truly ran out before goods ordered within the headroom could have
  come, were nothing more ordered from that night on. A stock-out (the first day on which something was missing after
  one with stock left) was warned of in time if the warning stood at the last night on which an order would still have
  come, or within the week before it.
- Surges. One product in five sells three times as much for two weeks, planted in another year of the second shop.
  Found: a warning opened from the first to the fourteenth day. False: opened at any other time.

`--curves FILE` draws how many are right against how many are warned of, over lines and headrooms. Intervals: 95 %,
bootstrap over the products of all seeds. Seeds 1 to 4 served development.
"""

import argparse
import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.figures import Figure
from bench.policies import YEAR, open_shop
from bench.stock_alerts_curves import HEADROOMS, Curve, curve_of, draw_curves
from bench.stock_alerts_surges import SURGE_DAYS, SURGE_TIMES, SurgeYear, surge_years
from bench.stock_alerts_year import (
    BY_LAW,
    BY_RULE,
    KNOWING,
    OURS,
    Judged,
    Share,
    WatchedYear,
    judged_together,
    share_of,
    watch_year,
)
from smartshop.ai_agents.inventory.alerts.stockout import StockoutConfig
from smartshop.simulator.scenario import SHIPPED

FREQUENT = 1.0
"""Units a day from which a product counts as selling often."""
DAYS_OF_MONTH = 365.0 / 12.0
STOCKOUT_HEAD = (
    "| scenario | shop orders by | who warns | per 100 and month | right | told | stock-outs | in time | at all |",
    "|" + "---|" * 9,
)
SURGE_HEAD = (
    "| scenario | who warns | surges | found | often sold | seldom | median days | false per 100 and month |",
    "|" + "---|" * 8,
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    usual = StockoutConfig()
    parser.add_argument("--scenario", action="append", choices=SHIPPED, help="all shipped ones if unsaid")
    parser.add_argument("--seeds", type=int, nargs="+", default=[21, 22])
    parser.add_argument("--products", type=int, default=80, help="of each shop")
    parser.add_argument("--opens-at", type=float, default=usual.opens_at)
    parser.add_argument("--headroom", type=int, default=round(usual.headroom_days))
    parser.add_argument("--only", choices=["stockouts", "surges"])
    parser.add_argument("--curves", type=Path, help="a picture, which takes three times as long")
    parser.add_argument("--output", type=Path, default=Path("bench-output/stock_alerts.json"))
    told = parser.parse_args()
    config = StockoutConfig(told.opens_at, told.opens_at / 2, float(told.headroom))
    headrooms = tuple(sorted({told.headroom, *(HEADROOMS if told.curves else ())}))
    figures, curves = list[Figure](), list[Curve]()
    lines, surges = [*STOCKOUT_HEAD], [*SURGE_HEAD]
    for name in told.scenario or SHIPPED:
        tried = [open_shop(name, seed, told.products) for seed in told.seeds]
        began = time.perf_counter()
        for shop in (BY_LAW, BY_RULE) if told.only != "surges" else ():
            days = headrooms if shop == BY_RULE else (told.headroom,)
            years = [watch_year(one, shop, seed, days) for one, seed in zip(tried, told.seeds, strict=True)]
            lines += stockout_rows(name, shop, years, config)
            figures += stockout_figures(name, shop, years, config)
            if told.curves and shop == BY_RULE:
                curves += [curve_of(name, who, each, years) for who in (OURS, KNOWING) for each in HEADROOMS]
        if told.only != "stockouts":
            found = [surge_years(one, seed) for one, seed in zip(tried, told.seeds, strict=True)]
            surges += [surge_row(name, who, [year[who] for year in found]) for who in (OURS, KNOWING)]
            figures += surge_figures(name, [year[OURS] for year in found])
        print(f"- {name}: {time.perf_counter() - began:.0f} s", flush=True)
    print("\n" + "\n".join(lines) + "\n\n" + "\n".join(surges) + "\n", flush=True)
    for curve in curves:
        print(curve.as_words(), flush=True)
    if told.curves:
        draw_curves(curves, told.curves)
    told.output.parent.mkdir(parents=True, exist_ok=True)
    told.output.write_text(json.dumps([figure.as_json() for figure in figures], indent=1) + "\n", encoding="utf-8")


def stockout_rows(name: str, shop: str, years: Sequence[WatchedYear], config: StockoutConfig) -> Iterator[str]:
    for who in (OURS, KNOWING):
        found = judged_together(years, who, round(config.headroom_days), config)
        right, told, in_time, at_all = _shares(found)
        count = found.warnings.sum() / _months(len(found.warnings))
        yield (
            f"| {name} | {shop} | {who} | {count:.1f} | {_with_interval(right)} | {told.value:.0%} | "
            f"{found.stockouts.sum():.0f} | {_with_interval(in_time)} | {_with_interval(at_all)} |"
        )


def _shares(found: Judged) -> tuple[Share, Share, Share, Share]:
    return (
        share_of(found.right, found.warnings),
        share_of(found.told, found.warnings),
        share_of(found.in_time, found.stockouts),
        share_of(found.at_all, found.stockouts),
    )


def surge_row(name: str, who: str, years: Sequence[SurgeYear]) -> str:
    usual, false = (np.concatenate([getattr(year, what) for year in years]) for what in ("usual", "false"))
    found = np.concatenate([year.found for year in years]).astype(np.float64)
    days = [after for year in years for after in year.days]
    groups = [np.isfinite(usual), usual >= FREQUENT, usual < FREQUENT]
    whole, often, seldom = (share_of(found * some, some.astype(np.float64)) for some in groups)
    median = f"{np.median(days):.0f}" if days else "–"
    return (
        f"| {name} | {who} | {groups[0].sum()} | {_with_interval(whole)} | {_of(often, groups[1])} | "
        f"{_of(seldom, groups[2])} | {median} | {false.sum() / _months(len(false)):.2f} |"
    )


def _of(share: Share, some: NDArray[np.bool_]) -> str:
    return f"{share.value:.0%} of {some.sum()}" if some.any() else "–"


def _months(products: int) -> float:
    """Hundreds of products, times the months of a year."""
    return products / 100.0 * YEAR / DAYS_OF_MONTH


def _with_interval(share: Share) -> str:
    return "–" if np.isnan(share.value) else f"{share.value:.0%} [{share.low:.0%}, {share.high:.0%}]"


def stockout_figures(name: str, shop: str, years: Sequence[WatchedYear], config: StockoutConfig) -> list[Figure]:
    how = f"{name}, {shop}: 52 weeks after two years, looked over each night, nobody acts"
    key = f"stock_alerts_{name}_{shop.replace(' ', '_')}"
    right, _, in_time, _ = _shares(judged_together(years, OURS, round(config.headroom_days), config))
    return [
        Figure(f"{key}_right", right.value, "share", "", how),
        Figure(f"{key}_in_time", in_time.value, "share", "", how),
    ]


def surge_figures(name: str, years: Sequence[SurgeYear]) -> list[Figure]:
    planted = sum(int(np.isfinite(year.usual).sum()) for year in years)
    found = sum(int(year.found.sum()) for year in years)
    how = f"{name}: ×{SURGE_TIMES} for {SURGE_DAYS} days in {planted} products, looked over each night"
    return [Figure(f"stock_alerts_{name}_surges_found", found / max(planted, 1), "share", "", how)]


if __name__ == "__main__":
    main()
