"""What people who shop alike respond to, for shoppers of whom little is known: it fades as their own history grows.

    log-odds of product c = strength · h/(h + own) · Σ_s (chance of segment s − its share of the shop) · log lift_s(c)

The chances follow from the topics of what the shopper looked at or bought (`membership`), and lift_s(c) is the demand
share of c in the segment over that in the shop (`prior`). Subtracting the shares makes it exactly nothing while nothing
is known. No more is looked at than the question's own history, which is empty for those who withheld personalisation.
"""

from collections.abc import Sequence
from typing import Annotated, ClassVar

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from smartshop.ai_agents.advice import ADVICE_LIMIT, Advice, Candidates, Numbers, Question
from smartshop.ai_agents.segmentation.membership import Membership
from smartshop.ai_agents.segmentation.prior import PriorConfig, SegmentPrior, log_lifts
from smartshop.ai_agents.segmentation.sensitive import is_sensitive
from smartshop.ai_agents.segmentation.topics import Topics
from smartshop.data_collection.schemas.segments import Segment
from smartshop.data_collection.schemas.slates import Reason

CODE = "your_segment"
MOST_TIMES_TOLD = 20
"""Beyond it the figure is about who hardly ever buys there."""


class AdviceConfig(msgspec.Struct, frozen=True, kw_only=True):
    strength: Annotated[float, Meta(ge=0, le=2)] = 0.7
    """Share of the lift that is claimed: the rest is what the recommendation knows from the same history."""
    half_weight_products: Annotated[float, Meta(gt=0)] = 6.0
    """With so many distinct products in the shopper's own history, the segment's word counts half."""
    least_chance: Annotated[float, Meta(ge=0, le=1)] = 0.5
    """A reason is given when the segment is so sure, …"""
    least_times: Annotated[float, Meta(ge=1)] = 1.5
    """… buys so many times as often from the topic as others do, …"""
    least_lines: Annotated[int, Meta(ge=1)] = 30
    """… has been seen to in so many order lines, …"""
    least_pull: Annotated[float, Meta(ge=0)] = 0.1
    """… and the pull is so many log-odds."""


class SegmentationAdvisor:
    """Pure over the question; tables are worked out once, when it is made."""

    name: ClassVar[str] = "segmentation"

    def __init__(
        self,
        prior: SegmentPrior,
        topics: Topics,
        segments: Sequence[Segment],
        *,
        config: AdviceConfig | None = None,
        prior_config: PriorConfig | None = None,
    ) -> None:
        """`segments`: in the order of the prior's; `topics`: those of the fit, extended by later products or not."""
        prior_config = prior_config or PriorConfig()
        self._config = config or AdviceConfig()
        self._prior, self._segments, self._names = prior, tuple(segments), topics.names
        self._membership = Membership(prior, topics, prior_config=prior_config)
        # What is past the end, and what has no topic, finds the last row, which says nothing.
        self._topic_of_product = np.append(topics.topic_of_product, np.int32(-1))
        _, lifts = log_lifts(prior, prior_config, topics.topic_of_product)
        self._lifts = _with_nothing(lifts)

    def advise(self, question: Question, candidates: Candidates) -> Advice:
        n = len(candidates.product_no)
        own = self._membership.newest_distinct(question.history)
        if n == 0 or not len(own) or len(self._prior) < 2:
            return Advice(np.zeros(n, np.float32))
        chances = self._membership.chances(own)
        fading = self._config.half_weight_products / (self._config.half_weight_products + len(own))
        known = np.minimum(candidates.product_no, len(self._lifts) - 1)
        beyond_usual = self._config.strength * fading * (chances - self._membership.sizes)
        pull = self._lifts[known] @ beyond_usual.astype(np.float32)
        pull -= pull.mean()
        log_odds = np.clip(pull, -ADVICE_LIMIT, ADVICE_LIMIT)

        def reason(index: int) -> Reason | None:
            if log_odds[index] < self._config.least_pull:
                return None
            return self._reason(int(candidates.product_no[index]), chances)

        return Advice(log_odds, reason)

    def membership(self, history: Numbers) -> NDArray[np.float64]:
        """(k,) chance of each segment for one who looked at these products, oldest first; the sizes for none."""
        return self._membership.chances(self._membership.newest_distinct(history))

    def _reason(self, number: int, chances: NDArray[np.float64]) -> Reason | None:
        """The likeliest segment's own habit, where it is one; figures are counts of order lines."""
        config, segment = self._config, int(chances.argmax())
        topic = int(self._topic_of_product[min(number, len(self._topic_of_product) - 1)])
        if chances[segment] < config.least_chance or topic < 0 or is_sensitive(self._names[topic]):
            return None
        lines = self._prior.lines_by_topic
        inside, of_topic = lines[segment], lines[:, topic]
        elsewhere = int(lines.sum() - inside.sum())
        if inside[topic] < config.least_lines or elsewhere == 0:
            return None
        share = float(inside[topic] / inside.sum())
        # One line more than was seen, so that "never" does not make infinitely often.
        share_elsewhere = float((of_topic.sum() - inside[topic] + 1) / (elsewhere + 1))
        times = share / share_elsewhere
        if times < config.least_times:
            return None
        what = self._names[topic]
        how_often = f"{times:.1f}" if times <= MOST_TIMES_TOLD else f"more than {MOST_TIMES_TOLD}"
        return Reason(
            CODE,
            # What the shop calls its segments is for the shop: nobody is told that they are a bargain hunter.
            f"Customers who shop like you buy from {what} {how_often} times as often as others.",
            {
                "topic": what,
                "share_of_lines": round(share, 3),
                "share_of_lines_elsewhere": round(share_elsewhere, 3),
                "lines": int(inside[topic]),
                "customers": int(self._prior.sizes[segment]),
            },
        )


def _with_nothing(rows: NDArray[np.floating]) -> NDArray[np.floating]:
    """(n, k) → (n + 1, k): zeros at the end."""
    return np.concatenate([rows, np.zeros((1, rows.shape[1]), rows.dtype)])
