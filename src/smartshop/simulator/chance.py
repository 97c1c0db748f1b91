"""Named streams of chance: the same seed and names give the same numbers, whatever else was drawn before."""

from zlib import crc32

import numpy as np


def stream(seed: int, *names: str | int) -> np.random.Generator:
    """A generator of its own for what `names` say.

    >>> int(stream(1, "stock").integers(1000)) == int(stream(1, "stock").integers(1000))
    True
    """
    words = [name if isinstance(name, int) else crc32(name.encode()) for name in names]
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, *words])))


def portions(total: int, weights: np.ndarray) -> np.ndarray:
    """Split a whole number by weights (largest remainders), so that the parts sum to it.

    >>> portions(10, np.array([1.0, 1.0, 2.0])).tolist()
    [3, 2, 5]
    """
    exact = total * weights / weights.sum()
    parts: np.ndarray = np.floor(exact).astype(np.int64)
    missing = int(total - parts.sum())
    parts[np.argsort(-(exact - parts), kind="stable")[:missing]] += 1
    return parts
