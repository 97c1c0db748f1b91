"""What a cost, a demand or a level must be before anything is computed from it: a clear sentence if it is not."""

import math

import numpy as np
from numpy.typing import NDArray

from smartshop.errors import InvalidValue

Floats = NDArray[np.float64]

WIDEST_SEARCH = 200_000
"""Units over which an exact search by whole units may run; beyond it, it takes minutes and tells nothing more."""


def positive(name: str, value: float) -> float:
    """The value as a float.

    Raises:
        InvalidValue: it is zero, negative, infinite or no number.
    """
    if not (math.isfinite(value) and value > 0):
        raise InvalidValue(f"{name} is {value}; it must be a finite number above 0.")
    return float(value)


def not_negative(name: str, value: float) -> float:
    """The value as a float.

    Raises:
        InvalidValue: it is negative, infinite or no number.
    """
    if not (math.isfinite(value) and value >= 0):
        raise InvalidValue(f"{name} is {value}; it must be a finite number of at least 0.")
    return float(value)


def finite(name: str, value: float) -> float:
    """The value as a float.

    Raises:
        InvalidValue: it is infinite or no number.
    """
    if not math.isfinite(value):
        raise InvalidValue(f"{name} is {value}; it must be a finite number.")
    return float(value)


def between_zero_and_one(name: str, value: float) -> float:
    """The value as a float, strictly between 0 and 1.

    Raises:
        InvalidValue: it is not.
    """
    if not 0 < value < 1:
        raise InvalidValue(f"{name} is {value}; it must lie between 0 and 1, without both ends.")
    return float(value)


def searchable(name: str, units: float) -> int:
    """So many whole units, few enough for an exact search.

    Raises:
        InvalidValue: there are too many.
    """
    if not units <= WIDEST_SEARCH:
        raise InvalidValue(
            f"{name} spans {units:.6g} units; an exact search takes at most {WIDEST_SEARCH}, so count in packs."
        )
    return int(units)


def probabilities(name: str, given: Floats) -> Floats:
    """Probabilities that add up to one, as a (n,) array.

    Raises:
        InvalidValue: one is negative, or they do not add up to 1 within a millionth.
    """
    found = np.asarray(given, np.float64)
    if found.ndim != 1 or not len(found) or not np.isfinite(found).all() or (found < 0).any():
        raise InvalidValue(f"{name} must be a list of probabilities of at least 0; given was {found.tolist()!r:.80}.")
    total = float(found.sum())
    if abs(total - 1.0) > 1e-6:
        raise InvalidValue(f"{name} adds up to {total:.9g}; probabilities add up to 1.")
    return np.asarray(found / total, np.float64)
