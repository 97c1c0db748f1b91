"""Segments keep their ids over refits; ids are given once; and every move has a reason."""

import numpy as np
import pytest
from numpy.typing import NDArray

from smartshop.ai_agents.segmentation.choosing import Choice, best_choice
from smartshop.ai_agents.segmentation.clusters import assign
from smartshop.ai_agents.segmentation.dividing import DivideConfig
from smartshop.ai_agents.segmentation.identity import ClusterRefit, RefitConfig, refit_clusters
from smartshop.ai_agents.segmentation.matching import most_moved
from tests.segmentation.made_tastes import Known, blobs, known, sorts

SQUARE = np.array([[0.0, 0.0], [8.0, 0.0], [0.0, 8.0], [8.0, 8.0]])


def given(k: int) -> RefitConfig:
    return RefitConfig(divide=DivideConfig(k=k, starts=5))


def refit(customers: Known, before: ClusterRefit | None, k: int, seed: int = 0) -> ClusterRefit:
    return refit_clusters(
        customers,
        before.clusters if before else None,
        before.labels if before else None,
        rng=np.random.default_rng(seed),
        config=given(k),
    )


def ids_of(found: ClusterRefit) -> list[str]:
    assert found.clusters is not None
    return list(found.clusters.ids)


def id_of_most(found: ClusterRefit, who: NDArray[np.bool_]) -> str:
    return ids_of(found)[int(np.bincount(found.labels[who & (found.labels >= 0)]).argmax())]


def test_other_seeds_and_a_little_more_behaviour_keep_every_id() -> None:
    customers, sort = sorts(800, 4, seed=1)
    before = refit(customers, None, 4)
    more = customers.taste.toarray() + np.random.default_rng(5).poisson(0.05, customers.taste.shape)
    after = refit(known(customers.x, more), before, 4, seed=9)
    assert ids_of(after) == ids_of(before) == ["b1", "b2", "b3", "b4"]
    assert after.report.is_warm
    for one in range(4):
        assert id_of_most(after, sort == one) == id_of_most(before, sort == one)
    assert after.report.moved_model <= 0.02 * after.report.compared


def test_who_begins_to_behave_differently_moves_for_that_reason() -> None:
    customers, sort = sorts(800, 4, seed=1, signs=30)
    before = refit(customers, None, 4)
    taste = customers.taste.toarray()
    changed = np.flatnonzero(sort == 0)[:40]
    taste[changed] = taste[np.flatnonzero(sort == 1)[:40]]
    after = refit(known(customers.x, taste), before, 4)
    assert 30 <= after.report.moved_behaviour <= 40
    assert after.report.moved_model <= 5
    assert not after.report.held_back


def test_a_refit_that_reshuffles_who_did_nothing_is_held_back_with_a_sentence() -> None:
    customers, _ = blobs(800, SQUARE, seed=2)
    before = refit(customers, None, 4)
    assert before.clusters is not None
    # As if the segments that serve had been learned from a shop in which the square stood at a slant.
    slanted = np.array([[4.0, -2.0], [10.0, 4.0], [-2.0, 4.0], [4.0, 10.0]])
    present = refit(blobs(800, slanted, seed=2)[0], None, 4).clusters
    assert present is not None
    previous = assign(present, customers)
    after = refit_clusters(customers, present, previous, rng=np.random.default_rng(0), config=given(4))
    report = after.report
    assert report.moved_behaviour == 0
    assert report.held_back == (report.moved_model > most_moved(0.1, report.compared))
    assert report.held_back
    assert str(report.moved_model) in after.note


@pytest.mark.parametrize("compared", [100, 220, 2_000, 100_000])
def test_a_shop_that_moves_the_set_share_is_seldom_held_back_and_a_reshuffle_always(compared: int) -> None:
    rng, most = np.random.default_rng(compared), most_moved(0.1, compared)
    assert 0.005 < np.mean(rng.binomial(compared, 0.1, 20_000) > most) < 0.04
    assert np.mean(rng.binomial(compared, 0.25, 20_000) > most) > 0.97
    assert most < 0.1 * compared + 2 * np.sqrt(compared)


def test_a_split_keeps_the_id_with_the_larger_part_and_ids_are_never_given_again() -> None:
    customers, sort = blobs(900, SQUARE, seed=2)
    large = customers.only(np.flatnonzero((sort != 3) | (np.arange(900) % 3 == 0)))
    kept = sort[(sort != 3) | (np.arange(900) % 3 == 0)]
    three = refit(large, None, 3)
    four = refit(large, three, 4)
    assert len(set(ids_of(four)) & set(ids_of(three))) == 3
    assert four.report.came == ("b4",)
    home = {one: id_of_most(three, kept == one) for one in range(4)}
    # Two sorts shared a segment. The more numerous of them keeps its id.
    pair = next([a, b] for a in range(4) for b in range(a) if home[a] == home[b])
    larger = max(pair, key=lambda one: int((kept == one).sum()))
    smaller = min(pair, key=lambda one: int((kept == one).sum()))
    assert id_of_most(four, kept == larger) == home[larger]
    assert id_of_most(four, kept == smaller) == "b4"
    again = refit(large, four, 3)
    assert len(again.report.retired) == 1
    assert set(ids_of(again)) < set(ids_of(four))
    more = refit(large, again, 4)
    assert more.report.came == ("b5",)


def test_other_topics_are_learned_anew_under_the_old_ids() -> None:
    customers, sort = sorts(800, 4, seed=1)
    before = refit(customers, None, 4)
    wider = np.hstack([np.zeros((800, 1)), customers.taste.toarray()])
    after = refit(known(customers.x, wider), before, 4)
    assert not after.report.is_warm
    for one in range(4):
        assert id_of_most(after, sort == one) == id_of_most(before, sort == one)


def test_the_present_number_stays_unless_another_is_clearly_better() -> None:
    tried = [Choice(4, 0.90, 2.0, 0.1), Choice(5, 0.93, 2.02, 0.1), Choice(6, 0.5, 1.9, 0.1)]

    def chosen(present: int | None) -> int | None:
        found = best_choice(tried, present=present, clearly=1.15, least_share=0.02)
        return found.k if found else None

    assert (chosen(None), chosen(4), chosen(6)) == (5, 4, 5)
    assert best_choice(tried, present=None, clearly=1.15, least_share=0.2) is None


def test_too_few_left_means_none_and_says_which_are_gone() -> None:
    customers, _ = sorts(800, 4, seed=1)
    before = refit(customers, None, 4)
    few = customers.only(slice(0, 100))
    after = refit_clusters(few, before.clusters, before.labels[:100], rng=np.random.default_rng(0), config=given(4))
    assert after.clusters is None
    assert after.report.retired == ("b1", "b2", "b3", "b4")
