"""Scoring only who may be among the best must give the list that scoring everybody gives."""

from pathlib import Path

import numpy as np
import pytest

from smartshop.ai_agents.recommendation.neural.screening import LEAST_VOCABULARY, Screen, make_screen

pytest.importorskip("onnx", reason="the extra neural is not installed")
pytest.importorskip("onnxruntime", reason="the extra onnx is not installed")

SIZE, WIDTH = LEAST_VOCABULARY, 24


def best_eligible(score: np.ndarray, eligible: np.ndarray, n: int) -> np.ndarray:
    """Places by a full sort."""
    by_score = np.argsort(-score, kind="stable")
    return np.asarray(by_score[eligible[by_score]][:n])


@pytest.fixture(scope="module")
def vectors() -> np.ndarray:
    """Lengths as unlike as those of well-known and of rare products."""
    rng = np.random.default_rng(3)
    lengths = np.exp(rng.normal(0.0, 1.0, (SIZE, 1)))
    return (rng.normal(0.0, 1.0, (SIZE, WIDTH)) * lengths).astype(np.float32)


@pytest.fixture(scope="module")
def screen(vectors: np.ndarray) -> Screen:
    made = make_screen(vectors)
    assert made is not None
    return made


@pytest.mark.parametrize("share", [1.0, 0.5, 0.01, 0.0])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_best_are_among_the_promising(vectors: np.ndarray, screen: Screen, share: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    wanted = rng.normal(0.0, 1.0, WIDTH).astype(np.float32)
    eligible = rng.random(SIZE) < share
    places = screen.promising(wanted, eligible, 50)
    assert eligible[places].all()
    assert (np.diff(places) > 0).all()
    best = best_eligible(np.vecdot(vectors, wanted), eligible, 50)
    assert set(best.tolist()) <= set(places.tolist())
    among = np.ones(len(places), np.bool_)
    assert places[best_eligible(np.vecdot(vectors[places], wanted), among, 50)].tolist() == best.tolist()


def test_few_are_promising_where_all_may_be_shown(vectors: np.ndarray, screen: Screen) -> None:
    wanted = np.random.default_rng(5).normal(0.0, 1.0, WIDTH).astype(np.float32)
    assert 50 <= len(screen.promising(wanted, np.ones(SIZE, np.bool_), 50)) < SIZE / 5


def test_a_smaller_shelf_is_screened_to_its_end(vectors: np.ndarray, screen: Screen) -> None:
    wanted = np.random.default_rng(6).normal(0.0, 1.0, WIDTH).astype(np.float32)
    eligible = np.ones(SIZE // 2, np.bool_)
    best = best_eligible(np.vecdot(vectors[: SIZE // 2], wanted), eligible, 50)
    assert set(best.tolist()) <= set(screen.promising(wanted, eligible, 50).tolist())


def test_wanting_nothing_leaves_nobody_out(screen: Screen) -> None:
    assert len(screen.promising(np.zeros(WIDTH, np.float32), np.ones(SIZE, np.bool_), 50)) == SIZE


def test_a_saved_screen_says_the_same(vectors: np.ndarray, screen: Screen, tmp_path: Path) -> None:
    screen.save(tmp_path, "attention")
    loaded = Screen.load(tmp_path, "attention")
    assert loaded is not None
    wanted = np.random.default_rng(7).normal(0.0, 1.0, WIDTH).astype(np.float32)
    everyone = np.ones(SIZE, np.bool_)
    assert loaded.promising(wanted, everyone, 50).tolist() == screen.promising(wanted, everyone, 50).tolist()
    again = make_screen(vectors)
    assert again is not None
    assert again.session.model == screen.session.model


def test_few_products_need_no_screen(vectors: np.ndarray, tmp_path: Path) -> None:
    assert make_screen(vectors[:100]) is None
    assert Screen.load(tmp_path, "attention") is None
