"""What goes into baskets, for many visits at once: errands, what goes with them, and what is used up again."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from smartshop.data_collection.pipelines.clock import DAY
from smartshop.simulator.behaviour import LINES_PER_ERRAND, REMOVE_SHARE
from smartshop.simulator.catalogue import complements_of
from smartshop.simulator.fast_choice import Chooser
from smartshop.simulator.fast_people import MOMENT_BITS, Visits
from smartshop.simulator.memory import RIPE_SHARE
from smartshop.simulator.scenario import Scenario

SPARE_LINES = 1.2
"""Lines drawn per line wanted: what is drawn twice or owned already is left out, what is too much is not taken."""
SLATE_LINES = 0.9
"""Lines that the slate beside the basket adds; the mean over both shipped scenarios."""
REDRAWS = 2
"""Times that a product drawn twice for one basket is drawn anew; what is then still there twice is left out."""


@dataclass(frozen=True, slots=True)
class Baskets:
    """Lines put into baskets, by (visit, place); (k,) each."""

    visit: NDArray[np.int32]
    """Index into the visits."""
    product: NDArray[np.int32]
    place: NDArray[np.int32]
    """0, 1, … within the basket."""
    is_removed: NDArray[np.bool_]
    """Taken out again; never the first."""


@dataclass(frozen=True, slots=True)
class _Lines:
    basket: NDArray[np.int32]
    """Index into the baskets: visits with the intention to buy."""
    leaf: NDArray[np.int32]
    product: NDArray[np.int32]


def fill_baskets(scenario: Scenario, chooser: Chooser, visits: Visits, start_at: int) -> Baskets:
    """`start_at`: µs UTC of the history's first moment."""
    shopping = np.flatnonzero(visits.wants > 0)
    lines = _first_lines(scenario, chooser, visits, shopping, start_at)
    again_basket, again_product = _bought_again(scenario, chooser, visits, shopping, lines)
    basket = np.concatenate([again_basket, lines.basket])
    product = np.concatenate([again_product, lines.product])
    is_again = np.arange(len(basket)) < len(again_basket)
    keep = product >= 0
    basket, product, is_again = basket[keep], product[keep], is_again[keep]
    keep = _not_owned(scenario, chooser, visits.person[shopping][basket], basket, product, is_again)
    basket, product = basket[keep], product[keep]
    # Stable: what is used up goes in first, as it does in a visit played out.
    order = np.argsort(basket, kind="stable")
    basket, product = basket[order], product[order]
    place = _place_within(basket)
    fits = place < (visits.wants[shopping] + chooser.rng.poisson(SLATE_LINES, len(shopping)))[basket]
    basket, product, place = basket[fits], product[fits], place[fits]
    removed = (chooser.rng.random(len(place)) < REMOVE_SHARE) & (place > 0)
    return Baskets(visit=shopping[basket].astype(np.int32), product=product, place=place, is_removed=removed)


def _first_lines(
    scenario: Scenario, chooser: Chooser, visits: Visits, shopping: NDArray[np.intp], start_at: int
) -> _Lines:
    """Leaves by errand, then products; the second half leans to what goes with the first."""
    wants = np.ceil(visits.wants[shopping] * SPARE_LINES).astype(np.int32) + 1
    basket = np.repeat(np.arange(len(shopping), dtype=np.int32), wants)
    place = chooser.place(visits.person[shopping], visits.at[shopping])
    leaf = _errand_leaves(scenario, chooser, place, wants, basket)
    number = _place_within(basket)
    half = (wants[basket] + 1) // 2
    second = np.flatnonzero(number >= half)
    leaf[second] = _complement(scenario, chooser, place[basket[second]], leaf[second - half[second]], leaf[second])
    person, by = visits.person[shopping][basket], visits.at[shopping][basket] + start_at
    product = chooser.products(person, leaf, by)
    for _ in range(REDRAWS):
        twice = np.flatnonzero(_is_repeated(basket, product, len(chooser.likings.catalogue)))
        leaf[twice] = chooser.leaves(place[basket[twice]])
        product[twice] = chooser.products(person[twice], leaf[twice], by[twice])
    product[_is_repeated(basket, product, len(chooser.likings.catalogue))] = -1
    return _Lines(basket, leaf, product)


def _errand_leaves(
    scenario: Scenario,
    chooser: Chooser,
    place: NDArray[np.int64],
    wants: NDArray[np.int32],
    basket: NDArray[np.int32],
) -> NDArray[np.int32]:
    """A basket has errands, one leaf each; a line is of one of them or, less likely, of any leaf."""
    rng = chooser.rng
    n_errands = np.maximum(1, np.rint(wants / LINES_PER_ERRAND)).astype(np.int64)
    of_basket = np.repeat(np.arange(len(wants)), n_errands)
    errand = chooser.leaves(place[of_basket])
    together = np.zeros(len(wants))
    np.add.at(together, of_basket, chooser.leaf_chance(place[of_basket], errand))
    stays = _pulled(together, scenario.tastes.errand_pull)
    first = np.cumsum(n_errands) - n_errands
    slot = first[basket] + (rng.random(len(basket)) * n_errands[basket]).astype(np.int64)
    leaf: NDArray[np.int32] = errand[slot]
    strays = np.flatnonzero(rng.random(len(basket)) >= stays[basket])
    leaf[strays] = chooser.leaves(place[basket[strays]])
    return leaf


def _pulled(chance: NDArray[np.float64], pull: float) -> NDArray[np.float64]:
    """What a chance becomes when `pull` is added to its utility. Two errands of one leaf may sum to over 1: capped."""
    capped = np.minimum(chance, 0.95)
    odds = np.exp(pull) * capped
    pulled: NDArray[np.float64] = odds / (odds + 1 - capped)
    return pulled


def _complement(
    scenario: Scenario,
    chooser: Chooser,
    place: NDArray[np.int64],
    anchor: NDArray[np.int32],
    leaf: NDArray[np.int32],
) -> NDArray[np.int32]:
    """`leaf`, or where `anchor` has leaves that go with it, with the fitting chance one of those."""
    goes_with = complements_of(scenario)
    count = goes_with.sum(axis=1)
    listed = np.zeros((len(goes_with), max(1, int(count.max()))), np.int32)
    for row, others in enumerate(goes_with):
        listed[row, : count[row]] = np.flatnonzero(others)
    pick = (chooser.rng.random(len(anchor)) * count[anchor]).astype(np.int64)
    other = listed[anchor, pick]
    chance = np.minimum(chooser.leaf_chance(place, other) * count[anchor], 1.0)
    # Only what the pull adds: the leaf may have come up by itself.
    added = _pulled(chance, scenario.tastes.complement_pull) - chance
    return np.where(chooser.rng.random(len(anchor)) < added, other, leaf)


def _bought_again(
    scenario: Scenario, chooser: Chooser, visits: Visits, shopping: NDArray[np.intp], lines: _Lines
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Baskets and products of what was used up: each purchase looks for the first basket after its cycle is ripe that
    takes it again, and that one for the next, until the history ends."""
    catalogue, rng, span = chooser.likings.catalogue, chooser.rng, np.int64(1) << MOMENT_BITS
    person, at = visits.person[shopping].astype(np.int64), visits.at[shopping]
    moment = person * span + at
    last = np.searchsorted(person, person, side="right")
    bought = visits.buys[shopping]
    parent = (lines.product >= 0) & bought[lines.basket]
    parent &= catalogue.repeat_days[lines.product] > 0
    basket, product = lines.basket[parent], lines.product[parent]
    takes = _again_chance(scenario, chooser, visits, shopping[basket], lines.leaf[parent], product)
    baskets, products = [basket[:0]], [product[:0]]
    while len(basket):
        ripe = at[basket] + (RIPE_SHARE * DAY * catalogue.repeat_days[product]).astype(np.int64)
        # A basket left behind uses nothing up: then the next one takes it, ripe as it is.
        found = np.where(bought[basket], np.searchsorted(moment, person[basket] * span + ripe), basket + 1)
        with np.errstate(divide="ignore"):
            waits = np.floor(np.log(1 - rng.random(len(found))) / np.log1p(-takes))
        found = found + np.minimum(waits, len(moment)).astype(np.int64)
        there = np.flatnonzero(found < last[basket])
        basket, product, takes = found[there].astype(np.int32), product[there], takes[there]
        baskets.append(basket)
        products.append(product)
    return np.concatenate(baskets), np.concatenate(products)


def _again_chance(
    scenario: Scenario,
    chooser: Chooser,
    visits: Visits,
    visit: NDArray[np.intp],
    leaf: NDArray[np.int32],
    product: NDArray[np.int32],
) -> NDArray[np.float64]:
    """Chance that a basket takes a used-up product again: its share of choices, pulled, in as many lines as usual."""
    person = visits.person[visit]
    share = chooser.leaf_chance(chooser.place(person, visits.at[visit]), leaf)
    share = share * chooser.likings.product_share[chooser.crowd.type[person], product]
    # In a bigger range every product has less of the choice, but who has run out wants the very same all the same.
    share *= len(chooser.likings.catalogue) / scenario.products
    once = _pulled(share, scenario.tastes.repeat_pull)
    chance: NDArray[np.float64] = np.clip(1 - (1 - once) ** scenario.rates.lines_per_order, 1e-9, 1 - 1e-9)
    return chance


def _not_owned(
    scenario: Scenario,
    chooser: Chooser,
    person: NDArray[np.int32],
    basket: NDArray[np.int32],
    product: NDArray[np.int32],
    is_again: NDArray[np.bool_],
) -> NDArray[np.bool_]:
    """Which lines stay: none twice in a basket; of what the person has, only as many as `owned_push` leaves."""
    size = len(chooser.likings.catalogue)
    order = np.lexsort((~is_again, basket, person.astype(np.int64) * size + product))
    pair = (person.astype(np.int64) * size + product)[order]
    same_pair = np.r_[False, pair[1:] == pair[:-1]][: len(pair)]
    same_basket = same_pair & np.r_[False, np.diff(basket[order]) == 0][: len(pair)]
    spared = is_again[order] | (chooser.rng.random(len(pair)) < np.exp(scenario.tastes.owned_push))
    keep = np.empty(len(pair), np.bool_)
    keep[order] = ~same_basket & (~same_pair | spared)
    return keep


def _place_within(group: NDArray[np.int32]) -> NDArray[np.int32]:
    """0, 1, … within each run of equal values."""
    first = np.flatnonzero(np.r_[True, np.diff(group) != 0][: len(group)])
    length = np.diff(np.append(first, len(group)))
    return (np.arange(len(group)) - np.repeat(first, length)).astype(np.int32)


def _is_repeated(basket: NDArray[np.int32], product: NDArray[np.int32], size: int) -> NDArray[np.bool_]:
    """Lines whose product stands earlier in the same basket."""
    pair = basket.astype(np.int64) * (size + 1) + product
    order = np.argsort(pair, kind="stable")
    repeated = np.zeros(len(pair), np.bool_)
    repeated[order[1:]] = pair[order[1:]] == pair[order[:-1]]
    return repeated
