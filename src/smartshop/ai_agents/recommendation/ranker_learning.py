"""Learns the ranker from slates that were seen: LambdaMART over the blend, judged on the newest slates.

Position bias: a place further down is looked at less, and the products there would look worse than they are. The chance
of a look is estimated (`ranker_examination`) and given to every row as an offset, ln of that chance, beside the blend's
log-odds; the trees explain what is left, and at serving there is no offset. Only what came into view takes part: what
nobody saw is no sign of dislike. What chance put at its place weighs the inverse of that chance, cut.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import msgspec
import numpy as np
import scipy  # its parts load when first used, which is when learning
from msgspec import Meta
from numpy.typing import NDArray

from smartshop.ai_agents.recommendation.model import RecommendationModel
from smartshop.ai_agents.recommendation.ranker import NOT_INSTALLED, Ranker, is_installed
from smartshop.ai_agents.recommendation.ranker_columns import FROM_BLEND, feature_names
from smartshop.ai_agents.recommendation.ranker_contest import Order, Verdict, judge_orders
from smartshop.ai_agents.recommendation.ranker_examination import Examination, fit_examination
from smartshop.ai_agents.recommendation.ranker_table import RankerTable, make_table
from smartshop.ai_agents.recommendation.sources import SOURCES
from smartshop.ai_agents.shelf import Shelf
from smartshop.data_collection.pipelines.slate_outcomes import Outcome, ShownSlate

if TYPE_CHECKING:
    import lightgbm

GAIN_OF = {Outcome.NOTHING: 0, Outcome.CLICKED: 1, Outcome.ADDED: 2, Outcome.ORDERED: 3}
LEAST_TREES = 1
TENTH = 9
"""The place, from 0, whose chance of a look is told."""
BELIEVED_CLICKS = 10.0
"""Clicks' worth of belief that a unit of score is one of log-odds."""
CALIBRATED_WITHIN = (0.05, 20.0)
"""Bounds of the slope: with few clicks the likelihood may have no end."""


class RankerConfig(msgspec.Struct, frozen=True, kw_only=True):
    trees: Annotated[int, Meta(ge=1, le=2000)] = 300
    """At most; fewer where newer slates say that more would not help."""
    leaves: Annotated[int, Meta(ge=2, le=256)] = 8
    learning_rate: Annotated[float, Meta(gt=0, le=1)] = 0.05
    reg: Annotated[float, Meta(ge=0)] = 5.0
    """λ2 on the leaves."""
    least_rows: Annotated[int, Meta(ge=1)] = 40
    """Of a leaf."""
    columns_share: Annotated[float, Meta(gt=0, le=1)] = 0.7
    """Of all columns, drawn for each tree."""
    patience: Annotated[int, Meta(ge=1)] = 40
    """Trees without gain on newer slates before it ends."""
    least_slates: Annotated[int, Meta(ge=8)] = 200
    """Clicked slates; with fewer nothing is learned."""
    most_slates: Annotated[int, Meta(ge=8)] = 6_000
    """The newest clicked ones: each asks every source once, some milliseconds."""
    share_stopping: Annotated[float, Meta(gt=0, lt=0.5)] = 0.15
    share_judging: Annotated[float, Meta(gt=0, lt=0.5)] = 0.25
    """The newest of all."""


DEFAULT_CONFIG = RankerConfig()


@dataclass(frozen=True, slots=True)
class RankerTried:
    """What became of an attempt; `ranker` is what serves beside the blend from now on."""

    ranker: Ranker | None
    said: str
    """In one line."""
    metrics: dict[str, float]


def learn_ranker(
    older: RecommendationModel,
    shelf: Shelf,
    slates: Sequence[ShownSlate],
    present: Ranker | None = None,
    *,
    config: RankerConfig = DEFAULT_CONFIG,
    seed: int = 0,
) -> RankerTried:
    """Learn a ranker and let it serve only if it is clearly better than what would serve without it.

    `older`: a model of the recipe that will serve, fitted on nothing newer than the first of `slates`, which are in
    order of time. `present`: the ranker that serves now. Without enough clicked slates the present one stays.
    """
    clicked = [slate for slate in slates if slate.outcome.any()][-config.most_slates :]
    counts = {"ranker_slates": float(len(slates)), "ranker_slates_clicked": float(len(clicked))}
    if not is_installed():
        return RankerTried(None, NOT_INSTALLED, {})
    if len(clicked) < config.least_slates:
        said = f"no ranker is learned from {len(clicked)} clicked slates; {config.least_slates} are needed"
        return RankerTried(present, said if present is None else f"{said}; the present one stays", counts)
    judged_from = int(len(clicked) * (1 - config.share_judging))
    stopping_from = int(judged_from - len(clicked) * config.share_stopping)
    examination = _examination_before(slates, int(clicked[judged_from].decided_at))
    table = make_table(older, shelf, clicked)
    learning, stopping, judging = (
        table.part(first, last)
        for first, last in ((0, stopping_from), (stopping_from, judged_from), (judged_from, len(clicked)))
    )
    new = fit_ranker(learning, stopping, examination, config, seed)
    scores = {Order.BLEND: judging.blend, Order.NEW: new.log_odds(judging.features, judging.blend)}
    if present is not None:
        scores[Order.PRESENT] = present.log_odds(_features_for(present, judging.features), judging.blend)
    verdict = judge_orders(judging, scores, examination, np.random.default_rng(seed))
    chosen = {Order.NEW: new, Order.PRESENT: present, Order.BLEND: None}[verdict.chosen]
    return RankerTried(chosen, _said(verdict), {**counts, **_metrics(verdict, new, examination)})


def _features_for(present: Ranker, features: NDArray[np.float32]) -> NDArray[np.float32]:
    """The columns that a ranker of an earlier release learned with; a source that is gone lists nothing."""
    names = feature_names(SOURCES)
    wanted = feature_names(present.sources)
    columns = np.zeros((len(features), len(wanted)), np.float32)
    for at, name in enumerate(wanted):
        if name in names:
            columns[:, at] = features[:, names.index(name)]
    return columns


def _examination_before(slates: Sequence[ShownSlate], moment: int) -> Examination:
    """From every slate in view before the judging begins, also those of which nothing was clicked.

    Only what named its slate tells of looks: what was found again elsewhere may never have been looked at there. Where
    a shop's clients name no slate, everything counts.
    """
    seen = [slate for slate in slates if slate.decided_at < moment]
    if not seen:
        return Examination()
    named = np.concatenate([slate.named for slate in seen])
    return fit_examination(
        np.concatenate([np.arange(len(slate.product_no)) for slate in seen]),
        np.concatenate([slate.argued for slate in seen]),
        named if named.any() else np.concatenate([slate.outcome for slate in seen]) > 0,
    )


def fit_ranker(
    learning: RankerTable, stopping: RankerTable, examination: Examination, config: RankerConfig, seed: int
) -> Ranker:
    """Trees from the older slates, as many as are best on the newer ones; the same tables give the same text."""
    import lightgbm  # an extra: only where there is something to learn

    names = list(feature_names(SOURCES))
    steepness = fit_slope(learning, learning.blend, examination)
    datasets = [
        lightgbm.Dataset(
            table.features,
            label=[GAIN_OF[Outcome(each)] for each in table.outcome.tolist()],
            group=table.size,
            weight=table.weight,
            init_score=steepness * table.blend + examination.log_chance(table.place),
            feature_name=names,
            free_raw_data=False,
        )
        for table in (learning, stopping)
    ]
    booster = lightgbm.train(
        _parameters(config, seed),
        datasets[0],
        num_boost_round=config.trees,
        valid_sets=[datasets[1].set_reference(datasets[0])],
        feval=_likelihood(stopping),
        callbacks=[lightgbm.early_stopping(config.patience, verbose=False)],
    )
    text = booster.model_to_string(num_iteration=max(booster.best_iteration, LEAST_TREES))
    trees = np.asarray(booster.predict(stopping.features, num_iteration=max(booster.best_iteration, LEAST_TREES)))
    slope = fit_slope(stopping, steepness * stopping.blend + trees, examination)
    return Ranker(text, SOURCES, steepness=steepness, slope=slope)


def _parameters(config: RankerConfig, seed: int) -> dict[str, object]:
    rising = {*(f"list_{source}" for source in SOURCES), *FROM_BLEND}
    return {
        "objective": "lambdarank",
        "label_gain": [0, 1, 2, 4],
        "lambdarank_truncation_level": 20,
        "metric": "None",
        "num_leaves": config.leaves,
        "learning_rate": config.learning_rate,
        "lambda_l2": config.reg,
        "min_data_in_leaf": config.least_rows,
        "feature_fraction": config.columns_share,
        "max_bin": 63,
        "num_threads": 1,
        "seed": seed,
        "deterministic": True,
        "force_row_wise": True,
        "monotone_constraints": [int(name in rising) for name in feature_names(SOURCES)],
        "verbosity": -1,
    }


def _likelihood(table: RankerTable) -> Callable[[NDArray[np.float64], "lightgbm.Dataset"], tuple[str, float, bool]]:
    """How likely the clicks are under the scores, which hold the offset: smoother than a count of places."""

    def feval(scores: NDArray[np.float64], _: "lightgbm.Dataset") -> tuple[str, float, bool]:
        return "click_likelihood", click_likelihood(table, scores), True

    return feval


def click_likelihood(table: RankerTable, scores: NDArray[np.float64]) -> float:
    """Mean ln chance that the one clicked is the one clicked, by the logit model within each slate (McFadden 1974)."""
    starts = np.cumsum(table.size) - table.size
    highest = np.repeat(np.maximum.reduceat(scores, starts), table.size)
    total = np.add.reduceat(np.exp(scores - highest), starts)
    log_share = scores - highest - np.repeat(np.log(total), table.size)
    return float(log_share[table.outcome > 0].mean())


def fit_slope(table: RankerTable, scores: NDArray[np.float64], examination: Examination) -> float:
    """What a unit of score is worth in log-odds: the slope under which the clicks of these slates are likeliest.

    Where they say nothing of it, it is 1.
    """
    offset = examination.log_chance(table.place)
    belief = BELIEVED_CLICKS / max(int((table.outcome > 0).sum()), 1)
    low, high = CALIBRATED_WITHIN

    def loss(log_slope: float) -> float:
        return belief * log_slope**2 / 2 - click_likelihood(table, np.exp(log_slope) * scores + offset)

    found = scipy.optimize.minimize_scalar(loss, bounds=(np.log(low), np.log(high)), method="bounded")
    return round(float(np.exp(found.x)), 6)


def _said(verdict: Verdict) -> str:
    gain = verdict.over_before
    found = f"{gain.mean:+.4f} NDCG over what would serve without it, 95 % {gain.low:+.4f} to {gain.high:+.4f}"
    match verdict.chosen:
        case Order.NEW:
            return f"a ranker serves from now on: {found}"
        case Order.PRESENT:
            return f"the present ranker stays: a new one has {found}"
        case Order.BLEND:
            return f"the blend serves: a ranker has {found}"


def _metrics(verdict: Verdict, new: Ranker, examination: Examination) -> dict[str, float]:
    return {
        "ranker_serves": float(verdict.chosen is not Order.BLEND),
        "ranker_is_new": float(verdict.chosen is Order.NEW),
        "ranker_trees": float(new.n_trees),
        "ranker_looks_at_tenth": float(np.exp(examination.log_chance(np.array([TENTH])))[0]),
        "ranker_judged_clicks": float(verdict.clicks),
        "ranker_gain": verdict.over_blend.mean,
        "ranker_gain_low": verdict.over_blend.low,
        "ranker_gain_high": verdict.over_blend.high,
        "ranker_gain_halved": verdict.over_blend_halved.mean,
        "ranker_gain_halved_low": verdict.over_blend_halved.low,
        **{f"ranker_ndcg_{order.value}": value for order, value in verdict.ndcg.items()},
    }
