"""`/art/{product_id}.svg`: a product's picture, for shops whose products have none of their own."""

from starlette.responses import Response

from smartshop.backend_api.endpoint import Call, Endpoint
from smartshop.backend_api.service import Service
from smartshop.backend_api.utils.auth import Permission
from smartshop.backend_api.utils.wire import id_in_path
from smartshop.data_collection.schemas.ids import ProductId
from smartshop.errors import NotFound

HEADERS = {
    "Cache-Control": "public, max-age=86400",
    # An SVG opened by itself runs as a page; this one may load and run nothing.
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
    "X-Content-Type-Options": "nosniff",
}


def get_art(service: Service, call: Call[None, None]) -> Response:
    product_id = ProductId(id_in_path(call.path("product_id"), "product"))
    listed = service.shop.catalogue.get([product_id]).get(product_id)
    if listed is None or service.shop.art is None:
        raise NotFound(f"There is no picture of {product_id!r}.")
    return Response(service.shop.art(listed.product), headers=HEADERS, media_type="image/svg+xml")


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/art/{product_id}.svg",
        permission=Permission.PUBLIC,
        handle=get_art,
        summary="A product's picture",
        media_type="image/svg+xml",
        limited=False,
    ),
)
