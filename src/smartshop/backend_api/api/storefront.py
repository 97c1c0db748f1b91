"""`GET /v1/storefront`: what a page must know before it has a key."""

import msgspec

from smartshop.backend_api.endpoint import Call, Endpoint
from smartshop.backend_api.service import Service
from smartshop.backend_api.utils.auth import CallerKind, Permission
from smartshop.data_collection.pipelines.clock import format_rfc3339
from smartshop.errors import Unavailable

LOCALE = "en-GB"
"""The language of the shop's own texts and sentences."""


class Storefront(msgspec.Struct, frozen=True, kw_only=True):
    shop_name: str
    publishable_key: str
    currency: str
    locale: str
    demo: bool
    clock: str
    """The time that slates are as of, RFC 3339."""


def get_storefront(service: Service, _: Call[None, None]) -> Storefront:
    shop = service.shop
    public = [
        key.plain
        for key in shop.keys.all()
        if key.kind == CallerKind.PUBLISHABLE and key.revoked_at is None and key.plain
    ]
    if not public:
        raise Unavailable("There is no publishable key for the pages; make one with `smartshop keys create`.")
    return Storefront(
        shop_name=shop.name,
        publishable_key=public[0],
        currency=shop.currency,
        locale=LOCALE,
        demo=shop.demo,
        clock=format_rfc3339(shop.clock.shop_now()),
    )


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/v1/storefront",
        permission=Permission.PUBLIC,
        handle=get_storefront,
        summary="The shop's name, money and publishable key, for its pages",
        answer=Storefront,
    ),
)
