"""A figure: what was measured, its value, and what it should be."""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Figure:
    name: str
    value: float
    unit: str
    wanted: str
    """`≥ 5000`, `< 90`, or empty where it only informs."""
    how: str
    """The protocol in one line."""

    @property
    def met(self) -> bool | None:
        if not self.wanted:
            return None
        sign, bound = self.wanted.split(" ", 1)
        limit = float(bound.replace(",", ""))
        match sign:
            case "≥":
                return self.value >= limit
            case "≤":
                return self.value <= limit
            case _:
                return self.value < limit

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "met": self.met}
