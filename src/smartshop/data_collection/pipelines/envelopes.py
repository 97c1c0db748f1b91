"""A request's body into one JSON text per event, so that each event stands or falls alone."""

import json
from typing import TypeVar

import msgspec

from smartshop.errors import InvalidValue

T = TypeVar("T")


def open_envelope(body: bytes, decoder: "msgspec.json.Decoder[T]", name: str) -> tuple[T, list[bytes]]:
    """Return the envelope and the text of each event; `name` is its field of `msgspec.Raw` events.

    Real clients send NaN and Infinity, which are no JSON: such a body is read by Python's own, laxer parser, and only
    the events concerned fail later.

    Raises:
        InvalidValue: no JSON object of that shape.
    """
    try:
        envelope = decoder.decode(body)
    except msgspec.ValidationError as error:
        raise InvalidValue(_shape(str(error), name)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _open_patiently(body, decoder, name)
    return envelope, [bytes(raw) for raw in getattr(envelope, name)]


def _open_patiently(body: bytes, decoder: "msgspec.json.Decoder[T]", name: str) -> tuple[T, list[bytes]]:
    try:
        document = json.loads(body)
        events = document.get(name) if isinstance(document, dict) else None
        if not isinstance(events, list):
            raise InvalidValue(_shape(f"Expected an object with the list `{name}`", name))
        words = {key: value for key, value in document.items() if isinstance(value, str) and key != name}
        return decoder.decode(json.dumps({**words, name: []})), [json.dumps(event).encode() for event in events]
    except RecursionError:
        raise InvalidValue("The body is nested too deeply; send it flatter.") from None
    except (ValueError, msgspec.DecodeError) as error:
        # ValueError is json's, unicode's, and Python's about integers of thousands of digits.
        raise InvalidValue(f'The body is no JSON ({str(error)[:120]}); send {{"{name}": [...]}}.') from None


def _shape(reason: str, name: str) -> str:
    return f'The body is not as it should be: {reason.replace(" - at ", " at ")}. Send {{"{name}": [...]}}.'
