"""The served recommendation model counts on: a thread follows the log behind it, a step at a time.

Nothing here is stored, and a restart or another model begins anew from what that model was trained on.
"""

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic

import structlog

from smartshop.ai_agents.recommendation.growing import GrowthConfig
from smartshop.ai_agents.recommendation.growing_log import DEFAULT_GROWTH, LogFollower
from smartshop.ai_agents.recommendation.model import RecommendationModel
from smartshop.ai_agents.shelf import Shelf
from smartshop.data_collection.connectors.ports import EventLog
from smartshop.data_collection.pipelines.owner_changes import OwnedEvents

log = structlog.get_logger()

LOOK_EVERY_SECONDS = 0.4
"""What was accepted counts within a second: this, and the step itself."""

Serve = Callable[[RecommendationModel, RecommendationModel], None]
"""Called with the trained model and the same after it counted on."""


@dataclass(slots=True)
class _Following:
    """One trained model, and what follows the log behind it."""

    trained: RecommendationModel
    log_no: int
    follower: LogFollower | None = None
    ties_seen_at: float = 0.0
    has_stopped: bool = False


class CountingOn:
    """`follow` names the model; from then on each `step` counts some more and hands the grown model over."""

    def __init__(
        self,
        events: EventLog,
        owned: OwnedEvents,
        shelf: Callable[[], Shelf],
        serve: Serve,
        config: GrowthConfig = DEFAULT_GROWTH,
    ) -> None:
        """`shelf` answers with every product that is in the catalogue when it is asked."""
        self._events, self._owned, self._shelf, self._serve, self._config = events, owned, shelf, serve, config
        self._following: _Following | None = None
        self._stepping = threading.Lock()

    def follow(self, model: RecommendationModel, log_no: int) -> None:
        """Begin behind this model, which was trained on the log up to `log_no`; may be called from any thread."""
        self._following = _Following(model, log_no)

    def step(self) -> bool:
        """Count the next events; whether many more may wait. Blocking; one step at a time."""
        with self._stepping:
            following = self._following
            if following is None or following.has_stopped:
                return False
            follower = self._follower(following)
            if follower is None:
                return False
            counted = follower.step(self._shelf)
            has_grown = counted > 0
            if monotonic() - following.ties_seen_at >= self._config.tie_seconds:
                has_grown = follower.look_at_ties(self._shelf) or has_grown
                following.ties_seen_at = monotonic()
            if has_grown:
                self._serve(following.trained, follower.model)
            if follower.is_full:
                following.has_stopped = True
                log.warning(
                    "counting_on_stopped", reason="as many pairs were counted as may be", log_no=follower.log_no
                )
            return counted == self._config.events_at_once

    def _follower(self, following: _Following) -> LogFollower | None:
        if following.follower is None:
            follower = LogFollower(following.trained, following.log_no, self._events, self._owned, self._config)
            if follower.is_too_far_behind():
                following.has_stopped = True
                log.warning("counting_on_stopped", reason="the model is too old to count on", log_no=following.log_no)
                return None
            following.follower = follower
        return following.follower


async def keep_counting_on(counting: CountingOn) -> None:
    """Step after step for ever, with rests at least as long as the steps: requests go before."""
    while True:
        started, goes_on = monotonic(), False
        try:
            goes_on = await asyncio.to_thread(counting.step)
        except Exception as error:  # a store that is away for a moment must not end the counting
            log.warning("not_counted_on", error=repr(error))
        took = monotonic() - started
        await asyncio.sleep(took if goes_on else max(took, LOOK_EVERY_SECONDS))
