"""Which axes of taste a refit goes by: the present ones as long as they hold what is bought."""

import numpy as np

from smartshop.ai_agents.segmentation.topics import Topics, extend_topics, make_topics, topics_at
from smartshop.data_collection.pipelines.customer_activity import CustomerActivity
from smartshop.data_collection.pipelines.shelf import Shelf

MOST_WITHOUT_TOPIC = 0.25
"""Share of the order lines whose product has no topic, from which on the topics are learned anew."""


def topics_for(
    activity: CustomerActivity, shelf: Shelf, present: Topics | None, timezone: str, rng: np.random.Generator
) -> Topics:
    """The axes go on as they are, until too much of what is bought lies on none of them."""
    if present is not None:
        topics = extend_topics(present, shelf)
        known = activity.line_product[activity.line_product >= 0]
        if not len(known) or float(np.mean(topics_at(known, topics) < 0)) <= MOST_WITHOUT_TOPIC:
            return topics
    return make_topics(activity, shelf, rng, timezone=timezone)
