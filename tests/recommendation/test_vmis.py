"""VMIS-kNN by hand, number by number against its formula written out slowly, and how its settings are chosen."""

from collections.abc import Sequence
from math import log

import msgspec
import numpy as np
import pytest

from smartshop.ai_agents.recommendation.baselines import fit_baselines, mean_recall
from smartshop.ai_agents.recommendation.evaluate import CONVENTIONS
from smartshop.ai_agents.recommendation.held_out import ALL_SHOPPERS, HeldOutQuestion, Protocol, hold_out
from smartshop.ai_agents.recommendation.sequences import SequenceConfig, Sequences, make_sequences
from smartshop.ai_agents.recommendation.tuning import repeats_allowed
from smartshop.ai_agents.recommendation.vmis import VMIS, Vmis, VmisConfig, choose_vmis, fit_vmis, index_sessions
from tests.recommendation.worlds import (
    DAY,
    HOUR,
    N_PRODUCTS,
    SECOND,
    START,
    Row,
    order,
    sequences_of,
    shop_of_tastes,
    view,
)

N = 12
ALL_SIGNS = VmisConfig(longest_question=20, names_newest=True)
HAND = [[0, 1], [1, 2, 3], [2, 4]]
"""Three sessions: of them one holds 0, two hold 1, two hold 2, one holds 3, one holds 4."""


def sequences_from(sessions: Sequence[Sequence[int]], n_products: int = N) -> Sequences:
    """Each of another shopper, an hour after the one before."""
    rows = [
        view(number, product, START + number * HOUR + step * SECOND)
        for number, session in enumerate(sessions)
        for step, product in enumerate(session)
    ]
    return sequences_of(rows, n_products)


def fitted(sessions: Sequence[Sequence[int]], config: VmisConfig, n_products: int = N) -> Vmis:
    found = fit_vmis(sequences_from(sessions, n_products), config)
    assert found is not None
    return found


def scores_of(model: Vmis, session: Sequence[int]) -> dict[int, float]:
    score = model.scores(np.array(session, np.int32))
    return {product: float(score[product]) for product in np.flatnonzero(score).tolist()}


def slow_scores(session: Sequence[int], past: Sequence[Sequence[int]], config: VmisConfig) -> dict[int, float]:
    """The formula as it is written, over sets, for every past session and every product; the later is the newer."""
    history = [(number, set(held)) for number, held in enumerate(past) if len(set(held)) > 1]
    signs = session[-config.longest_question :]
    last_seen = {product: number for number, product in enumerate(signs)}
    omega = {product: place for place, product in enumerate(sorted(last_seen, key=lambda one: last_seen[one]), 1)}
    length = len(omega)
    sharing = [(number, held) for number, held in history if held & set(omega)]
    sample = sorted(sharing, key=lambda one: one[0], reverse=True)[: config.newest]
    similar = [(sum(omega[i] / length for i in held & set(omega)), number, held) for number, held in sample]
    neighbours = sorted(similar, key=lambda one: (one[0], one[1]), reverse=True)[: config.neighbours]
    scores: dict[int, float] = {}
    for product in range(N):
        holding = sum(product in held for _, held in history)
        total = 0.0
        for similarity, _, held in neighbours:
            place = length + 1 - max(omega[i] for i in held & set(omega))
            match = 1 - place / 10 if place <= 10 else 0
            total += (product in held) * match * similarity
        if total > 0 and 0 < holding < len(history):
            scores[product] = total * log(len(history) / holding)
    if not config.names_newest:
        scores.pop(session[-1], None)
    return scores


def asked(history: Sequence[int], targets: Sequence[int] = ()) -> HeldOutQuestion:
    n = len(history)
    return HeldOutQuestion(
        shopper=0,
        history=np.array(history, np.int32),
        history_at=START + np.arange(n, dtype=np.int64),
        history_order=np.full(n, -1, np.int32),
        now=START + n,
        targets=np.array(targets, np.int32),
    )


def test_three_sessions_by_hand() -> None:
    # s = 1, then 2: π is 1/2 and 1, so r is 1/2, 3/2 and 1. Newest shared: 1 (second place, λ .8), then 2 (.9) twice.
    expected = {
        0: 0.8 * 0.5 * log(3),
        1: (0.8 * 0.5 + 0.9 * 1.5) * log(3 / 2),
        2: (0.9 * 1.5 + 0.9 * 1.0) * log(3 / 2),
        3: 0.9 * 1.5 * log(3),
        4: 0.9 * 1.0 * log(3),
    }
    model = fitted(HAND, ALL_SIGNS)
    assert scores_of(model, [1, 2]) == pytest.approx(expected)
    assert model.rank(asked([1, 2]), np.ones(N, np.bool_), 10).tolist() == [3, 4, 2, 1, 0]


def test_the_sample_the_neighbours_and_the_last_signs_by_hand() -> None:
    nearest = msgspec.structs.replace(ALL_SIGNS, neighbours=1)
    assert set(scores_of(fitted(HAND, nearest), [1, 2])) == {1, 2, 3}
    newest = msgspec.structs.replace(ALL_SIGNS, newest=1)
    assert scores_of(fitted(HAND, newest), [1, 2]) == pytest.approx({2: 0.9 * log(3 / 2), 4: 0.9 * log(3)})
    last = msgspec.structs.replace(ALL_SIGNS, longest_question=1)
    assert scores_of(fitted(HAND, last), [1, 2]) == pytest.approx(
        {1: 0.9 * log(3 / 2), 2: 1.8 * log(3 / 2), 3: 0.9 * log(3), 4: 0.9 * log(3)}
    )


@pytest.mark.parametrize("longest_question", [1, 3, 20])
@pytest.mark.parametrize(("newest", "neighbours"), [(500, 100), (6, 4), (20, 20), (3, 100)])
@pytest.mark.parametrize("names_newest", [False, True])
def test_every_score_is_that_of_the_formula(
    newest: int, neighbours: int, longest_question: int, names_newest: bool
) -> None:
    rng = np.random.default_rng(newest + longest_question)
    past = [rng.integers(0, N - 1, rng.integers(1, 7)).tolist() for _ in range(60)]
    config = VmisConfig(
        newest=newest, neighbours=neighbours, longest_question=longest_question, names_newest=names_newest
    )
    model = fitted(past, config)
    for length in (1, 2, 3, 5, 9, 30):
        session = rng.integers(0, N, length).tolist()
        assert scores_of(model, session) == pytest.approx(slow_scores(session, past, config), rel=1e-6)


def test_a_match_beyond_the_tenth_place_counts_nothing() -> None:
    past = [[20, 21], [0, 22], [23, 24]]
    model = fitted(past, ALL_SIGNS, 30)
    assert scores_of(model, [20, *range(1, 9)]) == pytest.approx({20: 0.1 / 9 * log(3), 21: 0.1 / 9 * log(3)})
    assert scores_of(model, [20, *range(1, 10)]) == {}
    assert scores_of(model, [20, *range(1, 12)]) == {}


def test_a_product_unknown_to_the_index_has_its_place_and_no_neighbours() -> None:
    model = fitted(HAND, ALL_SIGNS)
    assert scores_of(model, [1, N + 5]) == pytest.approx({p: s * 0.5 * 0.8 / 0.9 for p, s in alone(model, 1).items()})
    assert scores_of(model, [N + 5]) == {}
    assert model.rank(asked([N + 5]), np.ones(N, np.bool_), 10).tolist() == []


def alone(model: Vmis, product: int) -> dict[int, float]:
    return scores_of(model, [product])


def test_only_what_is_eligible_is_listed() -> None:
    eligible = np.ones(N, np.bool_)
    eligible[[3, 2]] = False
    assert fitted(HAND, ALL_SIGNS).rank(asked([1, 2]), eligible, 2).tolist() == [4, 1]


def test_without_sessions_of_two_products_there_is_no_model() -> None:
    assert fit_vmis(sequences_from([[1], [2, 2]]), ALL_SIGNS) is None
    assert index_sessions(sequences_from([])) is None


def test_what_is_chosen_is_what_validation_prefers() -> None:
    """Only the sign before the last tells what comes next, and orders repeat what was looked at last."""
    index = index_sessions(sequences_from(HAND))
    assert index is not None
    wanted = VmisConfig(newest=1_000, neighbours=50, longest_question=3, names_newest=True)

    def agreement(tried: Vmis) -> float:
        mine, theirs = msgspec.structs.astuple(tried.config), msgspec.structs.astuple(wanted)
        return float(sum(one == other for one, other in zip(mine, theirs, strict=True)))

    assert choose_vmis(index, agreement) == wanted
    assert choose_vmis(index, lambda tried: 0.0) == VmisConfig()


def test_where_orders_follow_looks_the_newest_product_is_shown() -> None:
    """Everyone looks at two products of a row and orders the second: its own repeat is what comes next."""
    rows = [
        row
        for shopper in range(40)
        for day in range(10)
        for row in bought(shopper, shopper % 5, START + day * DAY + shopper * 60 * SECOND, 40 * day + shopper)
    ]
    held = hold_out(sequences_of(rows, N), ALL_SHOPPERS, np.random.default_rng(0), Protocol.NEXT_SIGN)
    everything = np.ones(N, np.bool_)
    known, new = fit_baselines(held, held.rest, everything, [convention for _, convention in CONVENTIONS])
    model = known[-1]
    assert isinstance(model, Vmis)
    assert model.config.names_newest
    assert mean_recall(model, held.questions, everything, repeats_allowed) == 1.0
    assert new[-1].name == VMIS


def bought(shopper: int, product: int, at: int, number: int) -> list[Row]:
    looks = [view(shopper, product, at), view(shopper, product + 5, at + SECOND)]
    return [*looks, *order(shopper, [product + 5], at + 2 * SECOND, number)]


@pytest.mark.parametrize("protocol", list(Protocol))
def test_it_stands_beside_the_others_where_the_next_sign_is_asked_for(protocol: Protocol) -> None:
    sequences = make_sequences(shop_of_tastes(), SequenceConfig())
    held = hold_out(sequences, 30, np.random.default_rng(0), protocol)
    conventions = [convention for _, convention in CONVENTIONS]
    for baselines in fit_baselines(held, held.rest, np.ones(N_PRODUCTS, np.bool_), conventions):
        assert (VMIS in [baseline.name for baseline in baselines]) == (protocol is Protocol.NEXT_SIGN)


def test_the_same_history_gives_the_same_lists() -> None:
    sequences = make_sequences(shop_of_tastes(), SequenceConfig())
    first, second = (fit_vmis(sequences, VmisConfig()) for _ in range(2))
    assert first is not None
    assert second is not None
    everything = np.ones(N_PRODUCTS, np.bool_)
    for product in range(N_PRODUCTS):
        question = asked([product, (product * 7 + 1) % N_PRODUCTS])
        assert first.rank(question, everything, 20).tolist() == second.rank(question, everything, 20).tolist()
