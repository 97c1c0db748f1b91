"""What training recommendations costs on a made-up shop of any size; also alone, `python -m bench.training --help`."""

import argparse
import json
import os
import resource
import subprocess
import sys
import time

import numpy as np
from rich.console import Console

from bench.figures import Figure
from smartshop.ai_agents.recommendation.neural.settings import AttentionConfig
from smartshop.ai_agents.recommendation.recipe import Recipe
from smartshop.ai_agents.recommendation.sources import Configs
from smartshop.ai_agents.recommendation.training import train
from smartshop.bars import sharing_bar
from smartshop.data_collection.pipelines.interactions import KINDS
from smartshop.data_collection.schemas.ids import Micros
from smartshop.simulator.fast import make_fast_history
from smartshop.simulator.fast_catalogue import shelf_of
from smartshop.simulator.fast_tables import interactions as interactions_of
from smartshop.simulator.scenario import load_scenario

SCENARIO, DAYS, SEED = "outdoor_store", 120, 1
END_AT = Micros(1_764_547_200_000_000)
"""2025-12-01: the same shop on every day."""
INTERACTIONS_PER_SHOPPER = 80
"""About, of the scenario's people in so many days."""
KIB_PER_MIB = 1024


def measure_training() -> list[Figure]:
    """A million interactions, then ten million and 200,000 products: each in a process of its own."""
    found: list[Figure] = []
    for interactions, products, seconds, mib in (
        (1_000_000, 12_000, "< 120", "< 3815"),
        (10_000_000, 200_000, "< 1500", "< 7629"),
    ):
        told = _in_a_process(interactions, products)
        name = f"training_{interactions // 1_000_000}m"
        how = (
            f"{told['interactions']:,} interactions, {products:,} products, fast path, without the networks; one thread"
        )
        worked = f"fitted, mixed, fitted again, judged; {told['processor_seconds']:.0f} s of one core"
        found += [
            Figure(name, told["seconds"], "s", seconds, f"{how}; {worked}"),
            Figure(
                f"{name}_memory", told["peak_mib"], "MiB", mib, f"{how}; with the made-up shop ({told['shop_mib']} MiB)"
            ),
        ]
    return found


def _in_a_process(interactions: int, products: int) -> dict[str, float]:
    command = [sys.executable, "-m", "bench.training", "--interactions", str(interactions), "--products", str(products)]
    one_thread = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    said = subprocess.run(command, check=True, stdout=subprocess.PIPE, env={**os.environ, **one_thread})
    found: dict[str, float] = json.loads(said.stdout)
    return found


def rehearse_training(interactions: int, products: int, *, neural: bool, console: Console | None) -> dict[str, object]:
    """Make a shop of about so many interactions and train on it; seconds, and the most memory ever held."""
    shoppers = max(1, interactions // INTERACTIONS_PER_SHOPPER)
    with sharing_bar("training", console) as tell:
        history = make_fast_history(
            load_scenario(SCENARIO), SEED, shoppers=shoppers, days=DAYS, end_at=END_AT, products=products,
            kinds=KINDS, progress=lambda share, what: tell(0.1 * share, what),
        )  # fmt: skip
        table, shelf = interactions_of(history), shelf_of(history.catalogue)
        del history
        shop_mib = _peak_mib()
        attention = AttentionConfig() if neural else AttentionConfig(least_signs=10**12)
        recipe, began = Recipe(configs=Configs(attention=attention)), time.perf_counter()
        worked = time.process_time()
        trained = train(
            table, shelf, np.random.default_rng(SEED), lambda share, what: tell(0.1 + 0.9 * share, what), recipe=recipe
        )
        seconds, worked = time.perf_counter() - began, time.process_time() - worked
    return {
        "interactions": len(table),
        "products": products,
        "sources": [source.name for source in trained.model.sources],
        "seconds": round(seconds, 1),
        "processor_seconds": round(worked, 1),
        "peak_mib": _peak_mib(),
        "shop_mib": shop_mib,
        "ndcg_at_10": round(float(trained.measures.ndcg.mean()), 4),
    }


def _peak_mib() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // KIB_PER_MIB


def main() -> None:
    parser = argparse.ArgumentParser(description="Train recommendations on a made-up shop and tell what it cost.")
    parser.add_argument("--interactions", type=int, default=1_000_000, help="about so many")
    parser.add_argument("--products", type=int, default=12_000)
    parser.add_argument("--neural", action="store_true", help="with the self-attentive networks")
    asked = parser.parse_args()
    console = Console(stderr=True) if sys.stderr.isatty() else None
    print(json.dumps(rehearse_training(asked.interactions, asked.products, neural=asked.neural, console=console)))


if __name__ == "__main__":
    main()
