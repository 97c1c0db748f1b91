"""What people who shop alike want lately, worked out from a shopper's own history when a slate is asked for.

    share(c) = Σ_s chance of segment s · share of c in what segment s wants lately (`prior.wanted_shares`)

The chances are those of `membership`, of the question's history alone: a stored standing is not looked at. Only what is
wanted most in some segment is looked at, which is chosen once per model.
"""

from collections.abc import Sequence
from typing import Annotated

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from smartshop.ai_agents.advice import NOTHING_WANTED, Numbers, Wanted
from smartshop.ai_agents.segmentation.membership import Membership
from smartshop.ai_agents.segmentation.prior import PriorConfig, SegmentPrior, log_lifts, wanted_shares
from smartshop.ai_agents.segmentation.sensitive import is_sensitive
from smartshop.ai_agents.segmentation.topics import Topics

FEWEST_SEGMENTS = 2
"""One alone is the whole shop, whose demand is known without it."""


class WantedConfig(msgspec.Struct, frozen=True, kw_only=True):
    of_segment: Annotated[int, Meta(ge=1, le=1_000)] = 60
    """Products wanted most in each segment that are looked at."""
    told: Annotated[int, Meta(ge=1, le=1_000)] = 150
    """At most so many in an answer."""


class WantedAlike:
    """From a history to what people who shop alike want; immutable, safe for any number of threads."""

    def __init__(
        self,
        prior: SegmentPrior,
        topics: Topics,
        *,
        config: WantedConfig | None = None,
        prior_config: PriorConfig | None = None,
    ) -> None:
        """`topics`: those of the fit, extended by later products or not."""
        config, prior_config = config or WantedConfig(), prior_config or PriorConfig()
        self._told, self._sizes = config.told, prior.sizes
        self._membership = Membership(prior, topics, prior_config=prior_config)
        shares = [wanted_shares(prior, segment, prior_config) for segment in range(len(prior))]
        self._product_no = _wanted_anywhere(shares, config.of_segment)
        self._shares = np.stack([of[self._product_no] for of in shares], axis=-1)
        _, lifts = log_lifts(prior, prior_config)
        self._times = np.exp(lifts[self._product_no]).astype(np.float64)
        topic = prior.topic_of_product[self._product_no].tolist()
        # Of what must not be spoken of nothing is claimed: it counts as wanted no more than usual.
        self._times[[of >= 0 and is_sensitive(topics.names[of]) for of in topic]] = 1.0

    def __call__(self, history: Numbers) -> Wanted:
        """`history`: (n,) products, oldest first. Nothing for who is not known, or known by unknown products only."""
        products = self._membership.newest_distinct(history)
        if len(self._membership) < FEWEST_SEGMENTS or not self._membership.knows(products):
            return NOTHING_WANTED
        chances = self._membership.chances(products)
        share = self._shares @ chances
        best = np.argsort(-share, kind="stable")[: self._told]
        return Wanted(
            product_no=self._product_no[best],
            times=(self._times[best] @ chances).astype(np.float32),
            customers=int(chances @ self._sizes),
        )


def _wanted_anywhere(shares: Sequence[NDArray[np.float64]], n: int) -> Numbers:
    """The `n` most wanted of every segment, rising and distinct. `shares`: (p,) of each segment."""
    heads = [np.flatnonzero(of)[np.argsort(-of[of > 0], kind="stable")[:n]] for of in shares]
    return np.unique(np.concatenate([np.zeros(0, np.intp), *heads])).astype(np.int32)
