"""Scores of proposals for routes: what was scored for good is kept as numbers, so that a call reads what is newer."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import Protocol

import numpy as np

from smartshop.ai_agents.inventory.looking_over import KEPT
from smartshop.ai_agents.inventory.replenishment.score_parts import PART, PartNames, Rows, ScoreParts
from smartshop.data_collection.schemas.ids import Micros
from smartshop.data_collection.schemas.proposals import KeptProposal


class DecidedBook(Protocol):
    """What of the port of proposals is asked here."""

    def decided(self, since: Micros, until: Micros) -> Iterator[list[KeptProposal]]: ...


@dataclass(slots=True)
class ScoreKeeper:
    """Decisions from some day on, up to the first that may still change; about 130 bytes each."""

    names: PartNames = field(default_factory=PartNames)
    final: Rows = field(default_factory=lambda: np.zeros(0, PART))
    begins: Micros | None = None
    """Decided from then on; None: nothing was read yet."""
    until: Micros = field(default=Micros(0))
    """And before then, all of them scored for good."""
    turn: Lock = field(default_factory=Lock)

    def read(self, book: DecidedBook, since: Micros, now: Micros) -> ScoreParts:
        """Of what was decided from `since` to `now`. Blocking; whoever asks meanwhile waits for the same reading.

        A purchase order drafted of a decision, or called off, after its score was final changes nothing of what was
        read before: only decisions of these days are drafted.
        """
        with self.turn:
            # The shop's clock goes back when nobody came for long: what it decides then lies among what was read.
            if self.begins is None or since < self.begins or now < self.until:
                self.names, self.final, self.begins, self.until = PartNames(), np.zeros(0, PART), since, since
            batches = book.decided(self.until, Micros(now + 1))
            newer = [self.names.rows(batch) for batch in batches]
            rows = np.concatenate([self.final, *newer])
            self._keep(rows, now)
            # Names grow with the next reading, while this answer is added up.
            names = replace(
                self.names,
                suppliers=dict(self.names.suppliers),
                classes=dict(self.names.classes),
                currencies=dict(self.names.currencies),
            )
        return ScoreParts(names, rows).since(since)

    def _keep(self, rows: Rows, now: Micros) -> None:
        """The decisions of one moment stay together: a look keeps many at once."""
        final = rows[: int(np.argmin(np.append(rows["is_final"], False)))]
        if not len(final):
            return
        self.until = Micros(int(final["decided_at"][-1]))
        is_kept = (final["decided_at"] < self.until) & (final["decided_at"] >= now - KEPT)
        self.final = final[is_kept]
