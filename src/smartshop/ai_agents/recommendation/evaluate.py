"""An honest table on the shop's own data: every source, the blend and two baselines on the same held-out questions.

Models are fitted on what is older than the questions; the whole catalogue is ranked. By time: the newest tenth is asked
for, and the mix is tuned inside the older nine tenths. Leave-one-out: the last product of every shopper is asked for,
the one before it tunes, and everything is fitted without both (the protocol of published sequence benchmarks).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # ships no types

from smartshop.ai_agents.recommendation.blend import blend
from smartshop.ai_agents.recommendation.held_out import HeldOut, HeldOutQuestion, Protocol, hold_out, protocol_for
from smartshop.ai_agents.recommendation.item_to_item import PLAIN_COSINE, fit_item_to_item
from smartshop.ai_agents.recommendation.metrics import CUT, MRR_CUT, Bootstrap, Measures, draw_bootstrap, measure
from smartshop.ai_agents.recommendation.model import RecommendationModel
from smartshop.ai_agents.recommendation.row_source import draw_from_rows
from smartshop.ai_agents.recommendation.rows import Rows
from smartshop.ai_agents.recommendation.scoring import draw_all
from smartshop.ai_agents.recommendation.sequences import Sequences, make_sequences
from smartshop.ai_agents.recommendation.source import Anchors, ShelfView
from smartshop.ai_agents.recommendation.sources import SOURCES
from smartshop.ai_agents.recommendation.training import DEFAULT_RECIPE, Progress, fit, learn, newest
from smartshop.ai_agents.recommendation.trending import Trending
from smartshop.ai_agents.recommendation.tuning import Convention, moment_of, repeats_allowed, without_history
from smartshop.ai_agents.shelf import Shelf
from smartshop.data_collection.pipelines.interactions import Interactions

Mask = NDArray[np.bool_]
Numbers = NDArray[np.int32]

OURS, ITEM_KNN, POPULARITY = "ours (blend)", "item-kNN (cosine)", "popularity"
MAX_SHOPPERS = 4_000
"""Shoppers asked about: a standard error of about .003 on the hit rate."""


class Figure(msgspec.Struct, frozen=True):
    """A mean over questions with its 95 % bootstrap interval over shoppers."""

    mean: float
    low: float
    high: float


class ModelFigures(msgspec.Struct, frozen=True, kw_only=True):
    model: str
    hit_rate_at_10: Figure
    ndcg_at_10: Figure
    recall_at_10: Figure
    mrr: Figure
    coverage: float
    """Share of the living catalogue that stands in at least one of the lists of ten."""
    ndcg_gain_on_item_knn: Figure
    """Paired, question by question."""


class Table(msgspec.Struct, frozen=True, kw_only=True):
    convention: str
    """`repeats allowed`, or `new only`: what the shopper knows is neither shown nor asked for."""
    questions: int
    shoppers: int
    models: list[ModelFigures]


class EvaluationReport(msgspec.Struct, frozen=True, kw_only=True):
    protocol: str
    since: int
    """µs UTC: held-out questions are newer; 0 with leave-one-out."""
    signs: int
    """Signs of interest learned from."""
    products: int
    """Living products, all of them ranked."""
    blend_weights: dict[str, float]
    blend_k: float
    tables: list[Table]


@dataclass(frozen=True, slots=True)
class Contest:
    """The fitted models that face the same questions."""

    model: RecommendationModel
    view: ShelfView
    item_knn: Rows
    alive: Mask

    @property
    def names(self) -> tuple[str, ...]:
        return (OURS, *SOURCES, ITEM_KNN, POPULARITY)

    def lists(self, question: HeldOutQuestion, eligible: Mask) -> list[Numbers]:
        """One list of at most 100 per name, drawn by the very code that serves."""
        moment = moment_of(question, eligible)
        blending, _ = self.model.recipe.at(eligible, moment.history, moment.focus)
        drawn = draw_all(self.model, self.view, moment, blending.n)
        sources = [each.product_no for each in drawn]
        blended = blend(sources, blending.weights_of(SOURCES), blending.k, MRR_CUT).product_no
        known = np.unique(question.history)
        cosine = draw_from_rows(self.item_knn, Anchors(known, np.ones(len(known))), eligible, MRR_CUT).product_no
        return [blended, *sources, cosine, self._popular(eligible)]

    def _popular(self, eligible: Mask) -> Numbers:
        """By distinct shoppers ever."""
        counts = np.where(eligible, self._shoppers(), -1)
        top = np.argpartition(-counts, min(MRR_CUT, len(counts) - 1))[:MRR_CUT]
        top = np.sort(top[counts[top] >= 0])
        return top[np.argsort(-counts[top], kind="stable")].astype(np.int32)

    def _shoppers(self) -> NDArray[np.int32]:
        counts = np.zeros(len(self.alive), np.int32)
        trending = self.model.of(Trending)
        if trending is not None:
            known = min(len(counts), self.model.n_products)
            counts[:known] = trending.shoppers_ever[:known]
        return counts


def evaluate(
    interactions: Interactions,
    shelf: Shelf,
    rng: np.random.Generator,
    progress: Progress,
    *,
    protocol: Protocol | None = None,
    max_shoppers: int = MAX_SHOPPERS,
) -> EvaluationReport:
    """Split, tune, fit and ask: the same seed gives the same table. Without a protocol the data's own times decide."""
    with threadpool_limits(limits=1):
        sequences = make_sequences(interactions, DEFAULT_RECIPE.configs.sequences)
        protocol = protocol or protocol_for(sequences)
        held = hold_out(sequences, max_shoppers, rng, protocol)
        learned = learn(held.rest, shelf, DEFAULT_RECIPE, rng, _first_part(progress), protocol=protocol)
        progress(0.4, "fitting the models")
        contest = _contest(held, learned.older, shelf)
        conventions: tuple[tuple[str, Convention], ...] = (
            ("repeats allowed", repeats_allowed),
            ("new only", without_history),
        )
        tables = []
        for number, (name, convention) in enumerate(conventions):
            progress(0.6 + 0.2 * number, f"asking {len(held.questions)} questions, {name}")
            tables.append(_table(name, contest, held.questions, convention, rng))
    progress(1.0, "evaluated")
    blending = contest.model.recipe.blend
    return EvaluationReport(
        protocol=held.protocol.value,
        since=held.since,
        signs=len(held.rest),
        products=int(shelf.alive.sum()),
        blend_weights=dict(blending.weights),
        blend_k=blending.k,
        tables=tables,
    )


def _first_part(progress: Progress) -> Progress:
    return lambda done, what: progress(0.4 * done, what)


def _contest(held: HeldOut, tuned: RecommendationModel, shelf: Shelf) -> Contest:
    """By time every model learns from all that is older than the questions; leave-one-out keeps the published split."""
    rest: Sequences = held.rest
    if held.protocol is Protocol.LEAVE_ONE_OUT:
        rest, model = hold_out(held.rest, 0, np.random.default_rng(0), held.protocol).rest, tuned
    else:
        model = fit(rest, shelf, newest(rest), tuned.recipe)
    return Contest(
        model=model,
        view=model.view(shelf),
        item_knn=fit_item_to_item(rest, PLAIN_COSINE),
        alive=shelf.alive,
    )


def _table(
    name: str,
    contest: Contest,
    questions: Sequence[HeldOutQuestion],
    convention: Convention,
    rng: np.random.Generator,
) -> Table:
    asked = [(question, *convention(question, contest.alive)) for question in questions]
    asked = [entry for entry in asked if len(entry[2])]
    hits = np.zeros((len(contest.names), len(asked), MRR_CUT), np.bool_)
    shown = np.zeros((len(contest.names), len(contest.alive)), np.bool_)
    for number, (question, eligible, targets) in enumerate(asked):
        for model, products in enumerate(contest.lists(question, eligible)):
            head = products[:MRR_CUT]
            hits[model, number, : len(head)] = np.isin(head, targets)
            shown[model, head[:CUT]] = True
    n_targets = np.array([len(targets) for _, _, targets in asked], np.int64)
    shopper = np.array([question.shopper for question, _, _ in asked], np.int64)
    measures = [measure(each, n_targets) for each in hits]
    knn = measures[contest.names.index(ITEM_KNN)]
    coverage = shown.sum(axis=1) / max(int(contest.alive.sum()), 1)
    bootstrap = draw_bootstrap(shopper, rng)
    return Table(
        convention=name,
        questions=len(asked),
        shoppers=len(np.unique(shopper)),
        models=[
            _figures(model, each, knn, float(covered), bootstrap)
            for model, each, covered in zip(contest.names, measures, coverage, strict=True)
        ],
    )


def _figures(name: str, found: Measures, knn: Measures, coverage: float, bootstrap: Bootstrap) -> ModelFigures:
    def figure(values: NDArray[np.float64]) -> Figure:
        interval = bootstrap.interval(values)
        return Figure(mean=interval.mean, low=interval.low, high=interval.high)

    return ModelFigures(
        model=name,
        hit_rate_at_10=figure(found.hit_rate),
        ndcg_at_10=figure(found.ndcg),
        recall_at_10=figure(found.recall),
        mrr=figure(found.reciprocal_rank),
        coverage=coverage,
        ndcg_gain_on_item_knn=figure(found.ndcg - knn.ndcg),
    )
