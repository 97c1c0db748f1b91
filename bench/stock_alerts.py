"""How often warnings are right, and how much goes unwarned: `python -m bench.stock_alerts`.

The shops of `bench.policies` (each shipped scenario, 80 products of it, two years of history, then twelve weeks to
settle and 52 weeks that are counted) are looked over each night by the agent's own code, with forecasts and lead times
as they were learned at the last review. Nobody acts on a warning. Two shops: one orders by the agent's decision, one by
a planner's plain rule (four weeks of sales once stock lasts for the supplier's time, a review and ten days).

- Stock-out risk. A warning is right if the place truly ran out before goods ordered within the headroom could have
  come, were nothing more ordered from that night on. A stock-out (the first day on which something was missing after
  one with stock left) was warned of in time if the warning stood at the last night on which an order would still have
  come, or within the week before it.
- Surges. One product in five sells three times as much for two weeks, planted in another year of the second shop.
  Found: a warning opened from the first to the fourteenth day. False: opened at any other time.

Seeds 1 and 2 served development.
"""

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.figures import Figure
from bench.policies import PLAIN_WEEKS, PLAIN_WINDOW, SETTLING, YEAR, Tried, open_shop
from bench.policies_foresight import LearnedForesight, shop_candidates
from bench.policies_model import EPOCH_ORDINAL
from bench.policies_rules import ByLaw, CoverAboveTrigger
from bench.stock_alerts_watch import LooksAhead, Watched, look, runs_out
from smartshop.ai_agents.inventory.alerts.demand_alerts import DemandConfigs
from smartshop.ai_agents.inventory.alerts.recent_demand import recent_demand
from smartshop.ai_agents.inventory.alerts.stockout import StockoutConfig
from smartshop.ai_agents.inventory.alerts.surge import WINDOWS, RecentLines, find_surges
from smartshop.ai_agents.inventory.demand.series import daily_demand
from smartshop.data_collection.pipelines.demand import DemandTable
from smartshop.data_collection.pipelines.demand_offers import no_promotions
from smartshop.data_collection.schemas.stock import DEFAULT_LOCATION
from smartshop.simulator.chance import stream
from smartshop.simulator.scenario import SHIPPED
from smartshop.simulator.supply_run import Books, Replenishment, live_on

SURGE_SHARE, SURGE_TIMES, SURGE_DAYS = 0.2, 3, 14
FREQUENT = 1.0
"""Units a day from which a product counts as selling often."""
DAYS_OF_MONTH = 365.0 / 12.0
WEEK_BEFORE = 7
STOCKOUT_HEAD = (
    "| scenario | shop | warnings | per 100 and month | right | told | stock-outs | in time | at all |",
    "|" + "---|" * 9,
)
SURGE_HEAD = (
    "| scenario | surges | found | often sold | seldom | median days | false per 100 and month |",
    "|" + "---|" * 7,
)


@dataclass(frozen=True, slots=True, eq=False)
class Year:
    """What a watched year told."""

    products: int
    opened: Sequence[tuple[float, bool]]
    """Chance told and whether it ran out, of each warning when it opened."""
    stockouts: Sequence[tuple[bool, bool]]
    """Warned of in time, and at all before it, of each stock-out."""


@dataclass(frozen=True, slots=True, eq=False)
class SurgeYear:
    products: int
    planted: Sequence[tuple[float, int | None]]
    """Usual units a day, and days until found (None: never)."""
    false: int


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scenario", action="append", choices=SHIPPED, help="all shipped ones if unsaid")
    parser.add_argument("--seeds", type=int, nargs="+", default=[21])
    parser.add_argument("--products", type=int, default=80, help="of each shop")
    parser.add_argument("--opens-at", type=float, default=StockoutConfig().opens_at)
    parser.add_argument("--headroom", type=float, default=StockoutConfig().headroom_days)
    parser.add_argument("--only", choices=["stockouts", "surges"])
    parser.add_argument("--output", type=Path, default=Path("bench-output/stock_alerts.json"))
    told = parser.parse_args()
    config = StockoutConfig(opens_at=told.opens_at, closes_at=told.opens_at / 2, headroom_days=told.headroom)
    figures: list[Figure] = []
    lines, surges = [*STOCKOUT_HEAD], [*SURGE_HEAD]
    for name in told.scenario or SHIPPED:
        tried = [open_shop(name, seed, told.products) for seed in told.seeds]
        began = time.perf_counter()
        if told.only != "surges":
            for shop in ("ours", "plain rule"):
                years = [watched_year(one, shop, config) for one in tried]
                lines.append(stockout_row(name, shop, years))
                figures += stockout_figures(name, shop, years)
        if told.only != "stockouts":
            with_surges = [surge_year(one, seed) for one, seed in zip(tried, told.seeds, strict=True)]
            surges.append(surge_row(name, with_surges))
            figures += surge_figures(name, with_surges)
        print(f"- {name}: {time.perf_counter() - began:.0f} s", flush=True)
    print("\n" + "\n".join(lines) + "\n\n" + "\n".join(surges) + "\n", flush=True)
    told.output.parent.mkdir(parents=True, exist_ok=True)
    told.output.write_text(json.dumps([figure.as_json() for figure in figures], indent=1) + "\n", encoding="utf-8")


def watch(tried: Tried, shop: str) -> Watched:
    world = tried.world
    foresight = LearnedForesight(world, tried.rest_of_category, shop_candidates())
    if shop == "ours":
        policy: Replenishment = ByLaw(world, foresight)
    else:
        policy = LooksAhead(CoverAboveTrigger(world, PLAIN_WEEKS, PLAIN_WINDOW), foresight)
    return Watched(world, policy, foresight)


def watched_year(tried: Tried, shop: str, config: StockoutConfig) -> Year:
    watched, books, world = watch(tried, shop), tried.start.copy(), tried.world
    begin, n = books.day + SETTLING, len(world)
    open_now, stands = np.zeros(n, np.bool_), np.zeros((n, world.days + 1), np.bool_)
    opened: list[tuple[float, bool]] = []
    left = np.zeros((n, world.days), np.int64)
    while books.day < begin + YEAR:
        live_on(world, books, books.day + 1, watched)
        left[:, books.day - 1] = books.on_hand
        chance = look(watched, books, open_now, config)
        now = np.isfinite(chance)
        if begin <= books.day < begin + YEAR:
            for product in np.flatnonzero(now & ~open_now).tolist():
                ran_out = runs_out(watched, books, product, config.headroom_days)
                opened.append((float(chance[product]), ran_out))
        open_now, stands[:, books.day] = now, now
    missed = world.demand - books.sold
    return Year(n, opened, list(_stockouts(world.lead_days, missed, left, stands, (begin, begin + YEAR))))


def _stockouts(
    lead_days: NDArray[np.int32],
    missed: NDArray[np.int64],
    left: NDArray[np.int64],
    stands: NDArray[np.bool_],
    span: tuple[int, int],
) -> list[tuple[bool, bool]]:
    """Every first day on which something was missing after one that ended with stock."""
    found = []
    for day in range(span[0] + 1, span[1]):
        for product in np.flatnonzero((missed[:, day] > 0) & (left[:, day - 1] > 0)).tolist():
            in_time = [at for at in range(max(day - 60, 0), day) if at + lead_days[product, at] <= day]
            last = max(in_time, default=None)
            warned = last is not None and bool(stands[product, max(last - WEEK_BEFORE, 0) : last + 1].any())
            found.append((warned, bool(stands[product, max(day - WEEK_BEFORE, 0) : day + 1].any())))
    return found


def surge_year(tried: Tried, seed: int) -> SurgeYear:
    world = tried.world
    rng = stream(seed, world.scenario.name, "surges")
    n, begin = len(world), tried.start.day + SETTLING
    some = np.sort(rng.choice(n, size=round(SURGE_SHARE * n), replace=False))
    starts = {int(product): int(rng.integers(begin + 14, begin + YEAR - 2 * SURGE_DAYS)) for product in some}
    demand = world.demand.copy()
    for product, start in starts.items():
        days = slice(start, start + SURGE_DAYS)
        for _ in range(SURGE_TIMES - 1):
            lines = rng.poisson(world.lines[product, days])
            demand[product, days] += lines + rng.poisson(lines * (world.units[product] - 1.0))
    planted = replace(tried, world=replace(world, demand=demand))
    policy, books = CoverAboveTrigger(planted.world, PLAIN_WEEKS, PLAIN_WINDOW), tried.start.copy()
    open_now, first, false = np.zeros(n, np.bool_), dict[int, int](), 0
    while books.day < begin + YEAR:
        live_on(planted.world, books, books.day + 1, policy)
        if books.day < begin:
            continue
        now = surging(planted, books, open_now)
        for product in np.flatnonzero(now & ~open_now).tolist():
            after = books.day - starts.get(product, world.days)
            if 1 <= after <= SURGE_DAYS:
                first.setdefault(product, after)
            else:
                false += 1
        open_now = now
    usual = {product: float(world.mean[product, start - 28 : start].mean()) for product, start in starts.items()}
    return SurgeYear(n, [(usual[product], first.get(product)) for product in starts], false)


def surging(tried: Tried, books: Books, open_now: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """(n,) told to surge on this night, by the agent's own code over the shop's books."""
    world, day = tried.world, books.day
    sold = books.sold[:, :day]
    begun = (books.in_stock[:, :day] > 0).any(axis=1)
    table = DemandTable(
        product_no=np.arange(len(world), dtype=np.int32),
        location=np.zeros(len(world), np.int32),
        locations=(DEFAULT_LOCATION,),
        first_day=world.first_day + EPOCH_ORDINAL,
        sold=sold.astype(np.float32),
        in_stock=books.in_stock[:, :day].astype(np.float32),
        price_minor=np.full(sold.shape, np.nan, np.float32),
        share_off=np.zeros(sold.shape, np.float32),
        listed=np.where(begun, (books.in_stock[:, :day] > 0).argmax(axis=1), day).astype(np.int32),
        orders=(sold.sum(axis=0) + tried.rest_of_category[:, :day].sum(axis=0)).astype(np.int32),
        promotions=no_promotions(),
    )
    configs, daily = DemandConfigs(), daily_demand(table)
    windows = [recent_demand(table, daily, world.leaf, days, configs.recent) for days in WINDOWS]
    none = np.zeros(0, np.int64)
    return find_surges(windows, RecentLines(none, none, np.zeros(0)), open_now, configs.surge).is_surge


def stockout_row(name: str, shop: str, years: Sequence[Year]) -> str:
    opened, stockouts = (
        [one for year in years for one in year.opened],
        [one for year in years for one in year.stockouts],
    )
    months = sum(year.products for year in years) / 100.0 * YEAR / DAYS_OF_MONTH
    return (
        f"| {name} | {shop} | {len(opened)} | {len(opened) / months:.1f} | {_share([right for _, right in opened])} | "
        f"{_share([chance for chance, _ in opened])} | {len(stockouts)} | "
        f"{_share([in_time for in_time, _ in stockouts])} | {_share([ever for _, ever in stockouts])} |"
    )


def surge_row(name: str, years: Sequence[SurgeYear]) -> str:
    planted = [one for year in years for one in year.planted]
    days = [after for _, after in planted if after is not None]
    months = sum(year.products for year in years) / 100.0 * YEAR / DAYS_OF_MONTH
    often = [after is not None for rate, after in planted if rate >= FREQUENT]
    seldom = [after is not None for rate, after in planted if rate < FREQUENT]
    median = f"{np.median(days):.0f}" if days else "–"
    false = sum(year.false for year in years)
    return (
        f"| {name} | {len(planted)} | {_share([after is not None for _, after in planted])} | "
        f"{_share(often)} of {len(often)} | {_share(seldom)} of {len(seldom)} | {median} | {false / months:.2f} |"
    )


def _share(values: Sequence[float]) -> str:
    return f"{np.mean(values):.0%}" if len(values) else "–"


def stockout_figures(name: str, shop: str, years: Sequence[Year]) -> list[Figure]:
    how = f"{name}, {shop}: 52 weeks after two years, looked over each night, nobody acts"
    key = f"stock_alerts_{name}_{shop.replace(' ', '_')}"
    right = [right for year in years for _, right in year.opened]
    in_time = [one for year in years for one, _ in year.stockouts]
    return [
        Figure(f"{key}_right", float(np.mean(right)) if right else 0.0, "share", "", how),
        Figure(f"{key}_in_time", float(np.mean(in_time)) if in_time else 0.0, "share", "", how),
    ]


def surge_figures(name: str, years: Sequence[SurgeYear]) -> list[Figure]:
    found = [after is not None for year in years for _, after in year.planted]
    how = f"{name}: ×{SURGE_TIMES} for {SURGE_DAYS} days in {len(found)} products, looked over each night"
    return [Figure(f"stock_alerts_{name}_surges_found", float(np.mean(found)) if found else 0.0, "share", "", how)]


if __name__ == "__main__":
    main()
