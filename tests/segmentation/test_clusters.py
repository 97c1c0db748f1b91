"""Who belongs where: found again where it is known, one rule for the refit and live, and nothing that breaks it."""

import warnings
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from smartshop.ai_agents.segmentation.choosing import adjusted_rand
from smartshop.ai_agents.segmentation.clusters import (
    AssignConfig,
    Clusters,
    assign,
    leanings,
    load_clusters,
    log_odds,
    membership,
    save_clusters,
    session_membership,
)
from smartshop.ai_agents.segmentation.dividing import DivideConfig
from smartshop.ai_agents.segmentation.identity import ClusterRefit, RefitConfig, refit_clusters
from smartshop.ai_agents.segmentation.space import CLIP, fit_space, points
from smartshop.errors import ModelRefused
from tests.segmentation.made_tastes import Known, blobs, known, sorts

QUICK = DivideConfig(starts=4, cuts=3, most_k=7)
SQUARE = np.array([[0.0, 0.0], [7.0, 0.0], [0.0, 7.0], [7.0, 7.0]])


def fit(customers: Known, config: RefitConfig | None = None, seed: int = 0) -> ClusterRefit:
    return refit_clusters(
        customers, None, None, rng=np.random.default_rng(seed), config=config or RefitConfig(divide=QUICK)
    )


def segments(customers: Known, **options: object) -> Clusters:
    found = fit(customers, **options)  # type: ignore[arg-type]  # passes on fit's own
    assert found.clusters is not None, found.note
    return found.clusters


@pytest.fixture(scope="module")
def four() -> tuple[Known, NDArray[np.int64], ClusterRefit]:
    customers, sort = sorts(900, 4, seed=1)
    return customers, sort, fit(customers)


@pytest.mark.parametrize("k", [3, 5])
def test_sorts_of_customers_and_their_number_are_found_again(k: int) -> None:
    customers, sort = sorts(900, k, seed=k)
    found = fit(customers)
    assert found.report.k == k
    assert found.report.by_taste
    sure = found.labels >= 0
    assert sure.mean() > 0.7
    assert adjusted_rand(sort[sure], found.labels[sure]) > 0.85


def test_where_nothing_is_known_of_tastes_habits_divide_and_everybody_has_a_segment() -> None:
    customers, sort = blobs(600, SQUARE, seed=1)
    found = fit(customers)
    assert not found.report.by_taste
    assert found.report.k == 4
    assert adjusted_rand(sort, found.labels) > 0.95


def test_memberships_sum_to_one_and_are_as_sure_as_they_say(
    four: tuple[Known, NDArray[np.int64], ClusterRefit],
) -> None:
    customers, sort, found = four
    assert found.clusters is not None
    shares = membership(found.clusters, customers)
    np.testing.assert_allclose(shares.sum(axis=1), 1.0, atol=1e-5)
    best = shares.argmax(axis=1)
    # Which segment is which sort: the one most of whose customers are.
    sort_of = np.array([np.bincount(sort[best == place], minlength=4).argmax() for place in range(4)])
    right = sort_of[best] == sort
    half_sure = (shares.max(axis=1) > 0.5) & (shares.max(axis=1) < 0.8)
    assert right[half_sure].mean() == pytest.approx(shares.max(axis=1)[half_sure].mean(), abs=0.15)


def test_the_less_is_known_the_less_sure_and_nobody_is_put_anywhere_for_nothing() -> None:
    clusters = segments(sorts(900, 4, seed=1)[0])
    taste = np.zeros((3, 12))
    taste[1, 0], taste[2, 0:3] = 1, 8
    few = known(np.zeros((3, 2)), taste)
    shares = membership(clusters, few).max(axis=1)
    assert shares[0] < shares[1] < shares[2]
    assert assign(clusters, few)[:2].tolist() == [-1, -1]
    assert assign(clusters, few)[2] >= 0


def test_one_customer_alone_gets_the_same_as_among_all(four: tuple[Known, NDArray[np.int64], ClusterRefit]) -> None:
    customers, _, found = four
    assert found.clusters is not None
    together = assign(found.clusters, customers, found.labels)
    for row in range(0, 900, 90):
        only = slice(row, row + 1)
        alone = assign(found.clusters, customers.only(only), found.labels[only])
        assert alone[0] == together[row]
    assert np.array_equal(together, found.labels)


def test_a_customer_stays_until_another_segment_is_clearly_likelier() -> None:
    customers, _ = blobs(600, SQUARE[:2], seed=1)
    clusters = segments(customers, config=RefitConfig(divide=DivideConfig(k=2, starts=4)))
    found = log_odds(clusters, known(np.column_stack([np.linspace(0, 7, 71), np.zeros(71)]), None))
    line = known(np.column_stack([np.linspace(0, 7, 71), np.zeros(71)]), None)
    left = int(found[0].argmax())
    lead = found[:, 1 - left] - found[:, left]
    stayed = assign(clusters, line, np.full(71, left, np.int32)) == left
    assert np.array_equal(stayed, lead <= clusters.config.margin)
    assert np.array_equal(assign(clusters, line) == left, lead <= 0)


def test_a_customer_leaves_into_none_when_nothing_speaks_for_their_segment() -> None:
    clusters = segments(sorts(900, 4, seed=1)[0])
    taste = np.zeros((1, 12))
    taste[0, :] = 2
    undecided = known(np.zeros((1, 2)), taste)
    shares = membership(clusters, undecided)[0]
    least = int(shares.argmin())
    assert shares[least] < AssignConfig().stay
    assert assign(clusters, undecided, np.array([least], np.int32))[0] == -1


def test_a_shopper_without_a_name_gets_a_soft_membership_from_a_handful_of_views(
    four: tuple[Known, NDArray[np.int64], ClusterRefit],
) -> None:
    _, sort, found = four
    assert found.clusters is not None
    row = np.zeros(12, np.float32)
    nothing_known = session_membership(found.clusters, row)
    np.testing.assert_allclose(nothing_known, np.array(found.clusters.sizes) / sum(found.clusters.sizes), atol=0.01)
    row[:3] = 3
    shares = session_membership(found.clusters, row)
    assert shares.sum() == pytest.approx(1.0, abs=1e-5)
    assert shares.argmax() == np.bincount(found.labels[(sort == 0) & (found.labels >= 0)]).argmax()
    assert shares.max() > 0.6


def test_leanings_add_up_to_the_difference_in_log_odds(four: tuple[Known, NDArray[np.int64], ClusterRefit]) -> None:
    customers, _, found = four
    assert found.clusters is not None
    few = customers.only(slice(0, 5))
    by_feature, by_topic = leanings(found.clusters, few, 1, 3)
    odds = log_odds(found.clusters, few)
    share = found.clusters.mixture.log_share
    told = by_feature.sum(axis=1) + by_topic.sum(axis=1) + share[1] - share[3]
    np.testing.assert_allclose(told, odds[:, 1] - odds[:, 3], atol=1e-4)


def test_the_same_input_and_seed_give_the_same_bytes(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        save_clusters(segments(sorts(500, 3, seed=2)[0], seed=4), tmp_path / folder)
    files = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert files
    for name in files:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_what_is_saved_comes_back_and_what_is_cut_is_refused(tmp_path: Path) -> None:
    customers, _ = sorts(500, 3, seed=2)
    clusters = segments(customers)
    save_clusters(clusters, tmp_path)
    back = load_clusters(tmp_path)
    assert (back.ids, back.sizes, back.config, back.next_number) == (
        clusters.ids,
        clusters.sizes,
        clusters.config,
        clusters.next_number,
    )
    assert np.array_equal(membership(back, customers), membership(clusters, customers))
    np.save(tmp_path / "clusters.lift.npy", clusters.mixture.lift[:1])
    with pytest.raises(ModelRefused, match="do not fit each other"):
        load_clusters(tmp_path)
    (tmp_path / "clusters.lift.npy").unlink()
    with pytest.raises(ModelRefused, match="cannot be read"):
        load_clusters(tmp_path)


def test_a_small_shop_is_told_why_it_has_none() -> None:
    customers, _ = sorts(199, 3, seed=1)
    found = fit(customers)
    assert found.clusters is None
    assert (found.labels == -1).all()
    assert "200 customers" in found.note


ODD_SHOPS = {
    "all alike": known(np.ones((300, 3)), np.ones((300, 4)) * 3),
    "all alike, no topics": known(np.ones((300, 3)), None),
    "no features at all": known(np.zeros((300, 0)), None),
    "columns of nothing": known(np.full((300, 3), np.nan), None),
    "two sorts of points": known(np.repeat([[0.0], [1.0]], 150, axis=0), None),
    "endless": known(np.where(np.arange(900).reshape(300, 3) % 7 == 0, np.inf, 1.0), None),
    "one topic": known(np.random.default_rng(0).normal(size=(300, 2)), np.ones((300, 1)) * 5),
    "mere noise": known(
        np.random.default_rng(0).normal(size=(300, 2)), np.random.default_rng(0).poisson(2.0, (300, 6))
    ),
}


@pytest.mark.parametrize("shop", ODD_SHOPS)
@pytest.mark.parametrize("k", [None, 6])
def test_odd_shops_get_segments_or_a_reason_and_no_warnings(shop: str, k: int | None) -> None:
    customers = ODD_SHOPS[shop]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = fit(customers, RefitConfig(divide=DivideConfig(k=k, starts=3, cuts=2, most_k=5)))
    if found.clusters is None:
        assert found.note
        return
    assert np.isfinite(membership(found.clusters, customers)).all()
    again = refit_clusters(
        customers,
        found.clusters,
        found.labels,
        rng=np.random.default_rng(1),
        config=RefitConfig(divide=DivideConfig(k=k, starts=3, cuts=2, most_k=5)),
    )
    assert again.report.moved_behaviour == 0


def test_what_nobody_tells_of_divides_nobody() -> None:
    assert fit(ODD_SHOPS["all alike"]).clusters is None
    assert fit(ODD_SHOPS["all alike, no topics"]).clusters is None


def test_one_giant_makes_no_segment_and_moves_nobodys_place() -> None:
    customers, _ = blobs(400, SQUARE, seed=3)
    with_giant = known(np.vstack([customers.x, [[1e12, 1e12]]]), None)
    found = fit(with_giant, RefitConfig(divide=DivideConfig(k=4, starts=4)))
    assert found.clusters is not None
    assert min(found.clusters.sizes) > 50
    assert np.abs(points(found.clusters.space, with_giant.x)).max() <= CLIP
    plain, drawn_in = fit_space(customers), fit_space(with_giant)
    np.testing.assert_allclose(drawn_in.spread, plain.spread, rtol=0.05)


def test_columns_left_out_say_nothing() -> None:
    customers, _ = blobs(400, SQUARE, seed=3)
    space = fit_space(customers, columns=(True, False))
    assert np.isinf(space.spread[1])
    assert not points(space, customers.x)[:, 1].any()
