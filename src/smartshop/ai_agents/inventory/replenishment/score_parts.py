"""What scores are added up from, a row of numbers of each decision: a year of them fits and adds up quickly. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from smartshop.data_collection.schemas.ids import LocationId, Micros, SupplierId, VariantId
from smartshop.data_collection.schemas.proposals import KeptProposal, ProposalScore

Name = TypeVar("Name")
# Any: a record's fields have types of their own, told below.
Rows = NDArray[Any]

PART = np.dtype(
    [
        ("decided_at", np.int64), ("ends_at", np.int64), ("place", np.int32), ("supplier", np.int32),
        ("demand_class", np.int16), ("currency", np.int16),
        ("is_order", np.bool_), ("in_turn", np.bool_), ("is_followed", np.bool_), ("is_scored", np.bool_),
        ("is_judged", np.bool_), ("is_final", np.bool_),
        ("stretch_days", np.int32), ("mean", np.float64), ("told_short_before", np.float32),
        ("level_met", np.float32), ("told_covered", np.float32), ("covered", np.bool_), ("ran_short_before", np.bool_),
        ("days_out", np.float64), ("asked_for", np.float64), ("short", np.float64),
        ("as_proposed", np.float64), ("without_order", np.float64), ("with_hindsight", np.float64),
    ]
)  # fmt: skip
"""Of one decision: whose it is (numbers of `PartNames`), what was told, and what came of it, 0 until it is scored."""
NOTHING_CAME = ProposalScore(proposal_id="", scored_at=Micros(0), left_out="Not scored yet.")


@dataclass(slots=True)
class PartNames:
    """What the numbers in the rows stand for, in the order in which they were met."""

    places: dict[tuple[VariantId, LocationId], int] = field(default_factory=dict)
    suppliers: dict[tuple[SupplierId | None, str | None], int] = field(default_factory=dict)
    classes: dict[str, int] = field(default_factory=dict)
    currencies: dict[str, int] = field(default_factory=dict)

    def rows(self, kept: Iterable[KeptProposal]) -> Rows:
        """(m,) of `PART`."""
        return np.array([self._row(one) for one in kept], PART)

    def _row(self, kept: KeptProposal) -> tuple[float | int | bool, ...]:
        told, score = kept.told, kept.score or NOTHING_CAME
        is_judged = score.left_out is None
        return (
            told.decided_at,
            told.ends_at,
            _number(self.places, (told.variant_id, told.location_id)),
            _number(self.suppliers, (told.supplier_id, told.supplier_name)),
            _number(self.classes, told.demand_class[:1]),
            _number(self.currencies, told.costs.currency),
            told.units > 0,
            told.in_turn,
            kept.followed_by is not None,
            kept.score is not None,
            is_judged,
            kept.score is not None and not kept.score.is_open,
            told.stretch_days,
            told.mean,
            told.chance_short_before,
            score.level_met,
            score.told_covered,
            score.covered,
            score.ran_short_before,
            score.days_out,
            score.asked_for,
            score.short,
            score.as_proposed,
            score.without_order,
            score.with_hindsight,
        )


@dataclass(frozen=True, slots=True, eq=False)
class ScoreParts:
    """Decisions of some time, oldest first."""

    names: PartNames
    rows: Rows
    """(m,) of `PART`."""

    def since(self, moment: Micros) -> "ScoreParts":
        """Those decided from then on."""
        return replace(self, rows=self.rows[int(np.searchsorted(self.rows["decided_at"], moment)) :])

    def of_supplier(self, supplier_id: SupplierId) -> "ScoreParts":
        own = [number for (one, _), number in self.names.suppliers.items() if one == supplier_id]
        return replace(self, rows=self.rows[np.isin(self.rows["supplier"], own)])


def parts_of(kept: Iterable[KeptProposal]) -> ScoreParts:
    names = PartNames()
    return ScoreParts(names, names.rows(kept))


def once_at_a_time(rows: Rows) -> Rows:
    """Of the same place's proposals whose stretches overlap one: that which was followed, else the first.

    `rows`: oldest first.
    """
    found: list[int] = []
    newest: dict[int, int] = {}
    ends, followed = rows["ends_at"].tolist(), rows["is_followed"].tolist()
    columns: Sequence[tuple[int, int]] = list(zip(rows["place"].tolist(), rows["decided_at"].tolist(), strict=True))
    for row, (place, decided_at) in enumerate(columns):
        at = newest.get(place)
        if at is None or decided_at >= ends[found[at]]:
            newest[place] = len(found)
            found.append(row)
        elif followed[row] and not followed[found[at]]:
            found[at] = row
    return rows[np.array(found, np.int64)]


def _number(numbers: dict[Name, int], name: Name) -> int:
    return numbers.setdefault(name, len(numbers))
