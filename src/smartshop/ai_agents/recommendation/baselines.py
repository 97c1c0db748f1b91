"""What every model is compared with, rebuilt on the same cut: popularity, item-kNN, EASE; by protocol one more.

Next baskets are compared with personal frequency, the next signs of a session with VMIS-kNN.

What a baseline can be set to is chosen on the validation questions, by recall under the very convention that it is then
judged by: a comparison is worth what its baseline is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol as Contract

import numpy as np
from numpy.typing import NDArray

from smartshop.ai_agents.recommendation.ease import closed_form, gram_matrix
from smartshop.ai_agents.recommendation.held_out import DAY, HeldOut, HeldOutQuestion, Protocol
from smartshop.ai_agents.recommendation.item_to_item import PLAIN_COSINE, fit_item_to_item
from smartshop.ai_agents.recommendation.metrics import CUT
from smartshop.ai_agents.recommendation.pair_counts import incidence
from smartshop.ai_agents.recommendation.row_source import draw_from_rows
from smartshop.ai_agents.recommendation.rows import Rows
from smartshop.ai_agents.recommendation.sequences import Sequences
from smartshop.ai_agents.recommendation.source import Anchors
from smartshop.ai_agents.recommendation.tuning import Convention, Mask, Numbers
from smartshop.ai_agents.recommendation.vmis import Vmis, choose_vmis, fit_vmis, index_sessions

POPULARITY, ITEM_KNN, EASE, PERSONAL = "popularity", "item-kNN (cosine)", "EASE", "personal frequency"
EASE_PRODUCTS = 15_000
"""Beyond, the closed form wants more than 1.8 GB and a minute a fit: there is no EASE in the table."""
UNIT_SIZE = 10_000
"""Newest distinct products of a shopper that count: in effect all."""
REGULARISATIONS = (60.0, 200.0, 600.0, 2_000.0)
"""λ of EASE, in shoppers."""
HALF_LIVES = (15.0, 30.0, 60.0, 120.0, 240.0, 480.0, 960.0)
"""Days."""
SESSION_QUESTIONS = 2_000
"""Steps of sessions that VMIS-kNN is set on, about: every setting is asked all of them."""


class Baseline(Contract):
    @property
    def name(self) -> str: ...

    def rank(self, question: HeldOutQuestion, eligible: Mask, n: int) -> Numbers:
        """At most `n` eligible products, best first."""


@dataclass(frozen=True, slots=True)
class Popularity:
    """The same for everybody: distinct shoppers ever."""

    shoppers: NDArray[np.int64]
    """(n_products,)"""
    name: str = POPULARITY

    def rank(self, question: HeldOutQuestion, eligible: Mask, n: int) -> Numbers:
        return _best(self.shoppers.astype(np.float64), eligible, n)


@dataclass(frozen=True, slots=True)
class ItemKnn:
    """The textbook cosine between products over their shoppers, summed over everything the shopper knows."""

    rows: Rows
    name: str = ITEM_KNN

    def rank(self, question: HeldOutQuestion, eligible: Mask, n: int) -> Numbers:
        known = np.unique(question.history)
        return draw_from_rows(self.rows, Anchors(known, np.ones(len(known))), eligible, n).product_no


@dataclass(frozen=True, slots=True)
class Ease:
    """The linear autoencoder of Steck (2019), whole: no row is cut."""

    weights: NDArray[np.float32]
    """(n_products, n_products)"""
    regularisation: float
    name: str = EASE

    def rank(self, question: HeldOutQuestion, eligible: Mask, n: int) -> Numbers:
        score = self.weights[np.unique(question.history)].sum(axis=0)
        allowed = np.flatnonzero(eligible)
        best = allowed[np.argsort(-score[allowed], kind="stable")[:n]]
        return np.asarray(best, np.int32)


@dataclass(frozen=True, slots=True)
class PersonalFrequency:
    """How often the shopper ordered a product, fading with age; behind it what everybody orders, fading as well.

    The simple rule that next-basket models are measured against (Hu et al. 2020; Li et al. 2023).
    """

    half_life: float
    """Days."""
    orders: NDArray[np.float64]
    """(n_products,): faded orders of everybody, below 1: they only order what is personally even."""
    name: str = PERSONAL

    def rank(self, question: HeldOutQuestion, eligible: Mask, n: int) -> Numbers:
        bought = question.history_order >= 0
        age = (question.now - question.history_at[bought]) / DAY
        own = np.bincount(question.history[bought], weights=np.exp2(-age / self.half_life), minlength=len(eligible))
        ranked = np.lexsort((-self.orders, -own))
        return np.asarray(ranked[eligible[ranked] & ((own + self.orders)[ranked] > 0)][:n], np.int32)


def fit_popularity(sequences: Sequences) -> Popularity:
    return Popularity(shoppers_of(sequences))


def fit_ease(sequences: Sequences, regularisation: float) -> Ease:
    """Of zeros and ones: who knows what."""
    held = incidence(sequences.shopper, sequences.product, sequences.n_products, UNIT_SIZE)
    return Ease(closed_form(gram_matrix(held), regularisation), regularisation)


def fit_personal_frequency(sequences: Sequences, half_life: float, half_life_of_all: float) -> PersonalFrequency:
    """Half-lives in days."""
    bought = sequences.take(sequences.order >= 0)
    age = (int(sequences.occurred_at.max(initial=0)) - bought.occurred_at) / DAY
    faded = np.bincount(bought.product, weights=np.exp2(-age / half_life_of_all), minlength=sequences.n_products)
    return PersonalFrequency(half_life, faded / (1.0 + faded.max(initial=0.0)))


def shoppers_of(sequences: Sequences) -> NDArray[np.int64]:
    """(n_products,): distinct shoppers with any sign of interest."""
    pair = np.unique(sequences.shopper.astype(np.int64) * sequences.n_products + sequences.product)
    return np.bincount(pair % max(sequences.n_products, 1), minlength=sequences.n_products)


def fit_baselines(
    validation: HeldOut, rest: Sequences, alive: Mask, conventions: Sequence[Convention]
) -> list[tuple[Baseline, ...]]:
    """Per convention what is compared with; set on the validation questions, then learned from all of `rest`."""
    everyone = (fit_popularity(rest), ItemKnn(fit_item_to_item(rest, PLAIN_COSINE)))
    found: list[tuple[Baseline, ...]] = [everyone for _ in conventions]
    if rest.n_products <= EASE_PRODUCTS and len(rest):
        fitted: dict[float, Ease] = {}
        for number, chosen in enumerate(_best_eases(validation, alive, conventions)):
            if chosen.regularisation not in fitted:
                same = rest is validation.rest
                fitted[chosen.regularisation] = chosen if same else fit_ease(rest, chosen.regularisation)
            found[number] = (*found[number], fitted[chosen.regularisation])
    if validation.protocol is Protocol.NEXT_BASKET:
        for number, convention in enumerate(conventions):
            half_lives = _best_half_lives(validation, alive, convention)
            found[number] = (*found[number], fit_personal_frequency(rest, *half_lives))
    if validation.protocol is Protocol.NEXT_SIGN:
        for number, convention in enumerate(conventions):
            sessions = _best_vmis(validation, rest, alive, convention)
            found[number] = found[number] if sessions is None else (*found[number], sessions)
    return found


def mean_recall(baseline: Baseline, questions: Sequence[HeldOutQuestion], alive: Mask, convention: Convention) -> float:
    """Recall@10 of what the convention leaves to ask for."""
    found = []
    for question in questions:
        eligible, targets = convention(question, alive)
        if len(targets):
            hits = np.isin(baseline.rank(question, eligible, CUT), targets).sum()
            found.append(hits / min(CUT, len(targets)))
    return float(np.mean(found)) if found else 0.0


def _best_eases(validation: HeldOut, alive: Mask, conventions: Sequence[Convention]) -> list[Ease]:
    """The best of each convention, in one pass, since every fit is a matrix inversion."""
    best: list[Ease] = []
    reached: list[float] = []
    for regularisation in REGULARISATIONS:
        tried = fit_ease(validation.rest, regularisation)
        recalls = [mean_recall(tried, validation.questions, alive, convention) for convention in conventions]
        if not best:
            best, reached = [tried] * len(recalls), recalls
            continue
        for number, recall in enumerate(recalls):
            if recall > reached[number]:
                best[number], reached[number] = tried, recall
    return best


def _best_half_lives(validation: HeldOut, alive: Mask, convention: Convention) -> tuple[float, float]:
    """Of the shopper's own orders and of everybody's, in days; one after the other."""

    def recall(own: float, of_all: float) -> float:
        fitted = fit_personal_frequency(validation.rest, own, of_all)
        return mean_recall(fitted, validation.questions, alive, convention)

    longest = HALF_LIVES[-1]
    own = max(HALF_LIVES, key=lambda days: recall(days, longest))
    return own, max(HALF_LIVES, key=lambda days: recall(own, days))


def _best_vmis(validation: HeldOut, rest: Sequences, alive: Mask, convention: Convention) -> Vmis | None:
    """None where there are no sessions to learn from."""
    index = index_sessions(validation.rest)
    if index is None:
        return None
    asked = validation.questions[:: max(1, len(validation.questions) // SESSION_QUESTIONS)]
    return fit_vmis(rest, choose_vmis(index, lambda tried: mean_recall(tried, asked, alive, convention)))


def _best(score: NDArray[np.float64], eligible: Mask, n: int) -> Numbers:
    """The n highest positive scores, ties by product_no."""
    allowed = np.flatnonzero(eligible & (score > 0))
    return np.asarray(allowed[np.argsort(-score[allowed], kind="stable")[:n]], np.int32)
