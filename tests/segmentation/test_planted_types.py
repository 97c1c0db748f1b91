"""The sorts of people that a made-up shop was planted with are found again from what its customers did in sixty days.

Agreement is the adjusted Rand index, over all customers who are given a segment (of the others too little is known),
and over those with an order, where customers without a segment count as one more group.
"""

import numpy as np
import pytest
from numpy.typing import NDArray

from smartshop.ai_agents.segmentation.choosing import adjusted_rand
from smartshop.ai_agents.segmentation.features import features_of
from smartshop.ai_agents.segmentation.identity import refit_clusters
from smartshop.ai_agents.segmentation.space import HABIT_COLUMNS
from smartshop.ai_agents.segmentation.topics import make_topics
from smartshop.data_collection.pipelines.clock import DAY
from smartshop.data_collection.pipelines.customer_activity import SIGN_KINDS, CustomerActivity
from smartshop.data_collection.pipelines.timestamps import parse_rfc3339
from smartshop.data_collection.schemas.events import EventKind
from smartshop.simulator.scenario import SHIPPED
from tests.segmentation.activities import START, Line, Order, Sign, activity_of
from tests.segmentation.test_topics import shelf_of_paths
from tests.simulator.conftest import Made, whole_history


def activity_and_types(made: Made) -> tuple[CustomerActivity, NDArray[np.int32]]:
    """What customers did, also before they signed in, and the type that each was planted with."""
    world = made.world
    owner = {event.anonymous_id: event.customer_id for event in made.events if event.kind is EventKind.IDENTIFIED}
    orders: list[Order] = []
    lines: list[Line] = []
    signs: list[Sign] = []
    for event in made.events:
        customer = event.customer_id or owner.get(event.anonymous_id)
        if customer is None or event.occurred_at is None:
            continue
        day = (parse_rfc3339(event.occurred_at) - START) / DAY
        if event.kind is EventKind.ORDER_COMPLETED:
            sold = [
                (world.row[line.product_id], line.quantity or 1, line.price_minor or 0)
                for line in event.products
                if line.product_id is not None
            ]
            lines += [(len(orders), product, units, units * price) for product, units, price in sold]
            orders.append((customer, day, sum(units * price for _, units, price in sold)))
        elif event.kind in SIGN_KINDS:
            product = -1 if event.product_id is None else world.row[event.product_id]
            signs.append((customer, day, event.kind, product))
    activity = activity_of(orders, lines=lines, signs=signs)
    type_of = {world.customer_id(shopper): sort for shopper, sort in enumerate(world.population.type.tolist())}
    return activity, np.array([type_of[customer] for customer in activity.customer_ids], np.int32)


@pytest.mark.parametrize("name", SHIPPED)
def test_planted_types_are_found_again(name: str) -> None:
    made = whole_history(name)
    activity, types = activity_and_types(made)
    leaves = [leaf.category for leaf in made.world.scenario.leaves]
    shelf = shelf_of_paths([leaves[leaf] for leaf in made.world.range.assortment.leaf.tolist()])
    features = features_of(activity, make_topics(activity, shelf, np.random.default_rng(1)))
    found = refit_clusters(features, None, None, rng=np.random.default_rng(1), columns=HABIT_COLUMNS)
    has_segment, has_ordered = found.labels >= 0, features.n_orders > 0
    assert abs(found.report.k - len(made.world.scenario.shopper_types)) <= 1
    assert adjusted_rand(types[has_segment], found.labels[has_segment]) >= 0.6
    assert adjusted_rand(types[has_ordered], found.labels[has_ordered] + 1) >= 0.6
    assert has_segment.mean() >= 0.6
    assert has_segment[has_ordered].mean() >= 0.9
