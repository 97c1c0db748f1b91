"""How many of one kind a slate may hold, counted while its places are given out."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `most` candidates of one code."""

    codes: NDArray[np.int32]
    """(n_candidates,): which kind each is of; 0 is none, and is not counted."""
    most: int
    rule: str
    """Whose limit, as adjustments name it."""
    firm: bool
    """Firm ones give way only where the slate would not be full; others give way before them."""
    full: Callable[[int], str]
    """Code → why no more of it: the end of a sentence."""


class Room:
    """What is left of every limit. `take` counts a candidate; `closed` says who may not be taken any more."""

    def __init__(self, limits: Sequence[Limit], n_candidates: int) -> None:
        self._limits = [limit for limit in limits if limit.codes.any()]
        self._taken: list[Counter[int]] = [Counter() for _ in self._limits]
        self.closed = np.zeros(n_candidates, dtype=np.bool_)
        """(n_candidates,)"""
        for limit in self._limits:
            if limit.most <= 0:
                self.closed |= limit.codes > 0

    def take(self, candidate: int) -> None:
        for limit, taken in zip(self._limits, self._taken, strict=True):
            code = limit.codes.item(candidate)
            if not code:
                continue
            taken[code] += 1
            if taken[code] >= limit.most:
                self.closed |= limit.codes == code

    def closed_by(self, candidate: int) -> Limit | None:
        """The limit that keeps it back; firm ones first."""
        for limit, taken in sorted(zip(self._limits, self._taken, strict=True), key=lambda each: not each[0].firm):
            code = limit.codes.item(candidate)
            if code and taken[code] >= limit.most:
                return limit
        return None


def lets_in(limits: Sequence[Limit], planned: Sequence[int], candidate: int) -> bool:
    """Whether one more may stand beside those planned, whoever of them makes room."""
    for limit in limits:
        code = limit.codes[candidate]
        if code and int(np.count_nonzero(limit.codes[list(planned)] == code)) >= limit.most:
            return False
    return True
