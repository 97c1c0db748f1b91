"""Who may what: every route by every kind of caller, and that the table says what API clients were told."""

import itertools
from typing import Any

import pytest

from smartshop.backend_api.api.table import ENDPOINTS
from smartshop.backend_api.endpoint import Endpoint
from smartshop.backend_api.utils.auth import Permission
from tests.api.shop_for_tests import PUBLISHABLE, SECRET, Opened

PATH_VALUES = {
    "product_id": "tents-1",
    "decision_id": "none",
    "order_id": "none",
    "customer_id": "c-own",
    "key": "none",
    "segment_id": "none",
    "version": "none",
    "audience_id": "none",
    "rule_id": "none",
    "reservation_id": "none",
    "item_id": "none",
    "supplier_id": "none",
    "proposal_id": "none",
    "alert_id": "none",
    "job_id": "none",
    "variant_id": "none",
    "purchase_order_id": "none",
    "name": "none",
}
REFUSED = (401, 403)
KINDS = ("nobody", "unknown", "altered", "publishable", "shopper", "secret")
ANYONE = "/v1/storefront /art/{product_id}.svg /health/live /health/ready /metrics".split()
KEY_IN_BODY_TOO = {
    *(f"/v1/{name}" for name in "batch b track t identify i page p screen s group g alias a".split()),
    "/v1/projects/{key}/settings",
}
"""Tracking clients may send the key in the body or the path; their routes ask for it themselves."""
ERASING = (("DELETE", "/v1/customers/{customer_id}"), ("DELETE", "/v1/me"))
SHOPPER_ONLY = "/v1/decisions /v1/orders /v1/customers /v1/me /v1/stock/reservations /v1/stock/waits".split()
CATALOGUE_READ = "/v1/products /v1/search /v1/categories /v1/recommendations /v1/trending /v1/rank".split()


def test_every_route_is_for_whom_the_documentation_says() -> None:
    for endpoint in ENDPOINTS:
        assert endpoint.permission is _expected(endpoint), f"{endpoint.method} {endpoint.path}"


def _expected(endpoint: Endpoint[Any, Any]) -> Permission:
    path = endpoint.path
    if path in ANYONE or path in KEY_IN_BODY_TOO:
        return Permission.PUBLIC
    if path in ("/v1/events", "/v1/shopper-tokens"):
        return Permission.ANY_KEY
    # What is planned to be asked is nobody's to know but the shop's own.
    if path in ("/v1/customers/{customer_id}/merge", "/v1/products/{product_id}/prices"):
        return Permission.SECRET
    # Whether goods have left already is the shop's to know.
    if path == "/v1/orders/{order_id}/cancel":
        return Permission.SECRET
    if (endpoint.method, path) == ERASING[0]:
        return Permission.SECRET
    if any(path.startswith(start) for start in SHOPPER_ONLY):
        return Permission.OWN_SHOPPER
    reads = endpoint.method == "GET" or path in ("/v1/recommendations", "/v1/rank")
    if reads and any(path.startswith(start) for start in CATALOGUE_READ):
        return Permission.ANY_KEY
    return Permission.SECRET


@pytest.mark.parametrize(
    ("endpoint", "kind"),
    list(itertools.product(ENDPOINTS, KINDS)),
    ids=lambda value: value if isinstance(value, str) else f"{value.method} {value.path}",
)
def test_a_route_lets_pass_exactly_whom_it_may(service: Opened, endpoint: Endpoint[Any, Any], kind: str) -> None:
    # Who is erased by a test has no token in the next one.
    customer_id = "c-leaving" if (endpoint.method, endpoint.path) in ERASING else "c-own"
    path = endpoint.path.format(**{**PATH_VALUES, "customer_id": customer_id})
    answer = service.client.request(endpoint.method, path, headers=_headers(service, kind, customer_id))
    may = {
        Permission.PUBLIC: {"nobody", "publishable", "shopper", "secret"},
        Permission.ANY_KEY: {"publishable", "shopper", "secret"},
        Permission.OWN_SHOPPER: {"shopper", "secret"},
        Permission.SECRET: {"secret"},
    }[endpoint.permission]
    if kind in may and endpoint.path not in KEY_IN_BODY_TOO:
        assert answer.status_code not in REFUSED, answer.text
    if kind in ("nobody", "unknown", "altered") and (endpoint.permission is not Permission.PUBLIC):
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"] == "Bearer"
    if kind in ("publishable", "shopper") and kind not in may:
        assert answer.status_code == 403
    assert answer.status_code < 500


def _headers(service: Opened, kind: str, customer_id: str) -> dict[str, str]:
    match kind:
        case "publishable":
            return PUBLISHABLE
        case "secret":
            return SECRET
        case "shopper":
            return service.token(customer_id=customer_id)
        case "unknown":
            return {"Authorization": "Bearer pk_nobody_knows_this_one"}
        case "altered":
            head, _, signature = service.token(customer_id=customer_id)["Authorization"].rpartition(".")
            turned = "A" if signature[0] != "A" else "B"
            return {"Authorization": f"{head}.{turned}{signature[1:]}"}
        case _:
            return {}
