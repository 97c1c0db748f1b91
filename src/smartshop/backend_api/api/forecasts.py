"""`/v1/forecasts/{product_id}`: what is foreseen of a product, and where its stock is heading."""

from typing import Any

from smartshop.ai_agents.inventory.forecast_view import ForecastSeen, forecast_seen
from smartshop.backend_api.endpoint import Call, Endpoint
from smartshop.backend_api.service import Service
from smartshop.backend_api.services.reordering import ports_of, present_of, served_forecasts
from smartshop.backend_api.utils.auth import Permission
from smartshop.backend_api.utils.wire import id_in_path


def get_forecast(service: Service, call: Call[None, None]) -> ForecastSeen:
    shop, product = service.shop, id_in_path(call.path("product_id"), "product")
    return forecast_seen(served_forecasts(shop), ports_of(shop), product, present_of(shop), shop.clock.now())


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
