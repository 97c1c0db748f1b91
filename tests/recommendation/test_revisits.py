"""Turning back within a visit: what is counted, what is named, and when nobody is reminded of anything."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from smartshop.ai_agents.recommendation.revisit_cells import AFTER_HERE, AGO, LINE, LOOK, ORDER, SHAPE, TIMES
from smartshop.ai_agents.recommendation.revisits import (
    UNHEARD,
    Revisits,
    RevisitsConfig,
    chances,
    count_revisits,
    draw_revisits,
    fit_revisits,
)
from smartshop.ai_agents.recommendation.sequences import Sequences
from smartshop.ai_agents.recommendation.source import Moment
from tests.recommendation.worlds import DAY, HOUR, SECOND, START, Row, order, sequences_of, view

N = 8
CONFIG = RevisitsConfig()
Sign = tuple[int, int, bool]
"""product, µs before now, ordered"""


def moment(signs: Sequence[Sign], eligible: Sequence[int] = range(N)) -> Moment:
    return Moment(
        eligible=np.isin(np.arange(N), list(eligible)),
        history=np.array([product for product, _, _ in signs], np.int32),
        history_at=np.array([START - ago for _, ago, _ in signs], np.int64),
        now=START,
        focus=np.zeros(0, np.int32),
        bought=np.array([bought for _, _, bought in signs], np.bool_),
    )


def named(learned: Revisits, signs: Sequence[Sign], eligible: Sequence[int] = range(N)) -> list[int]:
    return [int(product) for product in draw_revisits(learned.chance, moment(signs, eligible), 10, CONFIG).product_no]


def baskets(visits: int = 60) -> Sequences:
    """Whoever orders looked at three or four products before, and orders them all as they come."""
    rng = np.random.default_rng(2)
    rows: list[Row] = []
    for number in range(visits):
        at = START + number * DAY
        looked = rng.permutation(N)[: 3 + number % 2].tolist()
        rows += [view(number, product, at + place * SECOND) for place, product in enumerate(looked)]
        rows += order(number, looked, at + 60 * SECOND, number)
    return sequences_of(rows, N)


def looks(*products: int) -> list[Sign]:
    return [(product, (90 - place) * SECOND, False) for place, product in enumerate(products)]


def test_an_order_goes_along_the_trail_of_its_visit() -> None:
    learned = fit_revisits(baskets(), CONFIG)
    assert named(learned, [*looks(5, 2, 7), (5, 0, True)])[0] == 2
    assert named(learned, [*looks(5, 2, 7), (5, 0, True), (2, 0, True)]) == [7]


def test_after_a_whole_order_nobody_is_told_to_add_a_line() -> None:
    learned = fit_revisits(baskets(), CONFIG)
    assert named(learned, [*looks(5, 2, 7), (5, SECOND, True)]) == []


def test_where_nobody_turns_back_nothing_is_named() -> None:
    rows = [view(shopper, (shopper + step) % N, START + step * SECOND) for shopper in range(60) for step in range(5)]
    assert named(fit_revisits(sequences_of(rows, N), CONFIG), looks(1, 2, 3)) == []


def test_to_and_fro_is_learned_as_well() -> None:
    """Of two products looked at in turns the other one is next."""
    rows = [
        view(shopper, (shopper + step % 2) % N, START + shopper * DAY + step * SECOND)
        for shopper in range(60)
        for step in range(6)
    ]
    assert named(fit_revisits(sequences_of(rows, N), CONFIG), looks(4, 1, 4, 1)) == [4]


def test_a_visit_that_is_over_is_left_alone() -> None:
    learned = fit_revisits(baskets(), CONFIG)
    begun = [*looks(5, 2, 7), (5, 0, True)]
    assert named(learned, [(product, ago + HOUR, bought) for product, ago, bought in begun]) == []
    earlier = [(product, DAY + ago, bought) for product, ago, bought in looks(0, 3)]
    assert named(learned, [*earlier, *begun]) == named(learned, begun)


def test_only_what_may_be_shown_is_named() -> None:
    learned = fit_revisits(baskets(), CONFIG)
    begun = [*looks(5, 2, 7), (5, 0, True)]
    assert named(learned, begun, eligible=(7, 0)) == [product for product in named(learned, begun) if product == 7]
    assert named(learned, begun, eligible=(0, 1)) == []


def test_a_click_and_its_look_are_one_sign() -> None:
    learned = fit_revisits(baskets(), CONFIG)
    clicked = [(5, 91 * SECOND, False), *looks(5, 2), (2, 88 * SECOND, False), (7, 87 * SECOND, False), (5, 0, True)]
    assert named(learned, clicked) == named(learned, [*looks(5, 2, 7), (5, 0, True)])


def test_nobody_says_which_signs_are_orders() -> None:
    learned = fit_revisits(baskets(), CONFIG)
    untold = replace(moment(looks(1, 2, 3)), bought=np.zeros(0, np.bool_))
    assert draw_revisits(learned.chance, untold, 10, CONFIG).product_no.tolist() == named(learned, looks(1, 2, 3))


def test_counts_are_those_of_plain_counting() -> None:
    rng = np.random.default_rng(5)
    rows: list[Row] = []
    for visit in range(40):
        at = START + visit * DAY
        looked = rng.integers(4, size=int(rng.integers(1, 9))).tolist()
        rows += [view(visit % 9, product, at + step * SECOND) for step, product in enumerate(looked)]
        rows += order(visit % 9, rng.permutation(4)[: int(rng.integers(0, 4))].tolist(), at + 20 * SECOND, visit)
    sequences = sequences_of(rows, 4)
    hits, cases = count_revisits(sequences, CONFIG)
    expected_hits, expected_cases = plainly_counted(sequences)
    assert cases.sum() > 300
    assert hits.sum() > 60
    np.testing.assert_array_equal(cases, expected_cases)
    np.testing.assert_array_equal(hits, expected_hits)


def plainly_counted(sequences: Sequences) -> tuple[np.ndarray, np.ndarray]:
    """As the docstrings of `revisits` and `revisit_cells` have it, one case after the other."""
    hits, cases = np.zeros(SHAPE, np.int64), np.zeros(SHAPE, np.int64)
    for session in np.unique(sequences.session):
        signs = np.flatnonzero(sequences.session == session)
        trail, at = sequences.product[signs].tolist(), sequences.occurred_at[signs].tolist()
        bought = (sequences.order[signs] >= 0).tolist()
        for asked in range(1, len(trail)):
            known, here = trail[:asked], asked - 1
            before = LOOK if not bought[here] else LINE if at[asked] == at[here] else ORDER
            places = [place for place in range(here) if known[place] == known[here]]
            for product in set(known):
                last = max(place for place in range(asked) if known[place] == product)
                onwards = sum(last - places[-1] >= bound for bound in AFTER_HERE) if places else 0
                ago = sum(asked - last >= bound for bound in AGO)
                times = sum(known.count(product) >= bound for bound in TIMES)
                cell = (before, int(bought[last]), onwards, ago, times)
                cases[cell] += 1
                hits[cell] += trail[asked] == product
    return hits, cases


def test_what_is_seldom_met_is_told_by_what_is_like_it() -> None:
    nothing = np.zeros(SHAPE, np.int64)
    assert chances(nothing, nothing, 20.0) == pytest.approx(UNHEARD)
    cases, hits = nothing.copy(), nothing.copy()
    cases[LOOK, 0, 0], hits[LOOK, 0, 0, 0, 0] = 1_000, 900
    chance = chances(hits, cases, 20.0)
    assert chance[LOOK, 0, 0, 0, 0] == pytest.approx(0.9, abs=0.02)
    assert chance[LOOK, 0, 1, 0, 0] == pytest.approx(chance[LOOK, 0, 2, 3, 1])
    assert UNHEARD < chance[LOOK, 1, 0, 0, 0] < chance[LOOK, 0, 0, 0, 0]
    assert chance[ORDER] == pytest.approx(UNHEARD)


def test_only_the_newest_visits_are_counted() -> None:
    whole, newest = baskets(60), RevisitsConfig(most_signs=70)
    of_newest = whole.take(whole.session >= 50)
    for counted, expected in zip(count_revisits(whole, newest), count_revisits(of_newest, CONFIG), strict=True):
        np.testing.assert_array_equal(counted, expected)


def test_a_table_of_another_shape_is_refused(tmp_path: Path) -> None:
    fit_revisits(baskets(), CONFIG).save(tmp_path)
    np.save(tmp_path / "revisits.chance.npy", np.zeros((3, 2), np.float32))
    with pytest.raises(ValueError, match=r"\(3, 2\)"):
        Revisits.load(tmp_path)


def test_the_trail_of_a_large_basket_is_not_lost() -> None:
    looked = list(range(100))
    rows: list[Row] = []
    for number in range(30):
        turned = np.random.default_rng(number).permutation(100).tolist()
        at = START + number * DAY
        rows += [view(number, product, at + place * SECOND) for place, product in enumerate(turned)]
        rows += order(number, turned, at + 200 * SECOND, number)
    learned = fit_revisits(sequences_of(rows, 100), CONFIG)
    signs = [*looks(*looked), *[(product, 0, True) for product in looked[:70]]]
    asked = replace(moment(signs), eligible=np.ones(100, np.bool_))
    assert draw_revisits(learned.chance, asked, 10, CONFIG).product_no[0] == 70
