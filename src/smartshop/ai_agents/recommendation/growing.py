"""A model that goes on counting: what shoppers did since its training is added to what it counts, exactly. Pure.

The chain, the trends and what is bought together are sums over shoppers or orders, so a change of some shoppers is a
difference of sums. A grown model is a new one that shares the trained one's arrays; it is served, never saved. What is
more than counts (the mix, its calibration, the other sources) is as trained.
"""

from dataclasses import replace
from typing import Annotated

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from smartshop.ai_agents.recommendation.bought_together import BoughtTogether
from smartshop.ai_agents.recommendation.growing_demand import grow_demand
from smartshop.ai_agents.recommendation.growing_partners import grow_partners
from smartshop.ai_agents.recommendation.growing_steps import grow_steps
from smartshop.ai_agents.recommendation.markov import Markov
from smartshop.ai_agents.recommendation.model import RecommendationModel
from smartshop.ai_agents.recommendation.sequences import make_sequences
from smartshop.ai_agents.recommendation.source import Source
from smartshop.ai_agents.recommendation.trending import Trending
from smartshop.ai_agents.shelf import Shelf
from smartshop.data_collection.pipelines.owner_changes import OwnerChanges


class GrowthConfig(msgspec.Struct, frozen=True, kw_only=True):
    """What growing may cost; bounds of memory and of reading."""

    events_at_once: Annotated[int, Meta(ge=1, le=1_000_000)] = 20_000
    """Of the log, per step; each shopper among them is read once."""
    events_per_shopper: Annotated[int, Meta(ge=10, le=100_000)] = 2_000
    """Newest of each customer and browser that are looked at."""
    max_behind: Annotated[int, Meta(ge=0)] = 2_000_000
    """Log numbers; a model further behind waits for its training."""
    max_pairs: Annotated[int, Meta(ge=1)] = 3_000_000
    """Pairs counted since the training, about 40 bytes each; then growing waits for the next one."""
    tie_seconds: Annotated[float, Meta(gt=0)] = 60.0
    """How often all links and merges are looked through for those that no event told of."""


def grow(model: RecommendationModel, changes: OwnerChanges, shelf: Shelf) -> RecommendationModel:
    """The model with some shoppers counted as they are now; arrays reach as far as the shelf does."""
    configs = model.recipe.configs
    n_products = max(model.n_products, shelf.n_products)
    before, after = (
        make_sequences(replace(counted, n_products=n_products), configs.sequences)
        for counted in (changes.before, changes.after)
    )
    as_of = max(model.as_of, int(changes.after.data_until))

    def grown(source: Source) -> Source:
        match source:
            case Markov():
                return grow_steps(source, before, after, configs.markov)
            case Trending():
                return grow_demand(source, before, after, as_of, configs.trending)
            case BoughtTogether():
                category = category_of(model, source, shelf)
                return grow_partners(source, before, after, category, configs.bought_together)
            case _:
                return source

    return replace(
        model,
        n_products=n_products,
        as_of=as_of,
        sources=tuple(grown(source) for source in model.sources),
    )


def pairs_counted(model: RecommendationModel) -> int:
    """How many pairs were counted since the training: what growing costs in memory."""
    steps, partners = model.of(Markov), model.of(BoughtTogether)
    counted = 0
    if steps is not None and steps.counts is not None and steps.counts.added is not None:
        counted += int(steps.counts.added.total.nnz)
    if partners is not None and partners.counts is not None and partners.counts.products.added is not None:
        counted += int(partners.counts.products.added.nnz)
    return counted


def category_of(model: RecommendationModel, learned: BoughtTogether, shelf: Shelf) -> NDArray[np.int32]:
    """(n_products of the shelf,): as learned, and for products that came later what the shelf says; 0 where unknown."""
    known = learned.counts.category if learned.counts is not None else np.zeros(0, np.int32)
    if len(known) >= shelf.n_products:
        return known
    codes = {path: code for code, path in enumerate(model.categories)}
    on_shelf = np.array([codes.get(path, 0) for path in shelf.categories], np.int32)
    return np.concatenate((known, on_shelf[shelf.category[len(known) :]]))
