"""The session-aware closed form, against the regression that it solves written out on a small shop."""

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from smartshop.ai_agents.recommendation import slist
from smartshop.ai_agents.recommendation.anchors import ask_of
from smartshop.ai_agents.recommendation.rows import Rows
from smartshop.ai_agents.recommendation.sequences import Sequences
from smartshop.ai_agents.recommendation.slist import Slist, SlistConfig, fit_slist, most_chosen, speakers_of
from smartshop.ai_agents.recommendation.source import Asked, Moment
from smartshop.ai_agents.recommendation.view import view_shelf
from tests.recommendation.worlds import DAY, START, Row, make_shelf, sequences_of, view

CONFIG = SlistConfig(regularisation=0.3, window=3, half_life=10 * DAY)
N = 9


def a_small_shop(shoppers: int = 30, seed: int = 2) -> Sequences:
    rng = np.random.default_rng(seed)
    rows: list[Row] = []
    for shopper in range(shoppers):
        first = int(rng.integers(N))
        for step in range(int(rng.integers(1, 8))):
            product = (first + step) % N if rng.random() < 0.7 else int(rng.integers(N))
            rows.append(view(shopper, product, START + shopper * DAY + step * DAY))
    return sequences_of(rows, N)


def histories(sequences: Sequences) -> list[list[int]]:
    return [sequences.product[sequences.shopper == shopper].tolist() for shopper in range(sequences.n_shoppers)]


def dense(rows: Rows) -> NDArray[np.float64]:
    full = np.zeros((rows.n_rows, rows.n_rows))
    full[np.repeat(np.arange(rows.n_rows), np.diff(rows.indptr)), rows.indices] = rows.weights
    return full


def freshness_of(sequences: Sequences, shopper: int, config: SlistConfig) -> NDArray[np.float64]:
    at = sequences.occurred_at[sequences.shopper == shopper]
    if config.half_life is None:
        return np.ones(len(at))
    return np.asarray(0.5 ** ((sequences.occurred_at.max() - at) / config.half_life))


def written_out(sequences: Sequences, config: SlistConfig) -> NDArray[np.float64]:
    """Every column as the ridge regression of what came (or was held) on what had been, its own product left out."""
    inputs, targets = [], []
    for shopper, products in enumerate(histories(sequences)):
        fresh = np.sqrt(freshness_of(sequences, shopper, config))
        if products:
            whole = np.zeros(N)
            whole[products] = fresh
            inputs.append(np.sqrt(config.whole_share) * whole)
            targets.append(np.sqrt(config.whole_share) * whole)
        for step in range(1, len(products)):
            past, future = np.zeros(N), np.zeros(N)
            for distance, product in enumerate(products[:step][::-1][: config.window]):
                past[product] += config.decay**distance
            for distance, product in enumerate(products[step:][: config.window]):
                future[product] += config.decay**distance
            inputs.append(np.sqrt(1 - config.whole_share) * fresh[step - 1] * past)
            targets.append(np.sqrt(1 - config.whole_share) * fresh[step - 1] * future)
    told, wanted = np.array(inputs), np.array(targets)
    ridge = config.regularisation * np.mean(np.diagonal(told.T @ told))
    weights = np.zeros((N, N))
    for column in range(N):
        others = np.flatnonzero(np.arange(N) != column)
        gram = told[:, others].T @ told[:, others] + ridge * np.eye(N - 1)
        weights[others, column] = np.linalg.solve(gram, told[:, others].T @ wanted[:, column])
    return weights


@pytest.mark.parametrize(
    "config", [CONFIG, msgspec.structs.replace(CONFIG, whole_share=0.7, decay=1.0, half_life=None)]
)
def test_each_column_is_a_ridge_regression_without_its_own_product(config: SlistConfig) -> None:
    sequences = a_small_shop()
    chosen_together = np.zeros((N, N), np.bool_)
    for products in histories(sequences):
        chosen_together[np.ix_(products, products)] = True
    expected = np.where(chosen_together, np.maximum(written_out(sequences, config), 0.0), 0.0)
    assert np.abs(dense(fit_slist(sequences, config)) - expected).max() < 1e-5


@pytest.mark.parametrize(("name", "value"), [("PORTION", 7), ("SPARSE_BELOW", 0.0), ("SPARSE_BELOW", 1.1)])
def test_neither_portions_nor_the_way_of_multiplying_change_a_weight(
    monkeypatch: pytest.MonkeyPatch, name: str, value: float
) -> None:
    sequences = a_small_shop()
    before = dense(fit_slist(sequences, CONFIG))
    monkeypatch.setattr(slist, name, value)
    assert np.abs(dense(fit_slist(sequences, CONFIG)) - before).max() < 1e-5


def test_what_comes_after_counts_more_than_what_came_before() -> None:
    """Everybody goes from 0 to 1; both rows know of both, but the way leads from 0."""
    sequences = sequences_of([view(s, p, START + p) for s in range(20) for p in (0, 1)], 2)
    weights = dense(fit_slist(sequences, SlistConfig(whole_share=0.2)))
    assert weights[0, 1] > 3.0 * weights[1, 0] > 0


def test_the_evidence_is_the_number_of_shoppers_who_chose_both() -> None:
    sequences = a_small_shop()
    rows = fit_slist(sequences, CONFIG)
    chosen = [set(products) for products in histories(sequences)]
    for product in range(N):
        for other in rows.indices[rows.indptr[product] : rows.indptr[product + 1]].tolist():
            assert rows.evidence_of(product, other) == sum({product, other} <= each for each in chosen) > 0


def test_only_the_head_is_solved_and_the_tail_left_empty() -> None:
    rows = [view(s, p, START + p) for s in range(6) for p in (5, 2, 7)] + [view(9, p, START + p) for p in range(9)]
    sequences = sequences_of(rows, 9)
    assert most_chosen(sequences.product, 9, 3).tolist() == [2, 5, 7]
    found = fit_slist(sequences, SlistConfig(most_products=3))
    assert np.flatnonzero(np.diff(found.indptr)).tolist() == [2, 5, 7]
    assert set(found.indices.tolist()) <= {2, 5, 7}


def asked_after(times: list[int], focus: tuple[int, ...] = ()) -> Asked:
    """Products 0, 1, 2, … chosen at these times."""
    n = len(times)
    return ask_of(
        Moment(
            eligible=np.ones(N, np.bool_),
            history=np.arange(n, dtype=np.int32),
            history_at=np.array(times, np.int64),
            now=START + DAY,
            focus=np.array(focus, np.int32),
        )
    )


def test_all_products_of_an_order_speak_equally_and_earlier_ones_fade() -> None:
    speakers = speakers_of(asked_after([START - 60 * DAY, START - 1, START, START]))
    weight = dict(zip(speakers.product_no.tolist(), speakers.weight.tolist(), strict=True))
    assert weight[3] == weight[2] == 1.0
    assert weight[1] == pytest.approx(0.6)
    assert weight[0] == pytest.approx(0.6**2 / 2)


def test_on_a_products_page_it_speaks_as_for_all_sources() -> None:
    one = asked_after([START, START], focus=(5,))
    assert speakers_of(one) is one.anchors
    nothing = asked_after([])
    assert speakers_of(nothing) is nothing.anchors


def test_a_list_is_drawn_from_all_who_speak() -> None:
    fitted = Slist(fit_slist(a_small_shop(), CONFIG))
    one = asked_after([START, START])
    view = view_shelf(np.zeros(N, np.float32), ((),), make_shelf(N))
    full = dense(fitted.rows)[0] + dense(fitted.rows)[1]
    drawn = fitted.draw(one, view, 3).product_no
    assert full[drawn] == pytest.approx(np.sort(full)[::-1][:3])


def test_no_signs_make_empty_rows() -> None:
    config = SlistConfig(whole_share=0.0)
    assert len(fit_slist(sequences_of([view(0, 1, START)], 5), config).indices) == 0
    assert fit_slist(sequences_of([], 5), CONFIG).n_rows == 5
    assert len(fit_slist(sequences_of([view(0, 1, START)], 5), CONFIG).indices) == 0
