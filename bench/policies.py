"""What the agent's orders cost in a simulated year, beside a planner's and one who knows: `python -m bench.policies`.

Per scenario and seed a shop sells its whole range for two years by a plain rule. Then `--products` of them, drawn at
random, go on from the same shelf under each policy: twelve weeks to settle, then 52 weeks that are counted. Every
policy meets the same demand, sale by sale, and the same lead time for an order of the same product and day; what is not
there is lost, and a policy sees no more than its own books.

Total cost: holding (share of purchase price a year), ordering (per product ordered), margin of sales lost; as the
scenario's `[supply]` says. Beside ours are shown
- fixed cover: stock raised to so many weeks of recent sales at each review, or so many weeks ordered once stock falls
  to the supplier's time, a review and ten days; the better of both, of 1 to 12 weeks and of three windows for recent
  sales, by its own cost in the last year before;
- normal safety stock: μ(L + R) + z·√((L + R)σ² + μ²σ_L²) with the economic order above it, means and deviations of the
  window that cost least in the last year before, z such that the share of units delivered is ours;
- one who knows: the same decision from the scenario's own law of each product and day and of its supplier.

Intervals: 95 %, bootstrap over the products of all seeds. Seeds 1, 2 and 11 to 13 served development.
"""

import argparse
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.figures import Figure
from bench.policies_foresight import LearnedForesight, TrueForesight, shop_candidates
from bench.policies_rules import ByLaw, CoverAboveTrigger, FixedCover, NormalSafetyStock
from smartshop.ai_agents.inventory.forecasting.measures import Interval, ratio_interval
from smartshop.simulator.chance import stream
from smartshop.simulator.scenario import SHIPPED, load_scenario
from smartshop.simulator.supply import Counts, Floats, SupplyWorld, make_supply_world
from smartshop.simulator.supply_run import Books, Replenishment, SupplyCost, live_on, open_books

YEAR, SETTLING = 364, 84
HISTORY = 2 * YEAR
OPENING_DAYS = 40.0
PLAIN_WEEKS, PLAIN_WINDOW = 4.0, 91
"""The rule by which the shop lived before anybody tried."""
COVER_WEEKS, COVER_WINDOWS = range(1, 13), (28, 56, 91)
NORMAL_WINDOWS, USUAL_FACTORS = (91, 182, 364), (2.0, 3.0)
"""Windows tried in the last year before, each at usual safety factors."""
LEAST_FACTOR, MOST_FACTOR, HALVINGS = -1.0, 8.0, 9
COVER, NORMAL, OURS, KNOWING = "fixed cover", "normal safety stock", "ours", "knows the law"
WANTED = {COVER: 0.15, NORMAL: 0.05, KNOWING: -0.10}
"""Share by which ours is below each."""


@dataclass(frozen=True, slots=True)
class Tried:
    """One shop: the products tried, and the books on the morning when everybody begins."""

    world: SupplyWorld
    rest_of_category: Counts
    """(L, t)"""
    year_before: Books
    """As the last year before begins, less its settling: where planners try their rules."""
    start: Books

    def cost(self, books: Books, policy: Replenishment) -> SupplyCost:
        """Of a year, after settling."""
        own = books.copy()
        live_on(self.world, own, books.day + SETTLING, policy)
        return live_on(self.world, own, own.day + YEAR, policy)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scenario", action="append", choices=SHIPPED, help="all shipped ones if unsaid")
    parser.add_argument("--seeds", type=int, nargs="+", default=[21, 22, 23])
    parser.add_argument("--products", type=int, default=80, help="of each shop")
    parser.add_argument("--output", type=Path, default=Path("bench-output/policies.json"))
    told = parser.parse_args()
    figures = [figure for name in told.scenario or SHIPPED for figure in measure(name, told.seeds, told.products)]
    told.output.parent.mkdir(parents=True, exist_ok=True)
    told.output.write_text(json.dumps([figure.as_json() for figure in figures], indent=1) + "\n", encoding="utf-8")


def measure(name: str, seeds: Sequence[int], products: int) -> list[Figure]:
    """The table to the screen, the figures returned."""
    print(f"# {name}: {products} products, seeds {', '.join(map(str, seeds))}\n", flush=True)
    by_policy: dict[str, list[SupplyCost]] = {}
    for seed in seeds:
        began = time.perf_counter()
        for policy, (how, cost) in compare(open_shop(name, seed, products)).items():
            print(f"- seed {seed}, {policy} ({how}): {cost.total.sum():,.0f}", flush=True)
            by_policy.setdefault(policy, []).append(cost)
        print(f"- seed {seed}: {time.perf_counter() - began:.0f} s", flush=True)
    print("\n" + table(by_policy), flush=True)
    how = f"{name}: {products} products of seeds {list(seeds)}, 52 weeks after two years, total cost below "
    return [
        Figure(f"policies_{name}_below_{other.replace(' ', '_')}", below(by_policy, other).value, "share",
               f"≥ {wanted}", how + other)
        for other, wanted in WANTED.items()
    ]  # fmt: skip


def open_shop(name: str, seed: int, products: int) -> Tried:
    scenario = load_scenario(name)
    whole = make_supply_world(scenario, seed, products=scenario.products, history_days=HISTORY, test_days=YEAR)
    books = open_books(whole, OPENING_DAYS)
    live_on(whole, books, whole.days, CoverAboveTrigger(whole, PLAIN_WEEKS, PLAIN_WINDOW))
    some = np.sort(stream(seed, name, "policies").choice(len(whole), size=products, replace=False))
    others = np.setdiff1d(np.arange(len(whole)), some)
    rest = np.zeros((len(scenario.leaves), whole.days), np.int64)
    np.add.at(rest, whole.leaf[others], books.sold[others])
    world = whole.of(some)
    own = open_books(world, OPENING_DAYS)
    plain = CoverAboveTrigger(world, PLAIN_WEEKS, PLAIN_WINDOW)
    live_on(world, own, HISTORY - YEAR - SETTLING, plain)
    year_before = own.copy()
    live_on(world, own, HISTORY - SETTLING, plain)
    return Tried(world, rest, year_before, own)


def compare(tried: Tried) -> dict[str, tuple[str, SupplyCost]]:
    """Policy → its settings in words, and what its year cost."""
    world = tried.world
    cover = best_cover(tried)
    ours = tried.cost(tried.start, ByLaw(world, LearnedForesight(world, tried.rest_of_category, shop_candidates())))
    normal, cost = normal_at(tried, ours.fill_rate)
    return {
        COVER: (f"{type(cover).__name__}, {cover.weeks:g} weeks", tried.cost(tried.start, cover)),
        NORMAL: (f"z {normal.safety_factor:.2f}, {normal.window_days} days", cost),
        OURS: ("chosen forecasts", ours),
        KNOWING: ("the scenario's own law", tried.cost(tried.start, ByLaw(world, TrueForesight(world)))),
    }


def best_cover(tried: Tried) -> FixedCover | CoverAboveTrigger:
    rules = [
        rule(tried.world, float(weeks), window)
        for rule in (FixedCover, CoverAboveTrigger)
        for weeks in COVER_WEEKS
        for window in COVER_WINDOWS
    ]
    return min(rules, key=lambda rule: float(tried.cost(tried.year_before, rule).total.sum()))


def normal_at(tried: Tried, fill_rate: float) -> tuple[NormalSafetyStock, SupplyCost]:
    """The rule whose share of units delivered is nearest to the one asked for, and its cost."""

    def usual_cost(window: int) -> float:
        rules = [NormalSafetyStock(tried.world, factor, window) for factor in USUAL_FACTORS]
        return min(float(tried.cost(tried.year_before, rule).total.sum()) for rule in rules)

    window = min(NORMAL_WINDOWS, key=usual_cost)
    low, high = LEAST_FACTOR, MOST_FACTOR
    met = list[tuple[NormalSafetyStock, SupplyCost]]()
    for _ in range(HALVINGS):
        rule = NormalSafetyStock(tried.world, (low + high) / 2, window)
        met.append((rule, tried.cost(tried.start, rule)))
        low, high = (rule.safety_factor, high) if met[-1][1].fill_rate < fill_rate else (low, rule.safety_factor)
    return min(met, key=lambda one: abs(one[1].fill_rate - fill_rate))


def below(by_policy: dict[str, list[SupplyCost]], other: str) -> Interval:
    """How far ours is below another, as a share of the other's cost."""
    totals = [np.concatenate([cost.total for cost in by_policy[name]]) for name in (OURS, other)]
    return ratio_interval(totals[0], totals[1], np.random.default_rng(0))


def table(by_policy: dict[str, list[SupplyCost]]) -> str:
    lines = ["| policy | total | holding | ordering | lost | delivered | ours below | 95 % |", "|" + "---|" * 8]
    parts: Sequence[Callable[[SupplyCost], Floats]] = (
        lambda cost: cost.total,
        lambda cost: cost.holding,
        lambda cost: cost.ordering,
        lambda cost: cost.lost,
    )
    for name, costs in by_policy.items():
        sums = [f"{sum(float(part(cost).sum()) for cost in costs):,.0f}" for part in parts]
        missed, wanted = (sum(int(getattr(cost, what).sum()) for cost in costs) for what in ("missed", "wanted"))
        gained = below(by_policy, name)
        told = ["", ""] if name == OURS else [f"{gained.value:+.1%}", f"{gained.low:+.1%} to {gained.high:+.1%}"]
        lines.append("| " + " | ".join([name, *sums, f"{1 - missed / max(wanted, 1):.2%}", *told]) + " |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
