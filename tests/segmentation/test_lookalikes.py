"""Lookalikes: planted types are found again, whatever the figures look like; nonsense finds no nonsense."""

import msgspec
import numpy as np
import pytest

from smartshop.ai_agents.segmentation.lookalikes import LookalikeConfig, fit_likeness, layout_for, rows_of, score
from smartshop.data_collection.schemas.ids import CustomerId, Micros
from smartshop.data_collection.schemas.segments import Affinity, AffinityKind, SegmentId, Standing

N_FEATURES = 20
CONFIG = LookalikeConfig()


def test_half_of_a_planted_type_finds_the_other_half() -> None:
    rng = np.random.default_rng(5)
    kind, shop = planted_shop(rng, 3_000)
    of_kind = rng.permutation(np.flatnonzero(kind == 1))
    seed, hidden = of_kind[: len(of_kind) // 2], of_kind[len(of_kind) // 2 :]
    found = likest(shop, seed, len(hidden))
    # Types overlap; by chance it would be 0.025. Five other worlds gave 0.49 to 0.71.
    assert np.isin(found, hidden).mean() > 0.45
    assert not np.isin(found, seed).any()


def test_a_seed_in_the_middle_of_a_range_is_found() -> None:
    rng = np.random.default_rng(6)
    figures = rng.normal(size=(2_000, N_FEATURES))
    shop = [standing(i, figures[i]) for i in range(len(figures))]
    middle = np.flatnonzero(np.abs(figures[:, 0]) < 0.3)
    seed, hidden = middle[::2], middle[1::2]
    found = likest(shop, seed, len(hidden))
    by_chance = len(hidden) / (len(shop) - len(seed))
    assert np.isin(found, hidden).mean() > 3 * by_chance


def test_leanings_alone_tell_a_seed_apart() -> None:
    shop = [
        msgspec.structs.replace(
            standing(i, np.zeros(N_FEATURES)), affinities=(Affinity(AffinityKind.CATEGORY, f"Garden {i % 5}", 0.8),)
        )
        for i in range(500)
    ]
    found = likest(shop, np.arange(0, 100, 5), 80)
    assert set(found % 5) == {0}


@pytest.mark.parametrize("size", [0.0, 1e30, float("nan"), float("inf"), -float("inf")])
def test_odd_figures_give_numbers(size: float) -> None:
    shop = [standing(i, np.full(N_FEATURES, size)) for i in range(30)]
    layout = layout_for(shop[:3], CONFIG)
    likeness = fit_likeness(layout, rows_of(shop[:3], layout), rows_of(shop[3:], layout), CONFIG)
    assert np.isfinite(score(likeness, rows_of(shop, layout))).all()


def test_a_shop_without_features_and_a_seed_of_one_are_enough() -> None:
    def bought(i: int) -> Standing:
        plain = standing(i, np.empty(0))
        return msgspec.structs.replace(plain, orders=i % 10, spent_minor=1_000 * (i % 10), frequency_score=1 + i % 5)

    shop = [bought(i) for i in range(200)]
    found = likest(shop, np.array([9]), 10)
    assert np.mean(found % 10) > 7, "whoever bought as often comes first"


def test_features_of_another_length_are_unknown_and_no_error() -> None:
    shop = [standing(i, np.ones(N_FEATURES if i % 2 else N_FEATURES + 3)) for i in range(40)]
    layout = layout_for([shop[i] for i in (1, 3, 5, 2)], CONFIG)
    assert layout.n_features == N_FEATURES
    rows = rows_of(shop, layout)
    assert np.isnan(rows[0::2, 8:]).all()
    assert not np.isnan(rows[1::2, 8:]).any()


def planted_shop(rng: np.random.Generator, n: int) -> tuple[np.ndarray, list[Standing]]:
    """n customers of ten overlapping types, (n,) which; a third of the figures skewed, a twentieth missing."""
    kind = np.where(rng.random(n) < 0.5, 0, rng.integers(0, 10, n))
    figures = rng.normal(0, 0.6, (10, N_FEATURES))[kind] + rng.normal(size=(n, N_FEATURES))
    figures[:, ::3] = np.exp(figures[:, ::3])
    figures[rng.random(figures.shape) < 0.05] = np.nan
    return kind, [standing(i, figures[i]) for i in range(n)]


def standing(number: int, figures: np.ndarray) -> Standing:
    return Standing(
        customer_id=CustomerId(f"c-{number}"),
        rfm_group=SegmentId("rfm-loyal"),
        orders=2,
        spent_minor=4_000,
        last_seen_at=Micros(0),
        changed_at=Micros(0),
        features=figures.astype(np.float32).tobytes(),
    )


def likest(shop: list[Standing], seed: np.ndarray, size: int) -> np.ndarray:
    """(size,) indices of those outside the seed that are most like it."""
    others = np.setdiff1d(np.arange(len(shop)), seed)
    learned = [shop[i] for i in seed]
    layout = layout_for(learned, CONFIG)
    rest = rows_of([shop[i] for i in others], layout)
    likeness = fit_likeness(layout, rows_of(learned, layout), rest, CONFIG)
    return others[np.argsort(-score(likeness, rest), kind="stable")[:size]]
