"""How likely a shopper is of each segment, from no more than the products they turned to.

Naive Bayes over the topics of these products, with the segments' sizes as prior; one visit has errands, so what one
product says is taken for less than independent evidence.
"""

from typing import Annotated

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from smartshop.ai_agents.segmentation.prior import PriorConfig, SegmentPrior, topic_shares
from smartshop.ai_agents.segmentation.topics import Topics

Numbers = NDArray[np.int32]


class MembershipConfig(msgspec.Struct, frozen=True, kw_only=True):
    newest: Annotated[int, Meta(ge=1)] = 60
    """Products of the history that tell the segment."""
    sign_weight: Annotated[float, Meta(gt=0, le=1)] = 0.6
    """What one product adds to the log-odds of a segment, relative to independent evidence: visits have errands."""


class Membership:
    """k segments in the order of the prior's; immutable, its tables are worked out once."""

    def __init__(
        self,
        prior: SegmentPrior,
        topics: Topics,
        *,
        config: MembershipConfig | None = None,
        prior_config: PriorConfig | None = None,
    ) -> None:
        """`topics`: those of the fit, extended by later products or not."""
        self._config = config or MembershipConfig()
        # What is past the end, and what has no topic, finds the last row, which says nothing.
        self._topic_of_product = np.append(topics.topic_of_product, np.int32(-1))
        shares, shop = topic_shares(prior, prior_config or PriorConfig())
        evidence = np.log(shares / shop).T * self._config.sign_weight
        self._evidence = np.concatenate([evidence, np.zeros((1, len(prior)))])
        self.sizes = (prior.sizes + 1.0) / (prior.sizes + 1.0).sum()
        """(k,) share of each segment among the customers, the chance of one of whom nothing is known."""
        self._log_sizes = np.log(self.sizes)

    def __len__(self) -> int:
        return len(self.sizes)

    def newest_distinct(self, history: Numbers) -> Numbers:
        """Those of a history, oldest first, that tell the segment: distinct, newest first."""
        return np.array(list(dict.fromkeys(history[::-1].tolist()))[: self._config.newest], np.int32)

    def knows(self, products: Numbers) -> bool:
        """Whether any of these has a topic, and so says anything."""
        return bool((self._topic_of_product[np.minimum(products, len(self._topic_of_product) - 1)] >= 0).any())

    def chances(self, products: Numbers) -> NDArray[np.float64]:
        """(k,) for one who turned to these distinct products; the sizes for none."""
        known = np.minimum(products, len(self._topic_of_product) - 1)
        found = self._log_sizes + self._evidence[self._topic_of_product[known]].sum(axis=0)
        shares = np.exp(found - found.max())
        return np.asarray(shares / shares.sum(), np.float64)
