"""The OpenAPI document, made from the route table and the records' own JSON schemas: `openapi_document()`."""

import re
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from typing import Any

import msgspec

from smartshop.backend_api.endpoint import Endpoint
from smartshop.backend_api.utils.auth import Permission
from smartshop.backend_api.utils.problems import PROBLEM_MEDIA_TYPE, Problem
from smartshop.data_collection.schemas.events import Event
from smartshop.data_collection.schemas.ids import ID_PATTERN

Json = dict[str, Any]
"""Any: a JSON document is what it is."""

_REFERENCE = "#/components/schemas/{name}"
_PATH_PART = re.compile(r"\{(\w+)\}")
_PROBLEM_TEXT = {
    401: "No key, or one nobody knows",
    403: "A known key that may not do this",
    404: "There is no such thing",
    409: "Well-formed, but the shop's state says no",
    413: "The body is too large",
    422: "Malformed; the sentence names the bad value",
    429: "Too many requests; `Retry-After` says when",
    503: "Overloaded or an engine is down; `Retry-After` says when",
}


def openapi_document(endpoints: Iterable[Endpoint[Any, Any]]) -> Json:
    """The whole document; pure, so that it can be printed without a running service."""
    shown = [endpoint for endpoint in endpoints if endpoint.in_document]
    types = [Problem, Event, *_types(shown)]
    schemas, components = msgspec.json.schema_components(types, ref_template=_REFERENCE)
    by_type = dict(zip(map(str, types), schemas, strict=True))
    paths: Json = {}
    for endpoint in shown:
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = _operation(endpoint, by_type, components)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Smart Shopping System",
            "version": version("smartshop"),
            "description": "A shop's own recommendations, explained. Errors are problem+json (RFC 9457).",
        },
        "paths": paths,
        "components": {
            "schemas": dict(sorted(components.items())),
            "responses": {
                f"Problem{status}": {
                    "description": text,
                    "content": {PROBLEM_MEDIA_TYPE: {"schema": {"$ref": _REFERENCE.format(name="Problem")}}},
                }
                for status, text in _PROBLEM_TEXT.items()
            },
            "securitySchemes": {
                "key": {"type": "http", "scheme": "bearer", "description": "A key, or a shopper token."}
            },
        },
    }


def _types(endpoints: Iterable[Endpoint[Any, Any]]) -> list[Any]:  # Any: types, annotated ones too
    found: dict[str, Any] = {}
    for endpoint in endpoints:
        for shape in (endpoint.query, endpoint.body, endpoint.own_body, endpoint.answer):
            if shape is not None:
                found.setdefault(str(shape), shape)
    return list(found.values())


def _operation(endpoint: Endpoint[Any, Any], schemas: Mapping[str, Json], components: Mapping[str, Json]) -> Json:
    operation: Json = {
        "operationId": _operation_id(endpoint),
        "summary": endpoint.summary,
        "tags": [endpoint.path.split("/")[2] if endpoint.path.startswith("/v1/") else endpoint.path.split("/")[1]],
        "responses": _responses(endpoint, schemas),
    }
    parameters = [*_path_parameters(endpoint), *_query_parameters(endpoint, components), *_header_parameters(endpoint)]
    if parameters:
        operation["parameters"] = parameters
    body = endpoint.body if endpoint.body is not None else endpoint.own_body
    if body is not None:
        operation["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": schemas[str(body)]}},
        }
    if endpoint.permission is not Permission.PUBLIC:
        operation["security"] = [{"key": []}]
    return operation


def _operation_id(endpoint: Endpoint[Any, Any]) -> str:
    words = re.sub(r"[{}]", "", endpoint.path.removeprefix("/v1")).replace(".", "/").replace("-", "_").split("/")
    return "_".join([endpoint.method.lower(), *filter(None, words)])


def _responses(endpoint: Endpoint[Any, Any], schemas: Mapping[str, Json]) -> Json:
    success: Json = {"description": endpoint.summary}
    if endpoint.answer is not None:
        success["content"] = {endpoint.media_type: {"schema": schemas[str(endpoint.answer)]}}
    elif endpoint.media_type != "application/json":
        success["content"] = {endpoint.media_type: {"schema": {"type": "string"}}}
    for media_type in endpoint.other_media_types:
        success["content"][media_type] = {"schema": {"type": "string"}}
    answers = dict.fromkeys((endpoint.status, *endpoint.other_successes), success)
    problems = {
        status: {"$ref": f"#/components/responses/Problem{status}"}
        for status in _problem_statuses(endpoint)
        if status not in answers
    }
    return {str(status): answer for status, answer in sorted({**answers, **problems}.items())}


def _problem_statuses(endpoint: Endpoint[Any, Any]) -> set[int]:
    statuses = {429, 503, *endpoint.other_problems} if endpoint.limited else set(endpoint.other_problems)
    if endpoint.limited:
        statuses |= {401, 403}
    if _PATH_PART.search(endpoint.path) or endpoint.permission is Permission.OWN_SHOPPER:
        statuses.add(404)
    if endpoint.query is not None:
        statuses.add(422)
    if endpoint.body is not None or endpoint.own_body is not None:
        statuses |= {409, 413, 422}
    return statuses


def _path_parameters(endpoint: Endpoint[Any, Any]) -> list[Json]:
    schema = {"type": "string", "pattern": ID_PATTERN}
    return [
        {"name": name, "in": "path", "required": True, "schema": schema} for name in _PATH_PART.findall(endpoint.path)
    ]


def _query_parameters(endpoint: Endpoint[Any, Any], components: Mapping[str, Json]) -> list[Json]:
    """A query string has no null: a parameter that may be missing is simply left out."""
    if endpoint.query is None:
        return []
    shape = components[endpoint.query.__name__]
    return [_query_parameter(name, schema, shape) for name, schema in shape["properties"].items()]


def _query_parameter(name: str, schema: Json, shape: Json) -> Json:
    choices = [choice for choice in schema.get("anyOf", []) if choice != {"type": "null"}]
    told = dict(choices[0]) if choices else {key: value for key, value in schema.items() if key != "default"}
    if schema.get("default") is not None and not choices:
        told["default"] = schema["default"]
    parameter: Json = {"name": name, "in": "query", "required": name in shape.get("required", []), "schema": told}
    description = told.pop("description", None)
    if description:
        parameter["description"] = description
    return parameter


def _header_parameters(endpoint: Endpoint[Any, Any]) -> list[Json]:
    return [
        {"name": name, "in": "header", "required": False, "description": text, "schema": {"type": "string"}}
        for name, text in endpoint.request_headers.items()
    ]
