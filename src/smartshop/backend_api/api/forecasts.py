"""`/v1/forecasts/{product_id}`: what is foreseen of a product, and where its stock is heading."""

from functools import partial
from typing import Any

from smartshop.ai_agents.inventory.forecast_view import ForecastSeen, forecast_seen
from smartshop.backend_api.endpoint import Call, Endpoint
from smartshop.backend_api.service import Service
from smartshop.backend_api.services.reordering import brought_by, stock_now_of
from smartshop.backend_api.utils.auth import Permission
from smartshop.backend_api.utils.wire import id_in_path


def get_forecast(service: Service, call: Call[None, None]) -> ForecastSeen:
    product = id_in_path(call.path("product_id"), "product")
    shop, at = service.shop, stock_now_of(service.shop)
    shared, catalogued = service.proposals.shared(shop), partial(brought_by, shop)
    return forecast_seen(at.model, at.stores, product, at.present, at.now, shared, catalogued)


ENDPOINTS: tuple[Endpoint[Any, Any], ...] = (  # Any: each has its own query and body
    Endpoint(
        method="GET",
        path="/v1/forecasts/{product_id}",
        permission=Permission.SECRET,
        handle=get_forecast,
        summary="Demand of a product (or of a variant's) week by week as quantiles, with its history and its stock",
        answer=ForecastSeen,
    ),
)
