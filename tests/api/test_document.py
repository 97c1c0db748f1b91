"""The OpenAPI document is whole, and the service keeps every word of it."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema_rs import Draft202012Validator

from smartshop.backend_api.api.openapi import openapi_document
from smartshop.backend_api.api.table import ENDPOINTS
from tests.api.live_server import listening
from tests.api.shop_for_tests import SECRET, Opened, app_of, make_shop, open_shop_stores

EXAMPLES = 4
"""Of the fuzzing phase, per route; the coverage phase always tries every boundary."""
NAMES = (
    "Event SlateRequest Slate SlateItem Reason Product ProductPage SearchResult Category ShopperToken Order "
    "OrderRequest Problem Storefront"
).split()
"""Components that the front end and other clients are built on."""


def test_every_answer_is_what_the_document_says(tmp_path: Path) -> None:
    """Schemathesis tries every route with what the document allows and with what it does not (3,000 requests)."""
    stores = open_shop_stores(tmp_path)
    document = tmp_path / "openapi.json"
    document.write_text(json.dumps(_with_flat_rules(openapi_document(ENDPOINTS))), encoding="utf-8")
    with listening(app_of(make_shop(stores))) as url:
        tried = subprocess.run(
            [
                *(sys.executable, "-m", "schemathesis.cli", "run", str(document), "--url", url),
                *("--header", f"Authorization: {SECRET['Authorization']}", "--no-color", "--warnings", "off"),
                *("--phases", "coverage,fuzzing", "--max-examples", str(EXAMPLES), "--workers", "1", "--seed", "1"),
            ],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
    stores.close()
    assert tried.returncode == 0, tried.stdout[-6_000:] + tried.stderr[-2_000:]
    assert re.search(r"(\d+) generated, \1 passed", tried.stdout), tried.stdout[-2_000:]


def _with_flat_rules(document: dict[str, Any]) -> dict[str, Any]:
    """The document with rules of rules one deep: every boundary of every depth would be 70,000 requests."""
    leaf = {"$ref": "#/components/schemas/Consents"}  # every kind of rule is tried by itself as well
    schemas = document["components"]["schemas"]
    for name in ("AllOf", "AnyOf"):
        schemas[name]["properties"]["rules"]["items"] = leaf
    schemas["Not"]["properties"]["of"] = leaf
    return document


def test_every_text_of_a_certain_form_says_in_words_which() -> None:
    """Refusals quote these words, never the pattern."""

    def patterns(part: Any, name: str) -> Iterator[str]:  # noqa: ANN401  any JSON
        if isinstance(part, dict):
            if isinstance(part.get("pattern"), str) and "description" not in part:
                yield name
            for key, inner in part.items():
                yield from patterns(inner, f"{name}.{key}")
        elif isinstance(part, list):
            for number, inner in enumerate(part):
                yield from patterns(inner, f"{name}[{number}]")

    assert list(patterns(openapi_document(ENDPOINTS)["components"]["schemas"], "")) == []


def test_the_document_names_every_route_and_the_components_that_clients_use() -> None:
    made = openapi_document(ENDPOINTS)
    assert set(NAMES) <= set(made["components"]["schemas"])
    documented = {(method.upper(), path) for path, methods in made["paths"].items() for method in methods}
    assert documented == {(endpoint.method, endpoint.path) for endpoint in ENDPOINTS if endpoint.in_document}
    operation_ids = [operation["operationId"] for methods in made["paths"].values() for operation in methods.values()]
    assert len(operation_ids) == len(set(operation_ids))


def test_the_service_publishes_the_same_document(service: Opened) -> None:
    assert service.client.get("/openapi.json").json() == json.loads(json.dumps(openapi_document(ENDPOINTS)))


def test_every_error_of_the_document_is_a_problem() -> None:
    made = openapi_document(ENDPOINTS)
    for path, methods in made["paths"].items():
        for method, operation in methods.items():
            for status, answer in operation["responses"].items():
                if int(status) >= 400 and path != "/health/ready":
                    assert answer == {"$ref": f"#/components/responses/Problem{status}"}, (method, path)


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("ProductPage", "/v1/products?limit=3"),
        ("SearchResult", "/v1/search?query=tent"),
        ("Storefront", "/v1/storefront"),
        ("CategoryPage", "/v1/categories"),
        ("Slate", "/v1/trending?limit=3"),
        ("Quality", "/v1/quality"),
    ],
)
def test_an_answer_fits_its_component(service: Opened, name: str, path: str) -> None:
    made: dict[str, Any] = openapi_document(ENDPOINTS)
    schema = {"$ref": f"#/components/schemas/{name}", "components": made["components"]}
    Draft202012Validator(schema).validate(service.client.get(path, headers=SECRET).json())
