"""Which variants this process changed something of that a decision about ordering goes by: stock, orders, terms."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import islice, takewhile
from threading import Lock

from smartshop.data_collection.schemas.ids import VariantId

MOST_KNOWN = 2_000
"""The newest; twice what an order has lines at most. Beyond it a list worked out anew is quicker than one mended."""


@dataclass(slots=True)
class ChangedVariants:
    """Changes are numbered from 1. What was told is told to everybody who asks: nobody's reading takes it away."""

    most: int = MOST_KNOWN
    _numbers: dict[VariantId, int] = field(default_factory=dict)
    """By the number of the newest change, rising."""
    _newest: int = 0
    _turn: Lock = field(default_factory=Lock)

    def tell(self, variant_ids: Iterable[VariantId]) -> None:
        """What can be read of these is another than it was; to be told after it was written."""
        with self._turn:
            self._newest += 1
            for name in variant_ids:
                self._numbers.pop(name, None)
                self._numbers[name] = self._newest
            for name in list(islice(self._numbers, max(0, len(self._numbers) - self.most))):
                del self._numbers[name]

    def newest(self) -> int:
        with self._turn:
            return self._newest

    def since(self, number: int) -> tuple[int, list[VariantId]]:
        """The newest number, and what changed behind this one, newest first."""
        with self._turn:
            changed = takewhile(lambda name: self._numbers[name] > number, reversed(self._numbers))
            return self._newest, list(changed)
