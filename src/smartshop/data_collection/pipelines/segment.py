"""From a message of Segment's tracking wire to an Event. Pure; what a client may send is judged by `quality` later.

Source: Segment's HTTP Tracking API and its common fields. The sender's clock is put right as Segment does it:
timestamp := received_at − (sentAt − timestamp), in whole seconds, so that a message sent again stays the same; less
than two seconds are travel, not clocks.
"""

from functools import partial

import msgspec

from smartshop.data_collection.connectors.ports import QuarantinedRow
from smartshop.data_collection.pipelines.arrivals import Rejection
from smartshop.data_collection.pipelines.clock import SECOND, format_rfc3339
from smartshop.data_collection.pipelines.decoding import MAX_EVENT_BYTES, rejection_of_text
from smartshop.data_collection.pipelines.loose_json import Json, object_of, text_of
from smartshop.data_collection.pipelines.refusals import EventRefused, reason_of, refuse
from smartshop.data_collection.pipelines.replay import Translate
from smartshop.data_collection.pipelines.segment_consent import category_preferences, with_consent
from smartshop.data_collection.pipelines.segment_names import kind_of
from smartshop.data_collection.pipelines.segment_products import with_commerce
from smartshop.data_collection.pipelines.timestamps import parse_rfc3339
from smartshop.data_collection.schemas.context import Context
from smartshop.data_collection.schemas.events import Event, EventKind
from smartshop.data_collection.schemas.ids import AnonymousId, CustomerId, EventId, Micros, SessionId
from smartshop.errors import InvalidValue

SOURCE = "segment"
TRAVEL = 2 * SECOND
_SLACK_BYTES = 8_192
"""On top of an event's 32 KiB: Segment's clients cut messages at 32 KiB and add context afterwards."""
_CHANNELS = {"browser": "web", "web": "web", "mobile": "app", "server": "server"}


def translate(text: bytes, received_at: Micros, currency: str) -> Event | Rejection:
    """Return the message as an Event. Its `type`, and `sentAt` where the sender's clock is known, stand in it."""
    try:
        message = _object(text)
        return _event(message, received_at, currency)
    except InvalidValue as error:
        return Rejection(reason_of(error))


def with_defaults(text: bytes, *, kind: str | None, sent_at: str | None) -> bytes:
    """The message's JSON with what the route and the batch say of it; its own words, standing later, win."""
    given = {"type": kind, "sentAt": sent_at}
    words = {name: value for name, value in given.items() if value is not None}
    inside = text.strip()[1:]
    if not words or not text.lstrip().startswith(b"{") or inside.lstrip().startswith(b"}"):
        return text
    return msgspec.json.encode(words)[:-1] + b"," + inside


def aliased_customers(event: Event) -> tuple[CustomerId, CustomerId] | None:
    """Of an alias: who is merged into whom, should a secret key have said so."""
    if event.kind is not EventKind.CUSTOM or event.name != "alias" or event.customer_id is None:
        return None
    previous = text_of(event.properties or {}, "previous_id")
    return None if previous in (None, event.customer_id) else (CustomerId(str(previous)), event.customer_id)


def replayed_segment(currency: str) -> Translate:
    """How the quarantine's rows of this wire are read again."""
    return partial(_translate_row, currency)


def _translate_row(currency: str, row: QuarantinedRow) -> Event | Rejection:
    return translate(row.raw, row.received_at, currency)


def _object(text: bytes) -> Json:
    try:
        message = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        if b"NaN" in text or b"Infinity" in text:
            refuse("not_a_number", "The message holds NaN or Infinity; leave the field out instead.")
        refuse("malformed", f"The message is no JSON ({error}); send an object.")
    except RecursionError:
        refuse("too_deep", "The message is nested too deeply; send it flatter.")
    if not isinstance(message, dict):
        refuse("malformed", "The message is no object; send one with type, userId or anonymousId.")
    if len(text) > MAX_EVENT_BYTES + _SLACK_BYTES and message.get("event") != "Order Completed":
        refuse("too_large", f"The message has {len(text)} bytes; at most {MAX_EVENT_BYTES + _SLACK_BYTES} fit.")
    rejection = rejection_of_text(text)
    if rejection is not None:
        refuse(*rejection.reason.split(": ", 1))
    return message


def _event(message: Json, received_at: Micros, currency: str) -> Event:
    properties = dict(object_of(message, "properties"))
    match text_of(message, "type"):
        case "track":
            return _tracked(message, properties, received_at, currency)
        case "identify":
            traits = dict(object_of(message, "traits")) or dict(object_of(object_of(message, "context"), "traits"))
            return msgspec.structs.replace(_common(message, EventKind.IDENTIFIED, received_at), traits=traits or None)
        case "page":
            page = {"name": text_of(message, "name"), "category": text_of(message, "category")}
            properties.update({name: value for name, value in page.items() if value is not None})
            event = _common(message, EventKind.PAGE_VIEWED, received_at)
            return msgspec.structs.replace(event, properties=properties or None)
        case "screen":
            properties["name"] = text_of(message, "name", "event")
            return _custom(message, "screen", properties, received_at)
        case "group":
            group: dict[str, object] = {
                "group_id": text_of(message, "groupId"),
                "traits": dict(object_of(message, "traits")),
            }
            return _custom(message, "group", group, received_at)
        case "alias":
            previous: dict[str, object] = {"previous_id": text_of(message, "previousId", "anonymousId")}
            return _custom(message, "alias", previous, received_at)
        case other:
            known = "send track, identify, page, screen, group or alias"
            raise EventRefused("unknown_type", f"The type {str(other)[:40]!r} is not known; {known}.")


def _tracked(message: Json, properties: dict[str, object], received_at: Micros, currency: str) -> Event:
    name = text_of(message, "event")
    if name is None:
        refuse("missing_name", "The track message has no event; send its name, such as Product Viewed.")
    kind = kind_of(name)
    if kind is None:
        return _custom(message, name, properties, received_at)
    event = _common(message, kind, received_at)
    if kind is EventKind.CONSENT_CHANGED:
        preferences = category_preferences(properties, object_of(message, "context"))
        if preferences is not None:
            return with_consent(event, preferences, properties)
    return with_commerce(event, properties, currency)


def _custom(message: Json, name: str, properties: dict[str, object], received_at: Micros) -> Event:
    event = _common(message, EventKind.CUSTOM, received_at)
    return msgspec.structs.replace(event, name=name, properties=properties or None)


def _common(message: Json, kind: EventKind, received_at: Micros) -> Event:
    context = object_of(message, "context")
    event_id, session_id = text_of(message, "messageId"), text_of(context, "sessionId")
    anonymous_id, customer_id = text_of(message, "anonymousId"), text_of(message, "userId")
    return Event(
        kind=kind,
        event_id=EventId(event_id) if event_id is not None else None,
        occurred_at=_moment(message, received_at),
        anonymous_id=AnonymousId(anonymous_id) if anonymous_id is not None else None,
        customer_id=CustomerId(customer_id) if customer_id is not None else None,
        session_id=SessionId(session_id) if session_id is not None else None,
        context=_context(message, context),
    )


def _moment(message: Json, received_at: Micros) -> str | None:
    timestamp = text_of(message, "timestamp", "originalTimestamp")
    if timestamp is None:
        return None
    happened = _parse(timestamp, "timestamp")
    sent_at = text_of(message, "sentAt")
    if sent_at is None:
        return format_rfc3339(happened)
    ahead = _parse(sent_at, "sentAt") - received_at
    corrected = happened - round(ahead / SECOND) * SECOND if abs(ahead) >= TRAVEL else happened
    try:
        return format_rfc3339(corrected)
    except OverflowError:
        refuse("bad_timestamp", f"The timestamp {timestamp[:40]!r} is no moment of ours; set the sender's clock.")


def _parse(text: str, what: str) -> Micros:
    """Some clients leave the offset out; Segment takes that for UTC."""
    zoned = text if text[-1] in "zZ" or "+" in text[10:] or "-" in text[10:] else f"{text}Z"
    return parse_rfc3339(zoned, what)


def _context(message: Json, context: Json) -> Context:
    page, place, device = object_of(context, "page"), object_of(context, "location"), object_of(context, "device")
    library = text_of(object_of(context, "library"), "name")
    channel = _CHANNELS.get(text_of(message, "channel") or "") or ("web" if library == "analytics.js" else None)
    return Context(
        channel=channel,
        device=text_of(device, "type"),
        locale=text_of(context, "locale"),
        country=text_of(place, "country"),
        city=text_of(place, "city"),
        user_agent=text_of(context, "userAgent"),
        page_url=text_of(page, "url"),
    )
