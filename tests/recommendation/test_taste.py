"""Whole histories speak, older signs more quietly, and what is wanted now comes first."""

from dataclasses import replace

import numpy as np
import pytest

from smartshop.ai_agents.recommendation.anchors import ask_of
from smartshop.ai_agents.recommendation.ease import closed_form
from smartshop.ai_agents.recommendation.rows import Rows
from smartshop.ai_agents.recommendation.source import Asked, Moment, ShelfView
from smartshop.ai_agents.recommendation.taste import HALF_LIFE, MAX_ANCHORS, Taste, TasteConfig, fit_taste, long_anchors
from smartshop.ai_agents.recommendation.view import view_shelf
from tests.recommendation.worlds import DAY, START, make_shelf, sequences_of, view

N = 6
NOW = START + 400 * DAY


def moment(history: list[tuple[int, int]], focus: list[int] | None = None) -> Moment:
    """`history`: (product, days ago), oldest first."""
    return Moment(
        eligible=np.ones(N, np.bool_),
        history=np.array([product for product, _ in history], np.int32),
        history_at=np.array([NOW - days * DAY for _, days in history], np.int64),
        now=NOW,
        focus=np.array(focus or [], np.int32),
    )


def asked(*history: tuple[int, int]) -> Asked:
    return ask_of(moment(list(history)))


def view_of(demand: list[float]) -> ShelfView:
    return view_shelf(np.array(demand, np.float32), ((),), make_shelf(N))


def rows_of(neighbours: dict[int, list[tuple[int, float]]]) -> Rows:
    lengths = [len(neighbours.get(product, [])) for product in range(N)]
    entries = [entry for product in range(N) for entry in neighbours.get(product, [])]
    return Rows(
        indptr=np.concatenate(([0], np.cumsum(lengths))).astype(np.int64),
        indices=np.array([product for product, _ in entries], np.int32),
        weights=np.array([weight for _, weight in entries], np.float32),
        evidence=np.ones(len(entries), np.int32),
    )


EVEN = [1.0] * N


def test_the_rows_are_those_of_the_closed_form() -> None:
    rng = np.random.default_rng(2)
    held = (rng.random((40, N)) < 0.4).astype(np.float64)
    signs = [view(int(s), int(p), START + int(p)) for s, p in zip(*np.nonzero(held), strict=True)]
    rows = fit_taste(sequences_of(signs, N), TasteConfig(regularisation=7.0))
    wanted = closed_form(held.T @ held, 7.0)
    found = np.zeros((N, N))
    for product in range(N):
        start, end = int(rows.indptr[product]), int(rows.indptr[product + 1])
        found[product, rows.indices[start:end]] = rows.weights[start:end]
    assert found == pytest.approx(np.maximum(wanted, 0), abs=1e-5)
    assert rows.evidence_of(0, 1) == int((held[:, 0] * held[:, 1]).sum())


def test_products_outside_the_head_have_no_rows() -> None:
    signs = [view(s, p, START) for s in range(9) for p in ((0, 1) if s else (0, 1, 2))]
    rows = fit_taste(sequences_of(signs, N), TasteConfig(most_products=2))
    assert rows.n_rows == N
    assert np.diff(rows.indptr).tolist() == [1, 1, 0, 0, 0, 0]


def test_what_was_chosen_long_ago_speaks_more_quietly() -> None:
    source = Taste(rows_of({0: [(3, 1.0)], 1: [(4, 0.9)]}))
    assert source.draw(asked((1, 0), (0, 0)), view_of(EVEN), 9).product_no.tolist() == [3, 4]
    found = source.draw(asked((0, HALF_LIFE // DAY), (1, 0)), view_of(EVEN), 9)
    assert found.product_no.tolist() == [4, 3]
    assert found.because.tolist() == [1, 0]


def test_of_the_equally_fitting_the_more_wanted_comes_first() -> None:
    source = Taste(rows_of({0: [(3, 1.0), (4, 1.0), (5, 1.0)]}))
    demand = [0.1, 0.1, 0.1, 0.1, 0.4, 0.0]
    assert source.draw(asked((0, 0)), view_of(demand), 9).product_no.tolist() == [4, 3, 5]


def test_on_a_products_page_the_product_speaks() -> None:
    source = Taste(rows_of({0: [(3, 1.0)], 1: [(4, 0.5)]}))
    on_page = ask_of(replace(moment([(0, 0)], focus=[1])))
    assert source.draw(on_page, view_of(EVEN), 9).product_no.tolist() == [4, 3]


def test_a_long_history_is_heard_to_the_bound() -> None:
    many = long_anchors(moment([(product % N, 900 - product) for product in range(500)]))
    assert sorted(many.product_no.tolist()) == list(range(N))
    assert (np.diff(many.weight) <= 0).all()
    assert len(many.product_no) <= MAX_ANCHORS
    assert len(long_anchors(moment([])).product_no) == 0
