"""What people choose, without a utility per person and product: first the leaf, then one of a few of its products.

A leaf is drawn by its inclusive value (the log of the summed exp of what is in it, McFadden 1978) plus the person's own
taste, season and climate. Inside it a few candidates are drawn by what their type of person likes, and the Gumbel-max
rule decides between them by what is the person's own (brand, style, price): importance sampling of the logit model,
exact as the candidates grow, and near it with three since people of a type differ less than products do.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from smartshop.data_collection.pipelines.clock import DAY, to_datetime
from smartshop.simulator.fast_catalogue import FastCatalogue
from smartshop.simulator.fast_people import Crowd
from smartshop.simulator.leaves import department_of
from smartshop.simulator.scenario import Scenario
from smartshop.simulator.visits import COMFORTABLE_C, season_factor

CANDIDATES = 3
PERIOD_DAYS = 30
"""Season and climate stand still for so long."""
SLOTS_PER_PRODUCT = 8
"""Entries of a leaf's table per product of it: shares are exact to an eighth of the mean."""
LEAST_SLOTS = 256


@dataclass(frozen=True, slots=True)
class Likings:
    """What each type of person likes; T types, L leaves, n products."""

    catalogue: FastCatalogue
    leaf_value: NDArray[np.float64]
    """(T, L) utility of a leaf: the type's taste and the inclusive value of its products."""
    product_share: NDArray[np.float32]
    """(T, n) chance of a product inside its leaf."""
    table: NDArray[np.int32]
    """(T, slots) products, each in as many slots as its share says."""
    first_slot: NDArray[np.int64]
    """(L + 1,)"""
    type_sensitivity: NDArray[np.float32]
    moment: NDArray[np.float64]
    """(periods, cities, L) multiplies a leaf's chance: season and mean climate."""


def make_likings(catalogue: FastCatalogue, *, start_at: int, days: int, rng: np.random.Generator) -> Likings:
    scenario, kinds = catalogue.scenario, catalogue.scenario.shopper_types
    brand_taste = np.array([[kind.brands.get(brand.name, 0.0) for brand in scenario.brands] for kind in kinds])
    planted = np.array(
        [
            [kind.likes.get(department_of(leaf), 0.0) + kind.likes.get(leaf.category, 0.0) for leaf in scenario.leaves]
            for kind in kinds
        ]
    )
    sensitivity = np.array([kind.price_sensitivity for kind in kinds])
    count = np.diff(catalogue.first_of_leaf)
    slots = np.where(count > 0, np.maximum(LEAST_SLOTS, SLOTS_PER_PRODUCT * count), 0)
    first_slot = np.concatenate([[0], np.cumsum(slots)])
    table = np.zeros((len(kinds), first_slot[-1]), np.int32)
    share = np.zeros((len(kinds), len(catalogue)), np.float32)
    leaf_value = np.full((len(kinds), len(count)), -np.inf)
    for kind in range(len(kinds)):
        worth = catalogue.appeal + brand_taste[kind][catalogue.brand] - sensitivity[kind] * catalogue.price_gap
        for leaf in np.flatnonzero(count).tolist():
            products = slice(catalogue.first_of_leaf[leaf], catalogue.first_of_leaf[leaf + 1])
            weight = np.exp(worth[products] - worth[products].max())
            leaf_value[kind, leaf] = planted[kind, leaf] + worth[products].max() + np.log(weight.sum())
            share[kind, products] = weight / weight.sum()
            aims = (np.arange(slots[leaf]) + rng.random(slots[leaf])) / slots[leaf]
            found = np.searchsorted(np.cumsum(weight / weight.sum()), aims)
            table[kind, first_slot[leaf] : first_slot[leaf + 1]] = products.start + np.minimum(found, count[leaf] - 1)
    return Likings(
        catalogue=catalogue,
        leaf_value=leaf_value,
        product_share=share,
        table=table,
        first_slot=first_slot,
        type_sensitivity=sensitivity.astype(np.float32),
        moment=_moments(scenario, start_at, days),
    )


def _moments(scenario: Scenario, start_at: int, days: int) -> NDArray[np.float64]:
    """Season of the period's middle, the city's mean climate then, and rain as often as it falls there."""
    warmth = np.array([leaf.wants_warmth for leaf in scenario.leaves])
    rain = np.array([leaf.wants_rain for leaf in scenario.leaves])
    periods = []
    for first in range(0, days, PERIOD_DAYS):
        middle = start_at + (2 * first + min(PERIOD_DAYS, days - first)) * DAY // 2
        day_of_year = to_datetime(middle).timetuple().tm_yday
        season = season_factor(scenario, middle)
        rows = []
        for city in scenario.cities:
            mean = city.mean_c - city.swing_c * np.cos(2 * np.pi * (day_of_year - city.coldest_day) / 365.25)
            wet = 1 + city.wet_share * (np.exp(rain) - 1)
            rows.append(season * np.exp(warmth * (mean - COMFORTABLE_C)) * wet)
        periods.append(rows)
    return np.array(periods)


@dataclass(frozen=True, slots=True)
class Chooser:
    """Draws for one crowd. A place is period × people + person."""

    likings: Likings
    crowd: Crowd
    up_to: NDArray[np.float64]
    """(periods × s, L) running sum of the leaves' chances, plus the row's number: one rising column for all."""
    rng: np.random.Generator

    def place(self, person: NDArray[np.int32], at: NDArray[np.int64]) -> NDArray[np.int64]:
        """`at` in µs since the history's start."""
        period: NDArray[np.int64] = np.minimum(at // (PERIOD_DAYS * DAY), len(self.likings.moment) - 1)
        return period * len(self.crowd) + person

    def leaves(self, place: NDArray[np.int64]) -> NDArray[np.int32]:
        """A leaf for each."""
        n_leaves = self.up_to.shape[1]
        found = np.searchsorted(self.up_to.ravel(), place + self.rng.random(len(place)), side="right")
        leaf: NDArray[np.int32] = np.clip(found - place * n_leaves, 0, n_leaves - 1).astype(np.int32)
        return leaf

    def leaf_chance(self, place: NDArray[np.int64], leaf: NDArray[np.int32]) -> NDArray[np.float64]:
        before = np.where(leaf > 0, self.up_to[place, leaf - 1], place)
        chance: NDArray[np.float64] = self.up_to[place, leaf] - before
        return chance

    def products(
        self, person: NDArray[np.int32], leaf: NDArray[np.int32], launched_by: NDArray[np.int64]
    ) -> NDArray[np.int32]:
        """A product of `leaf` for each person; -1 where every candidate is launched only after `launched_by` (µs)."""
        likings, catalogue, crowd, rng = self.likings, self.likings.catalogue, self.crowd, self.rng
        kind = crowd.type[person]
        first = likings.first_slot[leaf]
        slots = likings.first_slot[leaf + 1] - first
        own_price = likings.type_sensitivity[kind] - crowd.price_sensitivity[person]
        style = crowd.style_taste[person]
        best = np.full(len(person), np.inf, np.float32)
        chosen = np.full(len(person), -1, np.int32)
        for _ in range(CANDIDATES):
            candidate = likings.table[kind, first + (rng.random(len(person), np.float32) * slots).astype(np.int64)]
            own = crowd.brand_taste[person, catalogue.brand[candidate]] + own_price * catalogue.price_gap[candidate]
            for dimension in range(style.shape[1]):
                own += style[:, dimension] * catalogue.style[candidate, dimension]
            # Gumbel noise is minus the log of an exponential draw, so the smallest draw over exp(own) wins.
            draw = rng.standard_exponential(len(person), np.float32) * np.exp(-own)
            better = (draw < best) & (catalogue.launched_at[candidate] <= launched_by)
            best[better], chosen[better] = draw[better], candidate[better]
        return chosen


def make_chooser(likings: Likings, crowd: Crowd, rng: np.random.Generator) -> Chooser:
    value = likings.leaf_value[crowd.type] + crowd.leaf_taste
    weight = np.exp(value - value.max(axis=1, keepdims=True))
    n_periods, n_leaves = len(likings.moment), weight.shape[1]
    up_to = np.empty((n_periods, len(crowd), n_leaves))
    for period in range(n_periods):
        np.cumsum(weight * likings.moment[period][crowd.city], axis=1, out=up_to[period])
        up_to[period] /= up_to[period][:, -1:]
        up_to[period] += (period * len(crowd) + np.arange(len(crowd)))[:, None]
    return Chooser(likings, crowd, up_to.reshape(-1, n_leaves), rng)
