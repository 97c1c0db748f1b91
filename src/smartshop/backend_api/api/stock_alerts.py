"""`/v1/stock/alerts`: what to look after in stock and supply; `/v1/stock/classes`: what the shop lives on."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from smartshop.ai_agents.inventory.class_matrix import ClassMatrix, class_matrix
from smartshop.backend_api.endpoint import Call, Endpoint
from smartshop.backend_api.service import Service
from smartshop.backend_api.services.product_input import Moment
from smartshop.backend_api.services.reordering import served_forecasts
from smartshop.backend_api.utils.auth import Permission
from smartshop.backend_api.utils.wire import Cursor, Id, Limit, id_in_path, offset_of
from smartshop.data_collection.pipelines.clock import format_rfc3339, rfc3339_or_none, to_micros
from smartshop.data_collection.schemas import alerts
from smartshop.data_collection.schemas.alerts import (
    MAX_NOTE,
    AlertFilter,
    AlertId,
    AlertKind,
    AlertState,
    AlertSubject,
    Figures,
    Severity,
)
from smartshop.data_collection.schemas.ids import LocationId, Micros, SupplierId
from smartshop.errors import Conflict


class SenselessSnooze(Conflict):
    code = "senseless_snooze"


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """Money in minor units of the shop's currency."""

    alert_id: str
    kind: AlertKind
    severity: Severity
    state: AlertState
    subject: AlertSubject
    figures: Figures
    worth_minor: int
    """What is at stake."""
    since: str
    """Day since when it is so, as far as is known."""
    words: str
    advice: str
    opened_at: str
    seen_at: str
    """By the newest look that found it still so."""
    closed_at: str | None
    acknowledged_at: str | None
    snoozed_until: str | None
    """Until when it is quiet; null with a time of acknowledgement: as long as it is so."""
    note: str
    times_opened: int


class AlertPage(msgspec.Struct, frozen=True, kw_only=True):
    items: list[Alert]
    """The gravest first, among these those with most at stake."""
    next_cursor: str | None
    currency: str


class AlertsQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    kind: AlertKind | None = None
    severity: Severity | None = None
    state: Annotated[AlertState, Meta(description="Closed ones are kept for 400 days.")] = AlertState.OPEN
    location_id: Id | None = None
    supplier_id: Id | None = None
    limit: Limit = 50
    cursor: Cursor | None = None


class Acknowledgement(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    until: Annotated[
        Moment | None, Meta(description="Quiet until then, also if it closes and comes again. Null: while it is so.")
    ] = None
    note: Annotated[str, Meta(max_length=MAX_NOTE, description="Why; no names, it is kept with the alert.")] = ""


def list_alerts(service: Service, call: Call[AlertsQuery, None]) -> AlertPage:
    shop, query = service.shop, call.query
    now, offset = shop.clock.now(), offset_of(query.cursor)
    asked = AlertFilter(
        kind=query.kind,
        severity=query.severity,
        state=query.state,
        location_id=None if query.location_id is None else LocationId(query.location_id),
        supplier_id=None if query.supplier_id is None else SupplierId(query.supplier_id),
    )
    # One more than asked for tells whether there is another page.
    found = shop.alerts.page(asked, now, offset=offset, limit=query.limit + 1)
    return AlertPage(
        items=[_seen(one, now) for one in found[: query.limit]],
        next_cursor=str(offset + query.limit) if len(found) > query.limit else None,
        currency=shop.currency,
    )


def acknowledge(service: Service, call: Call[None, Acknowledgement]) -> Alert:
    shop, alert_id = service.shop, AlertId(id_in_path(call.path("alert_id"), "alert"))
    now = shop.clock.now()
    until = None if call.body.until is None else to_micros(call.body.until)
    if until is not None and until <= now:
        raise SenselessSnooze(
            f"The alert cannot be quiet until {format_rfc3339(until)}, which is over; send a later time, or none."
        )
    return _seen(shop.alerts.acknowledge(alert_id, until, call.body.note, now), now)


def get_classes(service: Service, call: Call[None, None]) -> ClassMatrix:
    shop, model = service.shop, served_forecasts(service.shop)
    return class_matrix(model, shop.shelves.shelf.price_minor, format_rfc3339(model.facts.as_of))


def _seen(one: alerts.Alert, now: Micros) -> Alert:
    found = one.found
    return Alert(
        alert_id=found.alert_id,
        kind=found.kind,
        severity=found.severity,
        state=one.state(now),
        subject=found.subject,
        figures=found.figures,
        worth_minor=found.worth_minor,
        since=found.since,
        words=found.words,
        advice=found.advice,
        opened_at=format_rfc3339(one.opened_at),
        seen_at=format_rfc3339(one.seen_at),
        closed_at=rfc3339_or_none(one.closed_at),
        acknowledged_at=rfc3339_or_none(one.acknowledged_at),
        snoozed_until=rfc3339_or_none(one.snoozed_until),
        note=one.note,
        times_opened=one.times_opened,
    )


ENDPOINTS: tuple[Endpoint[Any, Any], ...] = (  # Any: each has its own query and body
    Endpoint(
        method="GET",
        path="/v1/stock/alerts",
        permission=Permission.SECRET,
        handle=list_alerts,
        summary="What to look after in stock and supply, the gravest first; looked for every few hours",
        query=AlertsQuery,
        answer=AlertPage,
    ),
    Endpoint(
        method="POST",
        path="/v1/stock/alerts/{alert_id}/acknowledge",
        permission=Permission.SECRET,
        handle=acknowledge,
        summary="It is known: quiet until a date, or as long as it is so; the same again changes nothing",
        body=Acknowledgement,
        answer=Alert,
        other_problems=(409,),
    ),
    Endpoint(
        method="GET",
        path="/v1/stock/classes",
        permission=Permission.SECRET,
        handle=get_classes,
        summary="Products and yearly turnover by ABC (worth) and XYZ (steadiness)",
        answer=ClassMatrix,
        other_problems=(404,),
    ),
)
