"""How well products are foreseen that have not sold yet: `python -m bench.launches ONLINE_RETAIL_FOLDER`.

Two shops: the books of a wholesaler, whose products have no category and no brand, so that only the price of the first
week tells who is alike, and made-up stores with categories and prices. From each origin every product first sold (in
the stores: launched) within the eight weeks after it is told for its first eight weeks, as if it were the evening
before, by launches that were lived through for eight weeks by that origin; how much likeness counts is tried on these.
Launches of the first thirteen weeks of the books are no witnesses: what first sells then may be old. Mean pinball loss
over .1/.25/.5/.75/.9, unscaled, beside two forecasts that know nothing of the newcomer: the mean launch, said at every
level, and the quantiles of all launches. Settings were chosen on the wholesaler's origins before week 62 and on stores
of seeds 41 to 44; what is printed unasked are later origins and other stores.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from bench.demand_counts_data import sold_lines
from smartshop.ai_agents.inventory.demand.cold import Launches, Likeness, forecast_cold, launches
from smartshop.ai_agents.inventory.forecasting.measures import (
    Interval,
    pinball,
    ratio_interval,
    share_below,
    tie_chances,
)
from smartshop.ai_agents.inventory.forecasting.panel import Floats
from smartshop.ai_agents.inventory.launch_forecasts import try_launches
from smartshop.simulator.scenario import load_scenario
from smartshop.simulator.supply import make_supply_world

LEVELS = (0.1, 0.25, 0.5, 0.75, 0.9)
WEEKS, BURN_IN = 8, 13
PRODUCTS = 900
"""Of a made-up store."""
ORIGINS = 8
"""Weeks from one origin to the next."""


@dataclass(frozen=True, slots=True, eq=False)
class Shop:
    name: str
    demand: Floats
    """(n, t) units a week; NaN before the launch."""
    likeness: Likeness


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """l launches."""

    came: Floats
    """(l, h)"""
    told: dict[str, Floats]
    """Name → (l, h, q)."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", type=Path, help="folder of online_retail")
    parser.add_argument("--weeks", type=int, nargs=2, default=[62, 94], help="of online_retail: origins from … to …")
    parser.add_argument("--seeds", type=int, nargs="+", default=[51, 52, 53], help="of the made-up stores")
    told = parser.parse_args()
    print(
        "| shop | launches | pinball | all launches | mean launch | below all | below the mean | ≤ .1 .25 .5 .75 .9 |"
    )
    print("|---|---:|---:|---:|---:|---|---|---|")
    _print([online_retail(told.path)], told.weeks[0], told.weeks[1])
    for name in ("outdoor_store", "home_and_garden"):
        _print([made_up(name, seed) for seed in told.seeds], BURN_IN + 3 * WEEKS, 104)


def online_retail(path: Path) -> Shop:
    """(n, weeks) of full weeks; the price is the median of a product's first week."""
    lines = sold_lines(path / "online_retail.parquet" if path.is_dir() else path)
    weeks = lines["week"].unique().sort().to_list()[1:-1]
    kept = lines.filter(pl.col("week").is_in(weeks))
    first = kept.group_by("stock_code").agg(pl.col("week").min().alias("first"))
    prices = kept.join(first, on="stock_code").filter(pl.col("week") == pl.col("first"))
    price = prices.group_by("stock_code").agg(pl.col("price_minor").filter(pl.col("price_minor") > 0).median())
    codes, row = np.unique(kept["stock_code"].to_numpy(), return_inverse=True)
    monday = np.datetime64(weeks[0])
    column = (kept["week"].to_numpy() - monday).astype("timedelta64[D]").astype(np.int64) // 7
    demand = np.zeros((len(codes), int(column.max()) + 1))
    np.add.at(demand, (row, column), kept["quantity"].to_numpy().astype(np.float64))
    begun = np.logical_or.accumulate(demand > 0, axis=1)
    told = dict(zip(price["stock_code"].to_list(), price["price_minor"].to_list(), strict=True))
    known = np.array([np.nan if told.get(code) is None else float(told[code]) for code in codes.tolist()])
    nothing = np.full(len(codes), -1)
    return Shop("online_retail", np.where(begun, demand, np.nan), Likeness(nothing[:, None], nothing, known))


def made_up(scenario: str, seed: int, products: int = PRODUCTS) -> Shop:
    """So many products over two years, with the category and the price that each is launched with."""
    world = make_supply_world(load_scenario(scenario), seed, products=products, history_days=728, test_days=7)
    days = world.days // 7 * 7
    demand = world.demand[:, :days].reshape(len(world), -1, 7).sum(axis=2).astype(np.float64)
    last_days = np.arange(demand.shape[1]) * 7 + 6
    lived = np.where(last_days >= world.launch_day[:, None], demand, np.nan)
    return Shop(scenario, lived, Likeness(world.leaf[:, None], np.full(len(world), -1), world.price))


def judged(shop: Shop, begins: int, ends: int) -> Judged:
    known = np.isfinite(shop.demand)
    first = np.where(known.any(axis=1), known.argmax(axis=1), 0)
    lived = launches(shop.demand, first, WEEKS)
    came, ours, blind, flat = list[Floats](), list[Floats](), list[Floats](), list[Floats]()
    for origin in range(begins, min(ends, shop.demand.shape[1]) - WEEKS + 1, ORIGINS):
        seen = np.flatnonzero((first >= BURN_IN) & (first + WEEKS <= origin))
        new = np.flatnonzero((first >= origin) & (first < origin + ORIGINS) & np.isfinite(lived).all(axis=1))
        if len(seen) < 10 or not len(new):
            continue
        witnesses = Launches(lived[seen], shop.likeness.of(seen))
        config = try_launches(witnesses, WEEKS, LEVELS).config
        told = forecast_cold(shop.likeness.of(new), np.zeros((len(new), 0)), witnesses, WEEKS, LEVELS, config)
        every = np.quantile(lived[seen], LEVELS, axis=0, method="inverted_cdf").T
        came.append(lived[new])
        ours.append(told.quantiles)
        blind.append(np.broadcast_to(every, told.quantiles.shape))
        flat.append(np.broadcast_to(lived[seen].mean(axis=0)[:, None], told.quantiles.shape))
    parts = {"launches of its like": ours, "all launches": blind, "mean launch": flat}
    return Judged(np.concatenate(came), {name: np.concatenate(rows) for name, rows in parts.items()})


def _print(shops: Sequence[Shop], begins: int, ends: int) -> None:
    found = [judged(shop, begins, ends) for shop in shops]
    came = np.concatenate([one.came for one in found])
    told = {key: np.concatenate([one.told[key] for one in found]) for key in found[0].told}
    losses = {key: pinball(came, one, LEVELS).mean(axis=2) for key, one in told.items()}
    ours, others = losses["launches of its like"], ("all launches", "mean launch")
    below = [_in_words(ratio_interval(ours, losses[key], np.random.default_rng(0))) for key in others]
    whole = np.rint(told["launches of its like"])
    uniform, chances = np.random.default_rng(0).random(came.shape), tie_chances(whole, LEVELS)
    shares = [f"{share_below(came, whole[..., k], uniform, chances[..., k]):.3f}" for k in range(len(LEVELS))]
    means = [f"{losses[key].mean():.3f}" for key in ("launches of its like", *others)]
    print("| " + " | ".join([shops[0].name, f"{len(came):,}", *means, *below, " ".join(shares)]) + " |", flush=True)


def _in_words(one: Interval) -> str:
    return f"{one.value:.1%} [{one.low:.1%}, {one.high:.1%}]"


if __name__ == "__main__":
    main()
