"""From a client's JSON to an Event, or to a sentence that says why it is none."""

import re

import msgspec

from smartshop.data_collection.pipelines.arrivals import Rejection
from smartshop.data_collection.schemas.events import Event, EventKind, StoredEvent

MAX_EVENT_BYTES = 32_768
MAX_NESTING = 64
"""Deeper JSON says nothing of a shopper and would exhaust the stack of whoever reads it later."""
_WITH_LINES = frozenset({EventKind.ORDER_COMPLETED, EventKind.ORDER_REFUNDED, EventKind.ORDER_RETURNED})
_NULL_CHARACTER = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
_NOT_A_NUMBER = re.compile(rb"\b(?:NaN|Infinity)\b")

_decoder = msgspec.json.Decoder(Event)


def decode_event(raw: bytes) -> Event | Rejection:
    """Return the event as its sender meant it; types are checked, values not yet."""
    try:
        event = _decoder.decode(raw)
    except msgspec.ValidationError as error:
        return Rejection(f"malformed: {_sentence(str(error))}")
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        if _NOT_A_NUMBER.search(raw):
            return Rejection("not_a_number: The event holds NaN or Infinity; leave the field out instead.")
        return Rejection(f"malformed: The event is no JSON ({error}); send an object.")
    except RecursionError:
        return _too_deep()
    if len(raw) > MAX_EVENT_BYTES and event.kind not in _WITH_LINES:
        return Rejection(f"too_large: The event has {len(raw)} bytes; at most {MAX_EVENT_BYTES} fit.")
    return rejection_of_text(raw) or event


def rejection_of_content(event: Event | StoredEvent) -> Rejection | None:
    """The same for an event that was made in this process and never was text."""
    for content in (event.properties, event.traits, event.context):
        if content is None:
            continue
        try:
            rejection = rejection_of_text(msgspec.json.encode(content))
        except UnicodeEncodeError as error:
            return Rejection(f"malformed: The event holds text that is no Unicode ({error.reason}); clean it first.")
        if rejection is not None:
            return rejection
    return None


def rejection_of_text(raw: bytes) -> Rejection | None:
    """Refuse what some store or reader behind us could not hold: null characters and very deep JSON."""
    if b"\\u0000" in raw and _NULL_CHARACTER.search(raw):
        return Rejection("null_character: The event holds a null character; no store can keep it, leave it out.")
    if raw.count(b"{") + raw.count(b"[") > MAX_NESTING and _nesting(raw) > MAX_NESTING:
        return _too_deep()
    return None


def _too_deep() -> Rejection:
    return Rejection(f"too_deep: The event is nested more than {MAX_NESTING} deep; send it flatter.")


def _nesting(raw: bytes) -> int:
    deepest = depth = 0
    in_text = escaped = False
    for sign in raw:
        if in_text:
            in_text, escaped = escaped or sign != 0x22, not escaped and sign == 0x5C
        elif sign == 0x22:
            in_text = True
        elif sign in b"{[":
            depth += 1
            deepest = max(deepest, depth)
        elif sign in b"}]":
            depth -= 1
    return deepest


def _sentence(error: str) -> str:
    """
    >>> _sentence("Expected `str`, got `int` - at `$.query`")
    'Expected `str`, got `int` at `$.query`; see Event in the API document.'
    """
    return f"{error.replace(' - at ', ' at ')}; see Event in the API document."
