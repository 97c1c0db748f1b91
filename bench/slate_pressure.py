"""What it earns that slates lean by stock: `python -m bench.slate_pressure 31 32 33 34 35` (seeds; a few minutes).

Per scenario and seed a small shop (`PRODUCTS`, `SHOPPERS`) lives for `DAYS` days under each arm. Shoppers come as the
simulator's do: they look at slates, click, and buy what is there; what they want and do not find is missed. Stock is
finite, ordered by the simulator's own buyer after each supplier's lead time, and `OVERSTOCKED` of the products begin
with many times their usual stock. Every slate is decided by `slate.decide` from a recommender that knows each shopper
as well as a good one does (their true utility under lasting noise), with nothing but the arm's word on stock beside it.
The word rests on what such a shop knows: its own smoothed sales, a third off, and promised dates; never the truth.

Arms: none; old (−0.1 log-odds per unit under four); away, toward, both. All arms meet the same people on the same days
with the same dice for each step of a visit. Margins (drawn per product) and keeping costs are as real shops have them:

    money = margin of what was sold − holding of these days − holding that what is left will still cost (at the true
            rate of sale, a year at most) − margin of what was missed

It is told without the last part, too: who misses a product here mostly takes the next best, which a real shop may lose.
And it is told as if all products cost the same: who happens to buy the dearest ones is most of the luck in money.
Told are differences to "none" per shopper and day, over pairs of scenario and seed, with 95 % t intervals. Bounds of
0.25, 0.5 and 1 away and 0.15, 0.3 and 0.5 toward were tried on seeds 11 to 13 (`--away`, `--toward` try others).
"""

import argparse
import json
import time
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path

import msgspec
import numpy as np
from scipy import stats

from bench.slate_pressure_days import live
from bench.slate_pressure_shop import ARMS, DAYS, END, FIGURES, PRODUCTS, SHOPPERS, Floats, figures_of, open_shop
from smartshop.ai_agents.inventory.supply_pressure import PressureConfig
from smartshop.simulator.scenario import SHIPPED, load_scenario
from smartshop.simulator.world import build_world

Found = dict[str, dict[str, list[float]]]


def run(seeds: Sequence[int], arms: Sequence[str], config: PressureConfig) -> Iterator[Found]:
    """After each pair of scenario and seed all of them so far: arm → figure → one for each."""
    found: Found = {arm: {name: [] for name in FIGURES} for arm in arms}
    for seed, name in product(seeds, SHIPPED):
        scenario = msgspec.structs.replace(load_scenario(name), products=PRODUCTS, shoppers=SHOPPERS, days=DAYS)
        world = build_world(scenario, seed, END)
        for arm in arms:
            shop = open_shop(world, seed, arm, config)
            live(shop)
            for figure, value in figures_of(shop).items():
                found[arm][figure].append(value)
        yield found


def interval(gain: Floats) -> tuple[float, float, float]:
    """Mean and 95 % t interval over pairs."""
    half = float(stats.t.ppf(0.975, len(gain) - 1) * gain.std(ddof=1) / np.sqrt(len(gain)))
    return float(gain.mean()), float(gain.mean()) - half, float(gain.mean()) + half


def table(found: Found) -> str:
    """Markdown: "none" as it is, the others as differences to it."""
    rows = ["| arm | " + " | ".join(FIGURES) + " |", "|---|" + "---:|" * len(FIGURES)]
    for arm, of in found.items():
        if arm == "none":
            cells = [f"{np.mean(of[name]):.4f}" for name in FIGURES]
        else:
            told = [interval(np.array(of[name]) - found["none"][name]) for name in FIGURES]
            cells = [f"{mean:+.4f} [{low:+.4f}, {high:+.4f}]" for mean, low, high in told]
        rows.append(f"| {arm} | " + " | ".join(cells) + " |")
    return "\n".join(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description="What it earns that slates lean by stock.")
    parser.add_argument("seeds", nargs="+", type=int)
    parser.add_argument("--arms", nargs="+", choices=ARMS, default=list(ARMS))
    parser.add_argument("--away", type=float, default=PressureConfig().away)
    parser.add_argument("--toward", type=float, default=PressureConfig().toward)
    parser.add_argument("--json", help="keep every figure of every pair in this file")
    asked = parser.parse_args()
    begun = time.perf_counter()
    config = PressureConfig(away=asked.away, toward=asked.toward)
    found: Found = {}
    for found in run(asked.seeds, ["none", *(arm for arm in asked.arms if arm != "none")], config):
        if asked.json:
            Path(asked.json).write_text(json.dumps(found, indent=1))
    print(f"away {config.away}, toward {config.toward}, seeds {asked.seeds}, {time.perf_counter() - begun:.0f} s\n")
    print(table(found))


if __name__ == "__main__":
    main()
