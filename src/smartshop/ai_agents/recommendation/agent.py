"""The learning side of the recommendation agent: reads the log, trains, stores a version, promotes it."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import ClassVar

import msgspec
import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # ships no types

from smartshop.ai_agents.recommendation.metrics import Measures, draw_bootstrap
from smartshop.ai_agents.recommendation.model import RecommendationModel
from smartshop.ai_agents.recommendation.ranker_learning import RankerTried, learn_ranker
from smartshop.ai_agents.recommendation.source import NO_FOLDERS, Folders
from smartshop.ai_agents.recommendation.training import Progress, TrainedModel, judge, train
from smartshop.ai_agents.recommendation.tuning import repeats_allowed, without_history
from smartshop.ai_agents.shelf import Shelf
from smartshop.data_collection.connectors.ports import Customers, Decisions, EventLog, ModelRecord, Models
from smartshop.data_collection.pipelines.clock import to_datetime
from smartshop.data_collection.pipelines.interactions import Interactions, load_interactions
from smartshop.data_collection.pipelines.slate_outcomes import ShownSlate, load_shown_slates
from smartshop.data_collection.schemas.ids import Micros, ModelVersion
from smartshop.data_collection.schemas.messages import Message, ModelTrained
from smartshop.errors import ModelRefused

AGENT = "recommendation"
LEAST_SHARE_OF_DATA = 0.5
"""A model from less than this share of the present one's interactions is not promoted: something was lost."""


class RecommendationAgent:
    """Learns in jobs, from the whole log; between them its part of the present is the shopper's own history."""

    name: ClassVar[str] = AGENT
    listens_to: ClassVar[tuple[type[Message], ...]] = ()

    def __init__(self, models: Models, now: Callable[[], Micros], folders: Folders = NO_FOLDERS) -> None:
        self._models, self.now, self._folders = models, now, folders

    async def handle(self, messages: Sequence[Message]) -> Sequence[Message]:
        """It asked for no messages, so whatever comes by mistake changes nothing."""
        return ()

    def train(
        self, interactions: Interactions, shelf: Shelf, rng: np.random.Generator, progress: Progress
    ) -> TrainedModel:
        return train(interactions, shelf, rng, progress, folders=self._folders)

    def publish(
        self,
        trained: TrainedModel,
        shelf: Shelf,
        slates: Sequence[ShownSlate] = (),
        progress: Progress = lambda _, __: None,
    ) -> ModelTrained:
        """Store the version; promote it unless it learned from far less than the present one.

        `slates`: shown after what `trained.older` learned from; a ranker is learned from them where they are enough.

        Where the present mix is clearly better on unseen shoppers, the new arrays are published under that mix: a shop
        must never be held to old arrays because a search found a poorer mix this time.
        """
        present = self._models.promoted(AGENT)
        old = self._opened(present)
        if old is not None and not not_worse(trained, old, shelf):
            trained = with_mix_of(trained, old, shelf)
        tried = _try_ranker(trained, old, shelf, slates, progress)
        trained = replace(trained, model=replace(trained.model, ranker=tried.ranker))
        record = self._record(trained, tried.metrics)
        folder = self._models.new_folder(AGENT, record.version)
        trained.model.save(folder)
        stored = self._models.publish(record, folder)
        learned = present.metrics.get("interactions", 0.0) if present is not None else 0.0
        promoted = trained.n_interactions >= LEAST_SHARE_OF_DATA * learned
        if promoted:
            self._models.promote(AGENT, stored.version, self.now())
        return ModelTrained(agent=AGENT, version=stored.version, promoted=promoted)

    def _opened(self, present: ModelRecord | None) -> RecommendationModel | None:
        if present is None:
            return None
        try:
            return RecommendationModel.load(self._models.open(present))
        except ModelRefused:
            return None

    def _record(self, trained: TrainedModel, of_ranker: dict[str, float]) -> ModelRecord:
        now = self.now()
        return ModelRecord(
            agent=AGENT,
            version=ModelVersion(to_datetime(now).strftime("%Y%m%dT%H%M%S.%f")),
            trained_at=now,
            data_until=trained.data_until,
            log_no=trained.log_no,
            sha256="",
            metrics={**_metrics(trained), **of_ranker},
        )


def not_worse(trained: TrainedModel, present: RecommendationModel, shelf: Shelf) -> bool:
    """Whether the new mix loses nothing to the present one, on shoppers that neither was tuned on.

    The present arrays may have learned from the very answers, so the two *recipes* are put to the same questions over
    the same arrays of the older part; only a paired difference whose 95 % interval lies below zero is worse. (The
    present mix may have been tuned on some of these very shoppers, which favours it a little.)
    """
    if not trained.judged_on:
        return True
    shopper = np.array([question.shopper for question in trained.judged_on])
    bootstrap = draw_bootstrap(shopper, np.random.default_rng(0))
    ours, theirs = trained.model.recipe.blend, present.recipe.blend
    conventions = ((repeats_allowed, ours, theirs), (without_history, ours.for_new(), theirs.for_new()))
    for convention, our_mix, their_mix in conventions:
        new, old = (judge(trained.older, shelf, trained.judged_on, mix, convention) for mix in (our_mix, their_mix))
        if bootstrap.interval(new.ndcg - old.ndcg).high < 0:
            return False
    return True


def with_mix_of(trained: TrainedModel, present: RecommendationModel, shelf: Shelf) -> TrainedModel:
    """The new arrays under the present mix and its calibration."""
    theirs = present.recipe
    recipe = msgspec.structs.replace(
        trained.model.recipe,
        blend=theirs.blend,
        calibration=theirs.calibration,
        calibration_new=theirs.calibration_new,
    )
    return replace(
        trained,
        model=replace(trained.model, recipe=recipe),
        older=replace(trained.older, recipe=recipe),
        measures=judge(trained.older, shelf, trained.judged_on, theirs.blend),
    )


def _try_ranker(
    trained: TrainedModel,
    present: RecommendationModel | None,
    shelf: Shelf,
    slates: Sequence[ShownSlate],
    progress: Progress,
) -> RankerTried:
    """What orders the blend's candidates from now on; where nothing was shown and seen, the present one stays."""
    serving = present.ranker if present is not None else None
    if not slates:
        return RankerTried(serving, "", {})
    progress(0.95, f"learning to rank from {len(slates)} slates that were seen")
    with threadpool_limits(limits=1):
        tried = learn_ranker(trained.older, shelf, slates, serving)
    progress(1.0, tried.said)
    return tried


def train_recommendation(
    log: EventLog,
    customers: Customers,
    decisions: Decisions,
    shelf: Shelf,
    agent: RecommendationAgent,
    *,
    until: Micros | None = None,
    seed: int = 0,
    progress: Progress,
) -> ModelTrained:
    """The job: read the log up to `until`, train and publish. Run again it makes one more version of the same."""
    progress(0.0, "reading the log")
    interactions = load_interactions(log, customers, shelf, until)
    trained = agent.train(interactions, shelf, np.random.default_rng(seed), progress)
    # Only what was shown after the older part ended: the sources must not have seen what was clicked.
    since, before = Micros(trained.older.as_of + 1), agent.now() if until is None else until
    slates = load_shown_slates(log, customers, decisions, shelf, since=since, until=Micros(before + 1))
    return agent.publish(trained, shelf, slates, progress)


def _metrics(trained: TrainedModel) -> dict[str, float]:
    found: Measures = trained.measures
    blending = trained.model.recipe.blend
    asked = len(trained.judged_on)
    weights = {f"weight_{source}": weight for source, weight in blending.weights.items()}
    if not asked:
        return {"interactions": float(trained.n_interactions), "questions": 0.0, **weights}
    return {
        "interactions": float(trained.n_interactions),
        "questions": float(asked),
        "hit_rate_at_10": float(found.hit_rate.mean()),
        "ndcg_at_10": float(found.ndcg.mean()),
        "recall_at_10": float(found.recall.mean()),
        "mrr": float(found.reciprocal_rank.mean()),
        **weights,
    }
