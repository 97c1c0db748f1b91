"""The figures of an evaluation as records, each a mean with its interval, and how they are worked out from lists."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np
from numpy.typing import NDArray

from smartshop.ai_agents.recommendation.baselines import ITEM_KNN
from smartshop.ai_agents.recommendation.beyond_accuracy import NONE, coverage, diversity, novelty
from smartshop.ai_agents.recommendation.metrics import Bootstrap, Interval, Measures, measure
from smartshop.ai_agents.shelf import Shelf

Numbers = NDArray[np.int32]

PRODUCT_BITS = 32
"""A product_no is an int32."""


class Figure(msgspec.Struct, frozen=True):
    """A mean over questions with its 95 % bootstrap interval over shoppers."""

    mean: float
    low: float
    high: float


class Accuracy(msgspec.Struct, frozen=True, kw_only=True):
    """Measures of the first `cut` places, or paired differences of them, question by question."""

    hit_rate: Figure
    ndcg: Figure
    recall: Figure
    mrr: Figure


class Gain(msgspec.Struct, frozen=True, kw_only=True):
    over: str
    """The baseline."""
    gain: Accuracy
    """Paired: the model's measure less the baseline's."""


class ModelFigures(msgspec.Struct, frozen=True, kw_only=True):
    model: str
    accuracy: Accuracy
    coverage: Figure
    """Share of the living catalogue that stands in at least one of the lists."""
    novelty: Figure
    """Bits: mean −log2 of the share of shoppers who know the product."""
    diversity: Figure | None
    """Mean 1 − similarity of category and brand within a list; None where the shop has neither."""
    gains: list[Gain]

    def gain_on(self, baseline: str) -> Accuracy | None:
        return next((gain.gain for gain in self.gains if gain.over == baseline), None)

    @property
    def ndcg_gain_on_item_knn(self) -> Figure:
        gain = self.gain_on(ITEM_KNN)
        return gain.ndcg if gain is not None else Figure(0.0, 0.0, 0.0)


class SourceWorth(msgspec.Struct, frozen=True, kw_only=True):
    """What one source adds: the blend with it against the blend of the others, whose weights were chosen anew."""

    source: str
    weight: float
    """In the whole blend, where the loudest source has 1."""
    without: Accuracy
    """Of the blend of the others."""
    adds: Accuracy
    """Paired: the whole blend's measure less that of the others."""


class Table(msgspec.Struct, frozen=True, kw_only=True):
    convention: str
    """`repeats allowed`, or `new only`: what the shopper knows is neither shown nor asked for."""
    cut: int
    """Places that count."""
    questions: int
    shoppers: int
    blend_weights: dict[str, float]
    blend_k: float
    settings: dict[str, str]
    """Baseline → what was chosen for it on validation."""
    models: list[ModelFigures]
    sources: list[SourceWorth]


class EvaluationReport(msgspec.Struct, frozen=True, kw_only=True):
    protocol: str
    since: int
    """µs UTC: held-out questions are newer; 0 with leave-one-out."""
    seed: int
    signs: int
    """Signs of interest learned from."""
    products: int
    """Living products, all of them ranked."""
    tables: list[Table]


@dataclass(frozen=True, slots=True)
class Answers:
    """What every model showed for the same n questions."""

    shown: Mapping[str, Numbers]
    """Model → (n, cut) products, best first, `NONE` where a list is shorter."""
    targets: Sequence[Numbers]
    """(n,) of ≥ 1 product each."""
    shopper: NDArray[np.int64]
    """(n,)"""
    later: NDArray[np.bool_]
    """(n,): whether what is asked for came later than all that is known, and not, as the next line of an order, at the
    same moment."""

    def of(self, chosen: NDArray[np.bool_]) -> "Answers":
        """The answers to these questions alone; `chosen`: (n,)."""
        return Answers(
            shown={model: shown[chosen] for model, shown in self.shown.items()},
            targets=[wanted for wanted, kept in zip(self.targets, chosen.tolist(), strict=True) if kept],
            shopper=self.shopper[chosen],
            later=self.later[chosen],
        )

    def measures(self, model: str) -> Measures:
        shown = self.shown[model]
        sizes = np.array([len(wanted) for wanted in self.targets], np.int64)
        if not len(sizes):
            return measure(np.zeros(shown.shape, np.bool_), sizes, shown.shape[1])
        # One number per question and product, so that all questions are looked up at once.
        question = np.arange(len(sizes), dtype=np.int64) << PRODUCT_BITS
        wanted = np.repeat(question, sizes) + np.concatenate(self.targets)
        hits = np.isin(question[:, None] + shown, wanted) & (shown != NONE)
        return measure(hits, sizes, shown.shape[1])


def accuracy_of(found: Measures, bootstrap: Bootstrap) -> Accuracy:
    return Accuracy(
        hit_rate=_figure(bootstrap.interval(found.hit_rate)),
        ndcg=_figure(bootstrap.interval(found.ndcg)),
        recall=_figure(bootstrap.interval(found.recall)),
        mrr=_figure(bootstrap.interval(found.reciprocal_rank)),
    )


def difference(found: Measures, other: Measures, bootstrap: Bootstrap) -> Accuracy:
    """Paired, question by question."""
    return accuracy_of(
        Measures(
            hit_rate=found.hit_rate - other.hit_rate,
            ndcg=found.ndcg - other.ndcg,
            recall=found.recall - other.recall,
            reciprocal_rank=found.reciprocal_rank - other.reciprocal_rank,
        ),
        bootstrap,
    )


def model_figures(
    name: str,
    shown: Numbers,
    measures: Mapping[str, Measures],
    baselines: Sequence[str],
    shelf: Shelf,
    surprise: NDArray[np.float64],
    bootstrap: Bootstrap,
) -> ModelFigures:
    """One row of a table. `shown`: (n, cut); `surprise`: (n_products,) bits."""
    variety = diversity(shown, shelf)
    return ModelFigures(
        model=name,
        accuracy=accuracy_of(measures[name], bootstrap),
        coverage=_figure(coverage(shown, shelf.alive, bootstrap)),
        novelty=_figure(bootstrap.interval(novelty(shown, surprise))),
        diversity=None if variety is None else _figure(bootstrap.interval(variety)),
        gains=[Gain(over=over, gain=difference(measures[name], measures[over], bootstrap)) for over in baselines],
    )


def _figure(interval: Interval) -> Figure:
    return Figure(mean=interval.mean, low=interval.low, high=interval.high)
