"""Choices fade with age: what was chosen lately is led to first."""

import math

import numpy as np
import pytest

from smartshop.ai_agents.recommendation.item_to_item import PLAIN_COSINE, ItemToItemConfig, fit_item_to_item
from smartshop.ai_agents.recommendation.pair_counts import freshness, incidence
from smartshop.ai_agents.recommendation.rows import Rows
from tests.recommendation.worlds import DAY, START, sequences_of, view

OLD, NEW = START, START + 120 * DAY


def row_of(rows: Rows, product: int) -> dict[int, float]:
    start, end = rows.indptr[product], rows.indptr[product + 1]
    return dict(zip(rows.indices[start:end].tolist(), rows.weights[start:end].tolist(), strict=True))


def test_what_was_chosen_lately_comes_before_what_was_chosen_as_often_long_ago() -> None:
    """As many chose 1 beside 0 long ago as chose 2 beside it lately."""
    rows = [view(s, p, OLD + s) for s in range(9) for p in (0, 1)]
    rows += [view(s, p, NEW + s) for s in range(20, 29) for p in (0, 2)]
    sequences = sequences_of(rows, 3)
    faded = row_of(fit_item_to_item(sequences, ItemToItemConfig(half_life=60 * DAY)), 0)
    assert list(faded) == [2, 1]
    # Two half-lives: a quarter of the shoppers' say, over a quarter^reg of the popularity.
    assert faded[1] / faded[2] == pytest.approx(0.25 ** (1 - ItemToItemConfig().reg), rel=1e-4)
    alike = row_of(fit_item_to_item(sequences, ItemToItemConfig(half_life=None)), 0)
    assert alike[1] == pytest.approx(alike[2])


def test_evidence_counts_every_shopper_whenever_they_chose() -> None:
    rows = [view(s, p, OLD + s * DAY) for s in range(9) for p in (0, 1)]
    assert fit_item_to_item(sequences_of(rows, 2), ItemToItemConfig(half_life=DAY)).evidence_of(0, 1) == 9


def test_the_textbook_cosine_is_the_cosine() -> None:
    """Three hold 0, four hold 1, two hold both: 2 / √12."""
    held = [(0, 0), (0, 1), (1, 0), (1, 1), (2, 0), (3, 1), (4, 1)]
    found = row_of(fit_item_to_item(sequences_of([view(s, p, START + p) for s, p in held], 2), PLAIN_COSINE), 0)
    assert found[1] == pytest.approx(2 / math.sqrt(12))


def test_a_sign_counts_half_after_each_half_life() -> None:
    assert freshness(np.array([0, 5, 10]), 5).tolist() == [0.25, 0.5, 1.0]
    assert freshness(np.array([0, 5, 10]), None).tolist() == [1.0, 1.0, 1.0]
    assert freshness(np.zeros(0, np.int64), 5).tolist() == []


def test_a_repeated_product_weighs_as_its_last_sign() -> None:
    held = incidence(np.zeros(3, np.int32), np.array([1, 0, 1]), 2, 9, np.array([0.1, 0.2, 0.3]))
    assert held.toarray().tolist() == [[0.2, 0.3]]
