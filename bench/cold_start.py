"""How well products without a past are placed: a public history with its newest products taken out of learning.

    python -m bench.cold_start online_retail.parquet 2011-06-01 2011-08-01 [folder of the exported network]

Held out are the newest 5 % of the products bought between the two days. Every customer who bought one of them then is
asked about, from what they did before; ranked are the held-out products alone.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from bench.recommendation import bare_shelf
from smartshop.ai_agents.recommendation.anchors import ask_of
from smartshop.ai_agents.recommendation.cold import NewcomersConfig, fit_newcomers
from smartshop.ai_agents.recommendation.content import ContentConfig, fit_content
from smartshop.ai_agents.recommendation.item_to_item import ItemToItemConfig, fit_item_to_item
from smartshop.ai_agents.recommendation.markov import MarkovConfig, fit_markov
from smartshop.ai_agents.recommendation.sequences import SequenceConfig, Sequences, make_sequences
from smartshop.ai_agents.recommendation.source import Asked, Lesson, Moment, Numbers, ShelfView, Source
from smartshop.ai_agents.recommendation.view import view_shelf
from smartshop.ai_agents.shelf import Shelf
from smartshop.data_collection.pipelines.interactions import KIND_NUMBERS, Interactions
from smartshop.data_collection.schemas.events import EventKind
from smartshop.data_collection.schemas.ids import Micros

SHARE, PLACES, SAMPLES = 0.05, 10, 2_000
LEAST_OF_CATEGORY = 5
"""Products that must end in one word for it to stand for a category."""


@dataclass(frozen=True, slots=True)
class Trial:
    lesson: Lesson
    cold: Numbers
    questions: list[tuple[Asked, Numbers]]
    """Customer at the cut, and the held-out products bought after it."""


def read_retail(path: Path, until: datetime) -> tuple[Interactions, Shelf]:
    """Known customers' invoices of real products before a day; a shelf of descriptions, prices and first days."""
    table = pl.read_parquet(path).with_columns(pl.col("stock_code").str.to_uppercase())
    table = table.filter(
        pl.col("customer_id").is_not_null(),
        pl.col("quantity") > 0,
        pl.col("unit_price") > 0,
        ~pl.col("invoice_no").str.starts_with("C"),
        pl.col("stock_code").str.contains(r"^\d{5}"),
        pl.col("invoice_ts") < until.replace(tzinfo=None),
    )
    shop = table.group_by("stock_code").agg(
        pl.col("description").drop_nulls().mode().sort().first().fill_null(""),
        pl.col("unit_price").median(),
        pl.col("invoice_ts").min(),
    )
    shop = shop.sort("stock_code")
    numbered = table.select(
        pl.col(name).rank("dense").cast(pl.Int32).alias(name) - 1
        for name in ("customer_id", "stock_code", "invoice_no")
    ).with_columns(table["invoice_ts"].dt.epoch("us"))
    numbered = numbered.sort("customer_id", "invoice_ts", "invoice_no", maintain_order=True)
    shopper, product, order, at = (numbered[name].to_numpy() for name in numbered.columns)
    n = len(numbered)
    interactions = Interactions(
        shopper_no=shopper,
        product_no=product,
        kind=np.full(n, KIND_NUMBERS[EventKind.ORDER_COMPLETED], np.int8),
        occurred_at=at,
        quantity=np.ones(n, np.int32),
        order_no=order,
        n_shoppers=int(shopper.max()) + 1,
        n_products=len(shop),
        data_until=Micros(int(at.max())),
    )
    return interactions, _shelf(shop)


def _shelf(shop: pl.DataFrame) -> Shelf:
    return replace(
        bare_shelf(len(shop)),
        titles=tuple(shop["description"].str.strip_chars()),
        price_minor=(shop["unit_price"].to_numpy() * 100).round().astype(np.int64),
        published_at=shop["invoice_ts"].dt.epoch("us").to_numpy(),
    )


def hold_out(sequences: Sequences, shelf: Shelf, cut: int, network: Path | None) -> Trial:
    after = np.unique(sequences.product[sequences.occurred_at >= cut])
    newest = after[np.argsort(-shelf.published_at[after], kind="stable")]
    cold = np.sort(newest[: int(SHARE * sequences.n_products)])
    is_cold = np.isin(np.arange(sequences.n_products), cold)
    before = (sequences.occurred_at < cut) & ~is_cold[sequences.product]
    asked_for = (sequences.occurred_at >= cut) & is_cold[sequences.product]
    starts = np.searchsorted(sequences.shopper, np.arange(sequences.n_shoppers + 1))
    questions: list[tuple[Asked, Numbers]] = []
    for first, end in zip(starts[:-1].tolist(), starts[1:].tolist(), strict=True):
        product, at = sequences.product[first:end], sequences.occurred_at[first:end]
        known, targets = before[first:end], np.unique(product[asked_for[first:end]])
        if known.any() and len(targets):
            bought = sequences.order[first:end][known] >= 0
            moment = Moment(is_cold, product[known], at[known], cut, np.zeros(0, np.int32), bought)
            questions.append((ask_of(moment), targets))
    lesson = Lesson(sequences=sequences.take(before), shelf=shelf, as_of=cut, text_network=network)
    return Trial(lesson, cold, questions)


def rankers(trial: Trial) -> dict[str, Callable[[Asked], Numbers]]:
    lesson, rng = trial.lesson, np.random.default_rng(0)
    most_wanted = _by_category(lesson, trial.cold)
    found: dict[str, Callable[[Asked], Numbers]] = {
        "random": lambda _: rng.permutation(trial.cold),
        "most wanted category": lambda _: most_wanted,
    }
    content = fit_content(lesson, ContentConfig())
    if content is None:
        return found
    rows = (
        fit_markov(lesson.sequences, MarkovConfig()),
        fit_item_to_item(lesson.sequences, ItemToItemConfig()),
    )
    newcomers = fit_newcomers(lesson, content, rows, NewcomersConfig())
    view = view_shelf(np.zeros(0, np.float32), lesson.shelf.categories, lesson.shelf)
    sources: list[Source] = [content] if newcomers is None else [content, newcomers]
    for source in sources:
        found[f"{source.name}, {content.encoder.name}"] = partial(_drawn, source, view)
    return found


def _drawn(source: Source, view: ShelfView, asked: Asked) -> Numbers:
    return source.draw(asked, view, PLACES).product_no


def _by_category(lesson: Lesson, cold: Numbers) -> Numbers:
    """The wholesaler has no categories: the last word of a description stands for one; which, no source is told."""
    words = [title.split()[-1] if title else "" for title in lesson.shelf.titles]
    names, code, count = np.unique(words, return_inverse=True, return_counts=True)
    wanted = np.bincount(code[lesson.sequences.product], minlength=len(names)).astype(np.float64)
    wanted[(count < LEAST_OF_CATEGORY) | (names == "")] = 0
    return cold[np.argsort(-wanted[code[cold]], kind="stable")]


def measured(trial: Trial, rank: Callable[[Asked], Numbers]) -> NDArray[np.float64]:
    """(2, n_questions): whether one of the first ten was bought, and what share of those that could be."""
    hits = [(np.isin(rank(asked)[:PLACES], targets).sum(), len(targets)) for asked, targets in trial.questions]
    found, wanted = np.array(hits, np.float64).T
    return np.stack((found > 0, found / np.minimum(wanted, PLACES)))


def main(path: str, cut: str, until: str, network: str | None = None) -> None:
    end, begin = (datetime.fromisoformat(day).replace(tzinfo=UTC) for day in (until, cut))
    interactions, shelf = read_retail(Path(path), end)
    sequences = make_sequences(interactions, SequenceConfig())
    trial = hold_out(sequences, shelf, int(begin.timestamp() * 1e6), Path(network) if network else None)
    n = len(trial.questions)
    sample = np.random.default_rng(1).integers(0, n, (SAMPLES, n))
    print(f"{len(trial.cold)} products held out, {n} customers asked about\n")
    print("| | HR@10 | R@10 | HR@10 over random | HR@10 over the line above |\n|---|---|---|---|---|")
    lines = {name: measured(trial, rank) for name, rank in rankers(trial).items()}
    above = lines["random"]
    for name, values in lines.items():
        shown = (values[0], values[1], values[0] - lines["random"][0], values[0] - above[0])
        print(f"| {name} | {' | '.join(_with_interval(each, sample) for each in shown)} |")
        above = values


def _with_interval(values: NDArray[np.float64], sample: NDArray[np.int64]) -> str:
    """The mean and its 95 % interval; paired where the values are differences."""
    low, high = np.quantile(values[sample].mean(axis=1), (0.025, 0.975))
    return f"{values.mean():.3f} [{low:.3f}, {high:.3f}]"


if __name__ == "__main__":
    main(*sys.argv[1:])
