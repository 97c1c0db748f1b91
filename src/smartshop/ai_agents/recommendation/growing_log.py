"""Follows the log behind a model: every event that training would count is counted within a step.

Every process that serves follows the log itself, so that nothing but the log need be shared. One thread at a time.
"""

from collections.abc import Callable
from dataclasses import replace

from smartshop.ai_agents.recommendation.growing import GrowthConfig, grow, pairs_counted
from smartshop.ai_agents.recommendation.model import RecommendationModel
from smartshop.ai_agents.shelf import Shelf
from smartshop.data_collection.connectors.ports import EventLog, LogSize
from smartshop.data_collection.pipelines.owner_changes import (
    FOLLOWED_KINDS,
    Numbered,
    OwnedEvents,
    Place,
    Ties,
    changes_of,
)
from smartshop.data_collection.schemas.ids import Micros

DEFAULT_GROWTH = GrowthConfig()


class LogFollower:
    """Holds the newest grown model and how far it counted; what it knows of shoppers is read anew at every step."""

    def __init__(
        self,
        model: RecommendationModel,
        log_no: int,
        log: EventLog,
        store: OwnedEvents,
        config: GrowthConfig = DEFAULT_GROWTH,
    ) -> None:
        """`log_no`: the last log number that the model was trained on."""
        self.model = model
        self._log, self._store, self._config = log, store, config
        # What was linked and merged by the newest event that the training read, it counted by.
        until = store.received_at(log_no) or Micros(0)
        merges = {start: into for start, (into, at) in store.merges().items() if at <= until}
        self._place = Place(log_no, Ties(until, merges=merges))
        self._size: LogSize | None = None

    @property
    def log_no(self) -> int:
        """The last log number counted."""
        return self._place.log_no

    @property
    def is_full(self) -> bool:
        """Whether no more may be counted until the next training."""
        return pairs_counted(self.model) > self._config.max_pairs

    def is_too_far_behind(self) -> bool:
        """Whether training anew is cheaper than to follow."""
        return self._log.size().last_no - self.log_no > self._config.max_behind

    def step(self, shelf: Callable[[], Shelf]) -> int:
        """Count the next events, at most `events_at_once`; how many there were.

        `shelf` is asked after the events were read, so that it can know every product that they name.
        """
        size = self._log.size()
        if size == self._size or self.is_full:
            return 0
        batch = self._next()
        if batch:
            self._count(batch, shelf())
        if len(batch) < self._config.events_at_once:
            # What comes after the size was asked changes it, so nothing is missed by not looking until then.
            self._size = size
        return len(batch)

    def look_at_ties(self, shelf: Callable[[], Shelf]) -> bool:
        """Count by links and merges that no event told of; whether there were any. Reads both tables whole."""
        if self.is_full:
            return False
        ties = self._place.ties
        links = frozenset(link for link in self._store.links_since(ties.until) if not ties.hold(link))
        merges = {start: into for start, (into, _) in self._store.merges().items()}
        if not links and merges == ties.merges:
            return False
        self._count((), shelf(), replace(ties, links=links, merges=merges))
        return True

    def _next(self) -> list[Numbered]:
        scan = self._log.scan(self.log_no, kinds=FOLLOWED_KINDS, batch_size=self._config.events_at_once)
        return next(scan, [])

    def _count(self, batch: list[Numbered] | tuple[()], shelf: Shelf, news: Ties | None = None) -> None:
        limit = self._config.events_per_shopper
        changes = changes_of(batch, self._place, self._store, shelf, limit=limit, news=news)
        # First the model: if it fails, the same events are counted by the next step.
        self.model = grow(self.model, changes, shelf)
        self._place = changes.place
