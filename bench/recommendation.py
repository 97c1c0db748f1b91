"""How good recommendations are on two public histories, by protocols under which others published their figures."""

import tempfile
import time
from datetime import date, timedelta
from pathlib import Path

import msgspec
import numpy as np
import polars as pl

from bench.data import timed
from bench.figures import Figure
from bench.service import run_command
from smartshop.ai_agents.recommendation.baselines import EASE, PERSONAL
from smartshop.ai_agents.recommendation.contest import OURS
from smartshop.ai_agents.recommendation.evaluate import Trial, evaluate
from smartshop.ai_agents.recommendation.figures import Accuracy, EvaluationReport
from smartshop.ai_agents.recommendation.held_out import ALL_SHOPPERS, Protocol
from smartshop.ai_agents.recommendation.report import as_markdown
from smartshop.ai_agents.shelf import Shelf
from smartshop.data_collection.pipelines.interactions import KIND_NUMBERS, Interactions
from smartshop.data_collection.schemas.events import EventKind
from smartshop.data_collection.schemas.ids import Micros, ProductId, ProductNo

MINUTE = 60_000_000
"""µs"""
MONTH_DAYS = 29
NEURAL, LINEAR = "attention", "slist"
HIT_RATE, NDCG = "≥ 0.091", "≥ 0.0556"


def measure_recommendation(
    amazon_beauty: Path, online_retail: Path, seeds: list[int], cuts: list[str], folder: Path
) -> list[Figure]:
    """Whichever file is there; the whole tables go into `folder`, as Markdown and JSON."""
    folder.mkdir(parents=True, exist_ok=True)
    found = _beauty(amazon_beauty, seeds, folder) if amazon_beauty.exists() else []
    return found + (_next_baskets(online_retail, cuts, folder) if online_retail.exists() else [])


def read_amazon_beauty(path: Path) -> Interactions:
    """Columns user_id, item_id, pos: an order without times, which is told in minutes."""
    table = pl.read_parquet(path).sort("user_id", "pos")
    shopper = np.unique(table["user_id"].to_numpy(), return_inverse=True)[1].astype(np.int32)
    product = np.unique(table["item_id"].to_numpy(), return_inverse=True)[1].astype(np.int32)
    at = table["pos"].to_numpy().astype(np.int64) * MINUTE
    n = len(shopper)
    return Interactions(
        shopper_no=shopper,
        product_no=product,
        kind=np.full(n, KIND_NUMBERS[EventKind.PRODUCT_VIEWED], np.int8),
        occurred_at=at,
        quantity=np.ones(n, np.int32),
        order_no=np.full(n, -1, np.int32),
        n_shoppers=int(shopper.max()) + 1,
        n_products=int(product.max()) + 1,
        data_until=Micros(int(at.max())),
    )


def bare_shelf(n: int) -> Shelf:
    """Products of which nothing is known but that they are there."""
    everything = np.ones(n, np.bool_)
    ids = tuple(ProductId(str(number)) for number in range(n))
    return Shelf(
        version=1,
        product_ids=ids,
        number_of={product_id: ProductNo(number) for number, product_id in enumerate(ids)},
        titles=ids,
        alive=everything,
        sellable=everything,
        available=np.full(n, -1, np.int32),
        price_minor=np.full(n, 100, np.int64),
        category=np.zeros(n, np.int32),
        categories=((),),
        brand=np.zeros(n, np.int32),
        brands=("",),
        published_at=np.zeros(n, np.int64),
    )


def _beauty(path: Path, seeds: list[int], folder: Path) -> list[Figure]:
    interactions = read_amazon_beauty(path)
    shelf = bare_shelf(interactions.n_products)
    reports, seconds = list[EvaluationReport](), list[float]()
    for seed in seeds:
        began = time.perf_counter()
        ablated = None if seed == seeds[0] else (NEURAL,)
        trial = Trial(protocol=Protocol.LEAVE_ONE_OUT, max_shoppers=ALL_SHOPPERS, seed=seed, ablated=ablated)
        reports.append(evaluate(interactions, shelf, lambda _, __: None, trial))
        seconds.append(time.perf_counter() - began)
        _keep(reports[-1], folder / f"amazon_beauty_seed_{seed}")
    how = f"amazon_beauty, leave-one-out, {reports[0].tables[1].questions:,} shoppers, full ranking, seeds {seeds}"
    found = [
        *_pair("beauty", [_new_only(report)[OURS] for report in reports], f"{how}, mean", HIT_RATE, NDCG),
        Figure("beauty_seconds", max(seconds), "s", "", f"{how}; training, tuning, baselines, ablation; the longest"),
    ]
    without = [worth.without for report in reports for worth in report.tables[1].sources if worth.source == NEURAL]
    if without:
        found += _pair("beauty_no_neural", [_plain(each) for each in without], f"{how}, mean; without {NEURAL}", "", "")
    for source in (LINEAR, "markov"):
        alone = [_new_only(report)[source] for report in reports if source in _new_only(report)]
        found += _pair(f"beauty_{source}", alone, f"{how}, mean; {source} alone", "", "") if alone else []
    return found


def _new_only(report: EvaluationReport) -> dict[str, tuple[float, float]]:
    return {row.model: _plain(row.accuracy) for row in report.tables[1].models}


def _plain(accuracy: Accuracy) -> tuple[float, float]:
    return accuracy.hit_rate.mean, accuracy.ndcg.mean


def _pair(name: str, values: list[tuple[float, float]], how: str, hit_rate: str, ndcg: str) -> list[Figure]:
    mean = np.mean(values, axis=0)
    return [
        Figure(f"{name}_hr10", float(mean[0]), "HR@10", hit_rate, how),
        Figure(f"{name}_ndcg10", float(mean[1]), "NDCG@10", ndcg, how),
    ]


def _next_baskets(path: Path, cuts: list[str], folder: Path) -> list[Figure]:
    with tempfile.TemporaryDirectory() as shop:
        timed(["import", "online-retail", str(path), "--data-dir", shop, "--json"])
        found: list[Figure] = []
        for cut in cuts:
            # A month is asked for: the newest weeks of this history are kept aside for others to look at.
            until = date.fromisoformat(cut) + timedelta(days=MONTH_DAYS)
            asked = ["--protocol", "next_basket", "--cut", cut, "--day", until.isoformat(), "--shoppers", "0", "--json"]
            said = run_command(["evaluate", "--data-dir", shop, *asked])
            report = msgspec.json.decode(said, type=EvaluationReport)
            _keep(report, folder / f"online_retail_{cut}")
            found += _of_cut(cut, report)
    return found


def _of_cut(cut: str, report: EvaluationReport) -> list[Figure]:
    """R@10 of the blend, and how far it is above the baseline that each convention is judged by."""
    found: list[Figure] = []
    for table, baseline in zip(report.tables, (PERSONAL, EASE), strict=True):
        how = f"online_retail, first basket from {cut} on, {table.questions:,} known customers, {table.convention}"
        name = f"retail_{cut}_{table.convention.split()[0]}"
        ours = table.models[0]
        found.append(Figure(f"{name}_r10", ours.accuracy.recall.mean, "R@10", "", how))
        gain = ours.gain_on(baseline)
        if gain is not None:
            low = f"{how}; over {baseline}, low end of the paired 95 % interval (mean {gain.recall.mean:+.4f})"
            found.append(Figure(f"{name}_gain_low", gain.recall.low, "R@10", "≥ 0", low))
    return found


def _keep(report: EvaluationReport, stem: Path) -> None:
    stem.with_suffix(".md").write_text(as_markdown(report), encoding="utf-8")
    stem.with_suffix(".json").write_bytes(msgspec.json.format(msgspec.json.encode(report)) + b"\n")
