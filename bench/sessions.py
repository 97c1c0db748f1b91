"""The blend against VMIS-kNN, step by step through sessions: `python -m bench.sessions 31` (a seed for each shop).

Per shipped scenario a shop of 3,000 shoppers and 60 days goes through the door and is evaluated by `next_sign`, as
`smartshop evaluate --protocol next_sign` does: the newest tenth is asked for, what can be chosen is chosen before it.
The blend has no networks here, as where the extra `neural` is not installed. With `--online-retail FILE` a wholesaler's
invoices follow as sessions, up to the weeks that are kept aside; their lines are asked for in the order of the file.

Prints one row per shop and convention; the whole tables go into `--output` as Markdown.
"""

import argparse
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from itertools import chain
from pathlib import Path

from bench.data import timed
from smartshop.ai_agents.recommendation.contest import OURS
from smartshop.ai_agents.recommendation.evaluate import MAX_SHOPPERS, Trial
from smartshop.ai_agents.recommendation.figures import EvaluationReport, Figure, ModelFigures, Table
from smartshop.ai_agents.recommendation.held_out import Protocol
from smartshop.ai_agents.recommendation.neural.settings import AttentionConfig
from smartshop.ai_agents.recommendation.recipe import Recipe
from smartshop.ai_agents.recommendation.report import as_markdown
from smartshop.ai_agents.recommendation.sources import Configs
from smartshop.ai_agents.recommendation.vmis import VMIS
from smartshop.data_collection.schemas.ids import Micros
from smartshop.opening import opened_stores
from smartshop.place import find_place
from smartshop.settings import Settings
from smartshop.simulator.enter import enter_history
from smartshop.simulator.scenario import SHIPPED, load_scenario
from smartshop.simulator.world import build_world
from smartshop.trials import evaluate_models
from smartshop.wiring import build_clock, build_ingest

NOW = Micros(1_790_000_000_000_000)
SHOPPERS, DAYS = 3_000, 60
MODELS = (OURS, "sessions", VMIS, "item-kNN (cosine)", "popularity")
WITHOUT_NETWORKS = Recipe(configs=Configs(attention=AttentionConfig(least_signs=2**31)))
TRIAL = Trial(protocol=Protocol.NEXT_SIGN, recipe=WITHOUT_NETWORKS, ablated=())
RETAIL_DAY = date(2011, 9, 30)
"""The weeks after it are kept aside."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("seeds", type=int, nargs="*")
    parser.add_argument("--scenarios", nargs="+", choices=SHIPPED, default=SHIPPED)
    parser.add_argument("--shoppers", type=int, default=MAX_SHOPPERS, help="asked about, of each made-up shop")
    parser.add_argument("--online-retail", type=Path)
    parser.add_argument("--retail-shoppers", type=int, default=150)
    parser.add_argument("--output", type=Path, default=Path("bench-output"))
    chosen = parser.parse_args()
    chosen.output.mkdir(parents=True, exist_ok=True)
    print("| shop | lists | questions | " + " | ".join(MODELS) + f" | {OURS} less {VMIS} |")
    print("|---|---|---:|" + "---:|" * (len(MODELS) + 1))
    shops = [(scenario, seed) for seed in chosen.seeds for scenario in chosen.scenarios]
    of_shops = ((f"{scenario}_{seed}", of_made_up_shop(scenario, seed, chosen.shoppers)) for scenario, seed in shops)
    for name, report in chain(of_shops, of_retail(chosen.online_retail, chosen.retail_shoppers)):
        (chosen.output / f"sessions_{name}.md").write_text(as_markdown(report), encoding="utf-8")
        for table in report.tables:
            print(row(name, table), flush=True)


def of_retail(online_retail: Path | None, shoppers: int) -> Iterator[tuple[str, EvaluationReport]]:
    if online_retail is not None:
        yield "online_retail", of_invoices(online_retail, shoppers)


def of_made_up_shop(scenario: str, seed: int, shoppers: int) -> EvaluationReport:
    world = build_world(load_scenario(scenario), seed, NOW, shoppers=SHOPPERS)
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(data_dir=Path(folder), currency=world.scenario.currency)
        place = find_place(settings, False)
        with opened_stores(settings, place) as stores:
            ingest = build_ingest(settings, stores, build_clock(settings, stores))
            enter_history(world, ingest, stores.catalogue, stores.stock, now=NOW, days=DAYS)
        return evaluate_models(settings, place, replace(TRIAL, max_shoppers=shoppers))


def of_invoices(path: Path, shoppers: int) -> EvaluationReport:
    with tempfile.TemporaryDirectory() as folder:
        timed(["import", "online-retail", str(path), "--data-dir", folder, "--json"])
        settings = Settings(data_dir=Path(folder))
        return evaluate_models(
            settings, find_place(settings, False), replace(TRIAL, max_shoppers=shoppers), day=RETAIL_DAY
        )


def row(name: str, table: Table) -> str:
    """HR@20 / NDCG@20 / MRR@20 of each model, and the paired differences with their intervals."""
    found = {model.model: model for model in table.models}
    gain = found[OURS].gain_on(VMIS)
    means = [_means(found[model]) if model in found else "–" for model in MODELS]
    said = "–" if gain is None else "; ".join(_signed(each) for each in (gain.hit_rate, gain.ndcg, gain.mrr))
    return f"| {name} | {table.convention} | {table.questions:,} | " + " | ".join([*means, said]) + " |"


def _means(model: ModelFigures) -> str:
    found = model.accuracy
    return " / ".join(f"{figure.mean:.4f}".lstrip("0") for figure in (found.hit_rate, found.ndcg, found.mrr))


def _signed(figure: Figure) -> str:
    return f"{figure.mean:+.4f} [{figure.low:+.4f}, {figure.high:+.4f}]"


if __name__ == "__main__":
    main()
