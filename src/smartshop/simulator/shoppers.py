"""Who comes: people drawn from the scenario's types, with tastes of their own."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from smartshop.simulator.assortment import Assortment
from smartshop.simulator.catalogue import STYLE_SIZE
from smartshop.simulator.chance import stream
from smartshop.simulator.leaves import department_of
from smartshop.simulator.scenario import Scenario

NEVER = np.iinfo(np.int32).max
TASTE_SPREAD_OF_PRICE = 0.35
"""Standard deviation of the log of price sensitivity within a type."""


@dataclass(frozen=True, slots=True)
class Population:
    """S shoppers; parallel arrays."""

    type: NDArray[np.int32]
    """(S,) index into the scenario's shopper types."""
    leaf_taste: NDArray[np.float64]
    """(S, leaves) utility."""
    brand_taste: NDArray[np.float64]
    """(S, brands) utility."""
    style_taste: NDArray[np.float64]
    """(S, 6) multiplies a product's style."""
    price_sensitivity: NDArray[np.float64]
    """(S,)"""
    city: NDArray[np.int32]
    """(S,) index into the scenario's cities."""
    visits_per_day: NDArray[np.float64]
    """(S,) before lapsing."""
    is_customer: NDArray[np.bool_]
    """(S,) has an account and signs in."""
    has_two_devices: NDArray[np.bool_]
    """(S,)"""
    prefers_mobile: NDArray[np.bool_]
    """(S,)"""
    opts_out: NDArray[np.bool_]
    """(S,) withdraws personalisation at the first visit."""
    lapse_day: NDArray[np.int32]
    """(S,) day, counted from the history's first, from which the shopper never comes again; NEVER for most."""
    size: NDArray[np.float64]
    """(S,) 0 to 1: place on a size axis."""
    basket_scale: NDArray[np.float64]
    """(S,) multiplies the lines of an order; mean 1."""

    def __len__(self) -> int:
        return len(self.type)


def make_population(scenario: Scenario, seed: int, shoppers: int) -> Population:
    """Draw people; the same seed gives the same ones."""
    rng, rates = stream(seed, scenario.name, "shoppers"), scenario.rates
    shares = np.array([kind.share for kind in scenario.shopper_types])
    kinds = rng.choice(len(shares), size=shoppers, p=shares / shares.sum()).astype(np.int32)
    city_shares = np.array([city.share for city in scenario.cities])
    sensitivity = np.array([kind.price_sensitivity for kind in scenario.shopper_types])
    activity = np.array([kind.activity for kind in scenario.shopper_types])
    activity = activity / (activity * shares / shares.sum()).sum()
    shape = rates.activity_shape
    lapse = rng.geometric(max(rates.lapse_per_day, 1e-9), size=shoppers)
    is_customer = rng.random(shoppers) < rates.customer_share
    scale = rng.gamma(6.0, 1 / 6.0, size=shoppers)
    return Population(
        type=kinds,
        leaf_taste=_leaf_tastes(scenario, kinds, rng),
        brand_taste=_brand_tastes(scenario, kinds, rng),
        style_taste=rng.normal(0.0, scenario.tastes.style_spread / STYLE_SIZE**0.5, size=(shoppers, STYLE_SIZE)),
        price_sensitivity=sensitivity[kinds] * np.exp(rng.normal(0.0, TASTE_SPREAD_OF_PRICE, size=shoppers)),
        city=rng.choice(len(city_shares), size=shoppers, p=city_shares / city_shares.sum()).astype(np.int32),
        visits_per_day=rates.sessions_per_day * activity[kinds] * rng.gamma(shape, 1 / shape, size=shoppers),
        is_customer=is_customer,
        has_two_devices=is_customer & (rng.random(shoppers) < rates.second_device_share),
        prefers_mobile=rng.random(shoppers) < rates.mobile_share,
        opts_out=rng.random(shoppers) < rates.opt_out_share,
        lapse_day=np.minimum(lapse, NEVER).astype(np.int32),
        size=np.clip(rng.normal(0.5, 0.2, size=shoppers), 0.0, 0.999),
        basket_scale=scale,
    )


def _leaf_tastes(scenario: Scenario, kinds: NDArray[np.int32], rng: np.random.Generator) -> NDArray[np.float64]:
    planted = np.array(
        [
            [kind.likes.get(department_of(leaf), 0.0) + kind.likes.get(leaf.category, 0.0) for leaf in scenario.leaves]
            for kind in scenario.shopper_types
        ]
    )
    own = rng.normal(0.0, scenario.tastes.leaf_spread, size=(len(kinds), len(scenario.leaves)))
    tastes: NDArray[np.float64] = planted[kinds] + own
    return tastes


def _brand_tastes(scenario: Scenario, kinds: NDArray[np.int32], rng: np.random.Generator) -> NDArray[np.float64]:
    planted = np.array([[kind.brands.get(b.name, 0.0) for b in scenario.brands] for kind in scenario.shopper_types])
    own = rng.normal(0.0, scenario.tastes.brand_spread, size=(len(kinds), len(scenario.brands)))
    tastes: NDArray[np.float64] = planted[kinds] + own
    return tastes


def utilities(population: Population, assortment: Assortment) -> NDArray[np.float32]:
    """Lasting utility in log-odds, (S, n) float32: taste for leaf, brand and style, appeal, price. No moment in it."""
    worth = population.leaf_taste[:, assortment.leaf] + population.brand_taste[:, assortment.brand]
    worth += population.style_taste @ assortment.style.T
    worth += assortment.appeal - population.price_sensitivity[:, None] * assortment.price_gap
    return worth.astype(np.float32)
