"""Every route there is, in one table. Routing tries them in this order, so the hottest come first."""

from typing import Any

from smartshop.backend_api.api import (
    art,
    audience_lookalikes,
    audience_pushes,
    audiences,
    categories,
    customers,
    dead_letters,
    decisions,
    erasure,
    events,
    health,
    operations,
    orders,
    products,
    recommendations,
    search,
    segment,
    segment_refits,
    segments,
    shopper_tokens,
    stock,
    storefront,
)
from smartshop.backend_api.endpoint import Endpoint

ENDPOINTS: tuple[Endpoint[Any, Any], ...] = (  # Any: each has its own query and body
    *events.ENDPOINTS,
    *recommendations.ENDPOINTS,
    *products.ENDPOINTS,
    *search.ENDPOINTS,
    *segment.ENDPOINTS,
    *categories.ENDPOINTS,
    *shopper_tokens.ENDPOINTS,
    *storefront.ENDPOINTS,
    *art.ENDPOINTS,
    *decisions.ENDPOINTS,
    *orders.ENDPOINTS,
    *customers.ENDPOINTS,
    *erasure.ENDPOINTS,
    *stock.ENDPOINTS,
    *segment_refits.ENDPOINTS,
    *segments.ENDPOINTS,
    *audience_lookalikes.ENDPOINTS,
    *audience_pushes.ENDPOINTS,
    *audiences.ENDPOINTS,
    *operations.ENDPOINTS,
    *dead_letters.ENDPOINTS,
    *health.ENDPOINTS,
)
