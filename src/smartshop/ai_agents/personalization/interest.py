"""What a shopper is after right now, from the profile's sets: one number per product acted on, fading with time."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from smartshop.ai_agents.advice import Numbers
from smartshop.ai_agents.shelf import Shelf
from smartshop.data_collection.schemas.events import INTEREST_WEIGHT, EventKind
from smartshop.data_collection.schemas.ids import Micros
from smartshop.data_collection.schemas.profiles import Interest, Profile

MINUTE = 60 * 1_000_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR

_PLAIN_WEIGHT: dict[EventKind, float] = {
    kind: weight for kind, weight in INTEREST_WEIGHT.items() if kind not in (EventKind.DWELLED, EventKind.RATED)
}
"""Kinds that always say the same; looked up in one step, since a slate weighs up to 200 signs."""


@dataclass(frozen=True, slots=True)
class InterestConfig:
    """Priors until context effects are learned from decisions. Weights of kinds are `INTEREST_WEIGHT`."""

    session_half_life: int = 30 * MINUTE
    """µs; how fast the errand of the moment fades. Sane: 10 minutes to 2 hours."""
    taste_half_life: int = 10 * DAY
    """µs; how fast what remains of it fades. Sane: days to weeks."""
    session_share: float = 0.6
    """Share of a fresh sign that belongs to the session, 0 to 1."""
    dwell_unit_ms: float = 10_000.0
    """A stay so long counts as one `dwelled`."""
    dwell_most: float = 5.0
    """Longer stays count no more than so many: a tab left open is no interest."""
    neutral_rating: float = 3.0
    """Stars that speak neither for nor against."""
    fatigue_half_life: int = 2 * DAY
    """µs; how fast having been shown in vain is forgotten."""
    fatigue_shown: int = 150
    """The newest so many products shown count: a dozen slates."""


@dataclass(frozen=True, slots=True)
class Signs:
    """m signs about products on the shelf, oldest first; parallel arrays."""

    number: Numbers
    occurred_at: NDArray[np.int64]
    value: NDArray[np.float64]
    """Weight × fading; below 0 is dislike."""
    is_purchase: NDArray[np.bool_]
    kind: tuple[EventKind, ...]

    def __len__(self) -> int:
        return len(self.kind)


def fading(age: NDArray[np.int64], config: InterestConfig) -> NDArray[np.float64]:
    """1 for now, falling in two speeds: the session's errand, and the taste behind it."""
    session = np.exp2(-age / config.session_half_life)
    taste = np.exp2(-age / config.taste_half_life)
    return np.asarray(config.session_share * session + (1 - config.session_share) * taste, dtype=np.float64)


def weight_of(sign: Interest, config: InterestConfig) -> float:
    """How much one sign says, before fading; a plain view is 1."""
    plain = _PLAIN_WEIGHT.get(sign.kind)
    if plain is not None:
        return plain
    weight = INTEREST_WEIGHT.get(sign.kind, 0.0)
    if sign.kind is EventKind.DWELLED:
        return weight * min((sign.dwell_ms or 0) / config.dwell_unit_ms, config.dwell_most)
    if sign.kind is EventKind.RATED:
        stars = config.neutral_rating if sign.rating is None else sign.rating
        return weight * (stars - config.neutral_rating) / 2
    return weight


def signs_of(profile: Profile, shelf: Shelf, now: Micros, config: InterestConfig) -> Signs:
    """The signs about products that the shelf knows."""
    number_of = shelf.number_of
    found = [sign for sign in profile.interest if sign.product_id is not None and sign.product_id in number_of]
    if not found:
        return Signs(np.empty(0, np.int32), np.empty(0, np.int64), np.empty(0), np.empty(0, np.bool_), ())
    occurred_at = np.array([sign.occurred_at for sign in found], dtype=np.int64)
    # A sign from ahead of the slate's clock is as fresh as now.
    value = np.array([weight_of(sign, config) for sign in found]) * fading(np.maximum(now - occurred_at, 0), config)
    numbers = np.array([number_of[sign.product_id] for sign in found if sign.product_id is not None], dtype=np.int32)
    kinds = tuple([sign.kind for sign in found])
    is_purchase = np.array([kind is EventKind.ORDER_COMPLETED for kind in kinds], dtype=np.bool_)
    return Signs(numbers, occurred_at, value, is_purchase, kinds)


def sums_at(numbers: Numbers, values: NDArray[np.float64], wanted: Numbers) -> NDArray[np.float64]:
    """(n,): for each wanted product the sum of its values; cheap whatever the size of the catalogue."""
    if not len(numbers):
        return np.zeros(len(wanted))
    distinct, place = np.unique(numbers, return_inverse=True)
    sums = np.bincount(place, weights=values)
    at = np.minimum(np.searchsorted(distinct, wanted), len(distinct) - 1)
    return np.where(distinct[at] == wanted, sums[at], 0.0)


def fatigue_at(
    profile: Profile, signs: Signs, shelf: Shelf, now: Micros, wanted: Numbers, config: InterestConfig
) -> NDArray[np.float64]:
    """(n,): how often each wanted product was visible in vain, fading. A positive sign afterwards wipes it out."""
    if not profile.exposures:
        return np.zeros(len(wanted))
    number_of, recent = shelf.number_of, profile.exposures[-config.fatigue_shown :]
    numbers = np.array([number_of.get(shown.product_id, -1) for shown in recent], dtype=np.int32)
    shown_at = np.array([shown.occurred_at for shown in recent], dtype=np.int64)
    liked = signs.value > 0
    if liked.any():
        # Signs are in order of time, so the last one written is the newest of its product.
        newest = dict(zip(signs.number[liked].tolist(), signs.occurred_at[liked].tolist(), strict=True))
        in_vain = np.array([newest.get(number, 0) for number in numbers.tolist()], dtype=np.int64) < shown_at
    else:
        in_vain = np.ones(len(numbers), dtype=np.bool_)
    kept = in_vain & (numbers >= 0)
    age = np.maximum(now - shown_at[kept], 0)
    return sums_at(numbers[kept], np.exp2(-age / config.fatigue_half_life), wanted)
