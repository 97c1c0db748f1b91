"""How much demand is expected above a level, and how much of the level is left below it.

For demand D and a level x: short = E[max(D − x, 0)], left = E[max(x − D, 0)]; short − left = E[D] − x.
Formulas: Snyder & Shen (2019), Fundamentals of Supply Chain Theory, appendix C.3; the partial means of the discrete
laws by raising their first parameter by one, so that no sum is cut off.
"""

from typing import NamedTuple

import numpy as np
from scipy import special, stats

from smartshop.ai_agents.inventory.policies.bounds import (
    Floats,
    between_zero_and_one,
    finite,
    not_negative,
    positive,
    probabilities,
)
from smartshop.errors import InvalidValue


class Loss(NamedTuple):
    """Expected units of demand above a level, and of the level above demand."""

    short: float
    left: float


def standard_normal_loss(z: float) -> Loss:
    """Of a standard normal: φ(z) − z (1 − Φ(z)); without cancellation far out, where both terms are nearly equal."""
    finite("z", z)
    return Loss(_standard_short(z), _standard_short(-z))


def normal_loss(level: float, mean: float, sd: float) -> Loss:
    """Of a normal demand; a spread of 0 means that the mean comes for certain.

    Raises:
        InvalidValue: the spread is negative, or a number is not finite.
    """
    gap = finite("The level", level) - finite("Mean demand", mean)
    if not_negative("The standard deviation of demand", sd) == 0:
        return _certain(gap)
    found = standard_normal_loss(gap / sd)
    return Loss(sd * found.short, sd * found.left)


def second_normal_loss(level: float, mean: float, sd: float) -> float:
    """½ E[max(D − x, 0)²] of a normal demand: σ²/2 · [(z² + 1)(1 − Φ(z)) − z φ(z)].

    Raises:
        InvalidValue: the spread is not above 0, or a number is not finite.
    """
    positive("The standard deviation of demand", sd)
    z = (finite("The level", level) - finite("Mean demand", mean)) / sd
    return max(0.0, sd**2 / 2 * float((z**2 + 1) * stats.norm.sf(z) - z * stats.norm.pdf(z)))


def poisson_loss(level: float, mean: float) -> Loss:
    """Of a Poisson demand, at any level, whole or not: E[D; D ≥ m] = λ P(D ≥ m − 1).

    Raises:
        InvalidValue: the mean is negative or not finite.
    """
    finite("The level", level)
    if not_negative("Mean demand", mean) == 0:
        return _certain(level)
    first_above = np.floor(level) + 1
    return _partial(level, mean, stats.poisson.sf(first_above - 1, mean), stats.poisson.sf(first_above - 2, mean))


def negative_binomial_loss(level: float, successes: float, probability: float) -> Loss:
    """Of the number of failures before so many successes, with mean r (1 − p)/p.

    E[D; D ≥ m] = E[D] P(D′ ≥ m − 1), where D′ needs one success more.

    Raises:
        InvalidValue: successes are not above 0, or the probability is not between 0 and 1.
    """
    finite("The level", level)
    positive("The number of successes", successes)
    between_zero_and_one("The probability of a success", probability)
    first_above = np.floor(level) + 1
    mean = successes * (1 - probability) / probability
    above = stats.nbinom.sf(first_above - 1, successes, probability)
    return _partial(level, mean, above, stats.nbinom.sf(first_above - 2, successes + 1, probability))


def gamma_loss(level: float, shape: float, scale: float) -> Loss:
    """Of a gamma demand with mean shape · scale; E[D; D > x] = E[D] P(D′ > x), shape′ = shape + 1.

    Raises:
        InvalidValue: shape or scale is not above 0, or the level is not finite.
    """
    finite("The level", level)
    positive("The shape of demand", shape)
    positive("The scale of demand", scale)
    above = stats.gamma.sf(level, shape, scale=scale)
    return _partial(level, shape * scale, above, stats.gamma.sf(level, shape + 1, scale=scale))


def discrete_loss(level: float, values: Floats, chances: Floats) -> Loss:
    """Of demand that takes a few values. `values`: (n,) in any order, `chances`: (n,) adding up to 1.

    Raises:
        InvalidValue: values and chances differ in number, or chances are none.
    """
    chances = probabilities("The law of demand", chances)
    gaps = np.asarray(values, np.float64) - finite("The level", level)
    if gaps.shape != chances.shape:
        raise InvalidValue(f"Demand has {gaps.size} values and {chances.size} probabilities; give one for each.")
    return Loss(float(chances @ np.maximum(gaps, 0)), float(chances @ np.maximum(-gaps, 0)))


def sample_loss(level: float, sample: Floats) -> Loss:
    """As seen: the mean over what was observed. `sample`: (n,).

    Raises:
        InvalidValue: nothing was observed.
    """
    seen = np.asarray(sample, np.float64)
    if not seen.size:
        raise InvalidValue("The sample of demand is empty; a loss needs at least one observation.")
    return discrete_loss(level, seen, np.full(seen.size, 1.0 / seen.size))


def _partial(level: float, mean: float, above: float, raised_above: float) -> Loss:
    short = max(0.0, float(mean * raised_above - level * above))
    return Loss(short, max(0.0, short + level - mean))


def _certain(gap: float) -> Loss:
    return Loss(max(-gap, 0.0), max(gap, 0.0))


def _standard_short(z: float) -> float:
    if z <= 0:
        return float(stats.norm.pdf(z) - z * stats.norm.sf(z))
    # 1 − Φ(z) = φ(z) √(π/2) erfcx(z/√2): the common factor stays outside, so that nothing is lost to it.
    mills = np.sqrt(np.pi / 2) * special.erfcx(z / np.sqrt(2))
    return max(0.0, float(stats.norm.pdf(z) * (1 - z * mills)))
