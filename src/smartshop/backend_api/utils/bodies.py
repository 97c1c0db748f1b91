"""Request bodies and query strings into typed records, within limits; refusals name the field and the bad value."""

import re
from typing import Any, TypeVar

import msgspec
from starlette.datastructures import QueryParams
from starlette.requests import Request

from smartshop.backend_api.utils.valid_values import described, valid_values
from smartshop.errors import InvalidValue, TooLarge

MAX_BODY_BYTES = 1_048_576
SHOWN_CHARACTERS = 60
"""Of a bad value in an error's sentence."""

NOT_ONE_OF = ("invalid enum value", "invalid value")
"""How msgspec's errors on enumerations, literals and tags begin."""

NOT_LIKE = "expected str matching regex"
"""And those on texts of a certain form: which one, the field's description says in words."""

T = TypeVar("T")
_PATH = re.compile(r" - at `(?P<path>[^`]*)`$")
_STEP = re.compile(r"\.(?P<name>[^.\[]+)|\[(?P<index>\d+)\]")


async def read_body(request: Request, limit: int = MAX_BODY_BYTES) -> bytes:
    """The whole body.

    Raises:
        TooLarge: it is longer than `limit` bytes; nothing more is read.
    """
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared[:20]) > limit:
        raise TooLarge(f"The body has {declared[:20]} bytes; at most {limit} are read. Send it in parts.")
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > limit:
            raise TooLarge(f"The body has more than {limit} bytes, which is the most that is read. Send it in parts.")
        parts.append(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def decode_body(body: bytes, decoder: msgspec.json.Decoder[T]) -> T:
    """The body as its record. JSON Schema calls 15.0 an integer, and so do we.

    Raises:
        InvalidValue: no JSON, or JSON of another shape.
    """
    try:
        return decoder.decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return _decode_patiently(body, decoder)


def _decode_patiently(body: bytes, decoder: msgspec.json.Decoder[T]) -> T:
    if not body.strip():
        raise InvalidValue("The body is empty; send a JSON object, {} where there is nothing to say.")
    try:
        document = _whole_numbers(msgspec.json.decode(body))
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidValue(f"The body is no JSON: {error}.") from None
    except RecursionError:
        raise InvalidValue("The body is nested too deeply; send flat JSON.") from None
    try:
        shaped: T = msgspec.convert(document, decoder.type)
    except msgspec.ValidationError as error:
        raise InvalidValue(_sentence(error, document, decoder.type, "The body")) from None
    return shaped


def decode_query(parameters: QueryParams, shape: type[T], lists: frozenset[str]) -> T:
    """The query string as its record; `lists` names the parameters that may be repeated.

    Raises:
        InvalidValue: an unknown parameter, or a value of another type.
    """
    given: dict[str, Any] = {}  # Any: text or texts, before the record says what they are
    for name in parameters:
        values = parameters.getlist(name)
        if name in lists:
            given[name] = values
        elif len(values) > 1:
            raise InvalidValue(f"The parameter {name[:SHOWN_CHARACTERS]} stands {len(values)} times; send it once.")
        else:
            given[name] = values[0]
    try:
        read = msgspec.convert(given, shape, strict=False)
    except msgspec.ValidationError as error:
        raise InvalidValue(_sentence(error, given, shape, "The query string")) from None
    for name, field in _field_names(shape) if given else ():
        if name in given and getattr(read, field) is None:
            raise InvalidValue(f"{name} is {given[name]!r}: a query string has no null; leave the parameter out.")
    return read


def list_fields(shape: type) -> frozenset[str]:
    """Names of the record's fields that hold lists."""
    fields = msgspec.structs.fields(shape)
    return frozenset(field.encode_name for field in fields if "list[" in str(field.type))


def _field_names(shape: type) -> list[tuple[str, str]]:
    """As sent, and as the record calls it: `from` is no name in Python."""
    return [(field.encode_name, field.name) for field in msgspec.structs.fields(shape)]


def _whole_numbers(value: object) -> object:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [_whole_numbers(item) for item in value]
    if isinstance(value, dict):
        return {name: _whole_numbers(item) for name, item in value.items()}
    return value


def _sentence(error: msgspec.ValidationError, document: object, shape: type, what: str) -> str:
    """`limit is 500: expected int <= 200.`; where one of few values is wanted, all of them are named."""
    text = str(error)
    found = _PATH.search(text)
    expected = (text[: found.start()] if found else text).replace("`", "")
    expected = expected[:1].lower() + expected[1:]
    if found is None:
        return f"{what} cannot be used: {expected}."
    path = found["path"].removeprefix("$").removeprefix(".")
    shown = repr(_value_at(document, found["path"]))[:SHOWN_CHARACTERS]
    if expected.startswith(NOT_ONE_OF) and (valid := valid_values(shape, document, _steps(found["path"]))):
        return f"{path or what} is {shown}: expected one of {', '.join(valid)}."
    if expected.startswith(NOT_LIKE):
        words = described(shape, document, _steps(found["path"])) or "text of another form"
        expected = f"expected {words[:1].lower()}{words[1:]}"
    return f"{path or what} is {shown}: {expected}."


def _steps(path: str) -> list[str | int]:
    """`$.rules[2].number` is rules, 2, number."""
    return [int(step["index"]) if step["name"] is None else str(step["name"]) for step in _STEP.finditer(path)]


def _value_at(document: object, path: str) -> object:
    value = document
    for step in _steps(path):
        if isinstance(step, int) and isinstance(value, list):
            value = value[step]
        elif isinstance(step, str) and isinstance(value, dict):
            value = value.get(step)
        else:
            break
    return value
