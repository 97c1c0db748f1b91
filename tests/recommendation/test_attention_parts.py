"""The parts of the self-attentive source: windows, starting vectors, the network and its exported twin."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartshop.ai_agents.recommendation.neural.encoder import Encoder
from smartshop.ai_agents.recommendation.neural.histories import (
    Histories,
    batches,
    choose_vocabulary,
    split_histories,
)
from smartshop.ai_agents.recommendation.neural.settings import AttentionConfig
from smartshop.ai_agents.recommendation.neural.starting_vectors import starting_vectors
from smartshop.ai_agents.recommendation.neural.weights import Weights, new_weights
from smartshop.ai_agents.recommendation.sequences import SequenceConfig, Sequences, make_sequences
from tests.recommendation.worlds import (
    HOUR,
    N_PRODUCTS,
    PRODUCTS_PER_TASTE,
    START,
    sequences_of,
    shop_of_tastes,
    view,
)

ROWS = st.lists(st.lists(st.integers(0, 8), max_size=30), max_size=6)
NETWORK = AttentionConfig(embedding_size=8, max_history=6, layers=3, feed_forward=1.5)


def sequences_from(histories: list[list[int]]) -> Sequences:
    rows = [view(shopper, p, START + i * HOUR) for shopper, row in enumerate(histories) for i, p in enumerate(row)]
    return sequences_of(rows, 9)


def collapsed(row: list[int]) -> list[int]:
    return [product for i, product in enumerate(row) if i == 0 or product != row[i - 1]]


@given(ROWS, st.integers(1, 7), st.sampled_from([0.0, 0.3]))
def test_every_sign_but_a_shoppers_first_is_predicted_once_or_put_aside(
    rows: list[list[int]], longest: int, put_aside: float
) -> None:
    sequences = sequences_from(rows)
    products = choose_vocabulary(sequences, 9)
    found, exam = split_histories(
        sequences, products, max_history=longest, max_signs=10_000, put_aside=put_aside, seed=1
    )
    predicted: list[int] = []
    for start, end in zip(found.start.tolist(), found.end.tolist(), strict=True):
        assert end - start <= longest + 1
        predicted.extend(range(start + 1, end))
    last_asked = exam.histories.end.tolist()
    firsts = np.cumsum([0, *(len(collapsed(row)) for row in rows if row)]).tolist()[:-1]
    assert sorted([*predicted, *last_asked, *firsts]) == list(range(len(found.codes)))
    assert exam.target.tolist() == found.codes[exam.histories.end].tolist()
    assert products[found.codes].tolist() == [product for row in rows for product in collapsed(row)]


def test_the_newest_signs_are_kept_when_there_are_too_many() -> None:
    sequences = sequences_from([[1, 2, 3], [4, 5, 6, 7]])
    products = choose_vocabulary(sequences, 9)
    found, _ = split_histories(sequences, products, max_history=9, max_signs=3, put_aside=0.0, seed=0)
    assert products[found.codes].tolist() == [3, 6, 7]


def test_a_vocabulary_holds_the_products_of_most_shoppers() -> None:
    sequences = sequences_from([[3, 1, 5], [3, 5], [5, 5, 5], [2]])
    assert choose_vocabulary(sequences, 2).tolist() == [3, 5]
    assert choose_vocabulary(sequences, 9).tolist() == [1, 2, 3, 5]
    assert choose_vocabulary(sequences_from([]), 5).tolist() == []


def test_batches_hold_every_window_once_and_differ_by_luck_only() -> None:
    lengths = np.random.default_rng(0).integers(1, 9, 100)
    ends = np.cumsum(lengths)
    histories = Histories(np.arange(ends[-1]), ends - lengths, ends)
    walks = [list(batches(histories, 40, np.random.default_rng(seed))) for seed in (1, 1, 2)]
    for walk in walks:
        assert sorted(np.concatenate(walk).tolist()) == np.flatnonzero(lengths >= 2).tolist()
        assert max(int((lengths[batch] - 1).sum()) for batch in walk) <= 40 + 8
    same = [[batch.tolist() for batch in walk] for walk in walks]
    assert same[0] == same[1] != same[2]


def test_windows_are_filled_up_on_the_right() -> None:
    histories = Histories(np.array([7, 8, 9, 3, 4]), np.array([0, 3]), np.array([3, 5]))
    codes, mask = histories.padded(np.array([1, 0]))
    assert codes.tolist() == [[3, 4, 0], [7, 8, 9]]
    assert mask.tolist() == [[True, True, False], [True, True, True]]


def test_starting_vectors_lie_near_where_shoppers_walk_on() -> None:
    sequences = make_sequences(shop_of_tastes(), SequenceConfig())
    histories, _ = split_histories(
        sequences, np.arange(N_PRODUCTS, dtype=np.int32), max_history=50, max_signs=10_000, put_aside=0.0, seed=0
    )
    vectors = starting_vectors(histories, N_PRODUCTS, 8, 0)
    assert vectors.dtype == np.float32
    assert vectors.tolist() == starting_vectors(histories, N_PRODUCTS, 8, 0).tolist()
    alike = vectors @ vectors.T
    taste = np.arange(N_PRODUCTS) // PRODUCTS_PER_TASTE
    same = taste[:, None] == taste
    assert alike[same].mean() > 10 * abs(alike[~same].mean())


def test_starting_vectors_exist_for_products_that_nobody_walked_to() -> None:
    alone = Histories(np.array([0, 1, 2]), np.arange(3), np.arange(1, 4))
    vectors = starting_vectors(alone, 3, 8, 0)
    assert vectors.shape == (3, 8)
    assert (np.abs(vectors).sum(axis=1) > 0).all()


def some_weights(seed: int = 5, config: AttentionConfig = NETWORK, products: int = 12) -> Weights:
    """Random in every part, so that none can be left out unnoticed."""
    rng = np.random.default_rng(seed)
    weights = new_weights(rng.standard_normal((products, config.embedding_size)).astype(np.float32), config, 0)
    return {
        name: (array + 0.2 * rng.standard_normal(array.shape)).astype(np.float32) for name, array in weights.items()
    }


def test_the_exported_graph_says_what_the_network_says() -> None:
    torch = pytest.importorskip("torch")
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    from smartshop.ai_agents.recommendation.neural.export import encoder_graph
    from smartshop.ai_agents.recommendation.neural.network import as_tensors, encode

    members = [some_weights(seed) for seed in (5, 6)]
    graph = encoder_graph(members, NETWORK)
    assert graph == encoder_graph(members, NETWORK)
    encoder = Encoder(graph)
    vectors = np.concatenate([weights["vectors"] for weights in members], axis=1)
    learned = [as_tensors(weights, torch.device("cpu")) for weights in members]
    for length in range(1, NETWORK.max_history + 1):
        codes = np.random.default_rng(length).integers(0, 12, length)
        with torch.no_grad():
            said = [encode(tensors, torch.from_numpy(codes[None]), NETWORK, 0.0)[0, -1].numpy() for tensors in learned]
        np.testing.assert_allclose(encoder.wanted(vectors[codes]), np.concatenate(said), atol=1e-5)


def test_the_network_does_not_look_ahead() -> None:
    torch = pytest.importorskip("torch")
    from smartshop.ai_agents.recommendation.neural.network import as_tensors, encode

    tensors = as_tensors(some_weights(), torch.device("cpu"))
    with torch.no_grad():
        one = encode(tensors, torch.tensor([[1, 2, 3, 4, 5]]), NETWORK, 0.0)[0]
        other = encode(tensors, torch.tensor([[1, 2, 3, 9, 0]]), NETWORK, 0.0)[0]
    np.testing.assert_allclose(one[:3].numpy(), other[:3].numpy(), atol=1e-6)
    assert float((one[3:] - other[3:]).abs().max()) > 0.1


def test_the_loss_takes_a_candidates_chance_into_account() -> None:
    """By hand: scores (1, 0) less the logs of chances 1/2 and 1/4 leave 1 + ln 2 and ln 4."""
    torch = pytest.importorskip("torch")
    from smartshop.ai_agents.recommendation.neural.network import told_apart

    vectors = torch.tensor([[1.0, 0.0], [5.0, 5.0], [0.0, 1.0]])
    chance = torch.tensor([0.5, 1.0, 0.25])
    loss = told_apart(torch.tensor([[1.0, 0.0]]), torch.tensor([2]), vectors, torch.tensor([0, 2]), chance)
    first, second = 2 * np.e, 4.0
    assert float(loss) == pytest.approx(-np.log(second / (first + second)), rel=1e-5)
