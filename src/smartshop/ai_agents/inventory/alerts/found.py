"""Warnings put together: figures, severity, words. Pure."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import msgspec

from smartshop.ai_agents.inventory.alerts.stakes import Stakes
from smartshop.ai_agents.inventory.alerts.words import advice, sentence
from smartshop.data_collection.schemas.alerts import (
    AlertId,
    AlertKind,
    AlertSubject,
    Figures,
    FoundAlert,
    Severity,
    alert_id,
)


@dataclass(frozen=True, slots=True)
class Telling:
    """What every warning needs to be told."""

    stakes: Stakes
    currency: str
    today: str
    open_ids: frozenset[AlertId]
    """Of those told before: they close at another line than they opened at."""

    def is_open(self, kind: AlertKind, subject: AlertSubject) -> bool:
        return id_of(kind, subject) in self.open_ids

    def tell(
        self, subject: AlertSubject, figures: Figures, worth_minor: float | None, since: str | None = None
    ) -> FoundAlert:
        """`worth_minor`: None where it is in other money than the shop's."""
        kind = kind_of(figures)
        return FoundAlert(
            alert_id=id_of(kind, subject),
            kind=kind,
            severity=self.stakes.severity(worth_minor),
            subject=subject,
            figures=figures,
            worth_minor=max(round(worth_minor or 0.0), 0),
            since=since or self.today,
            words=sentence(subject.title, figures, self.currency),
            advice=advice(figures),
        )


def kind_of(figures: Figures) -> AlertKind:
    return AlertKind(str(type(figures).__struct_config__.tag))


def id_of(kind: AlertKind, subject: AlertSubject) -> AlertId:
    """By the narrowest thing it is about: an order, a supplier, a variant or product at a place."""
    if subject.purchase_order_id is not None:
        return alert_id(kind, subject.purchase_order_id)
    if subject.variant_id is not None:
        return alert_id(kind, subject.variant_id, subject.location_id or "")
    if subject.product_id is not None:
        return alert_id(kind, subject.product_id, subject.location_id or "")
    return alert_id(kind, subject.supplier_id or "")


def most_at_stake(found: Sequence[FoundAlert], most: int, open_ids: Collection[AlertId]) -> list[FoundAlert]:
    """At most so many of each kind: nobody reads ten thousand, and the rest comes when these are done with.

    One that is open keeps its place until it is no longer so: at the edge money goes up and down every day. What is of
    high severity is told all the same, again at most so many of a kind: it does not wait for small ones to be over.
    """
    kept: list[FoundAlert] = []
    for kind in AlertKind:
        own = sorted(
            (one for one in found if one.kind is kind),
            key=lambda one: (one.alert_id not in open_ids, -one.worth_minor, one.alert_id),
        )
        stay = sum(one.alert_id in open_ids for one in own)
        first = max(most, stay)
        kept += own[:first] + [one for one in own[first:] if one.severity is Severity.HIGH][:most]
    return kept


def in_money_of(one: FoundAlert, currency: str) -> FoundAlert:
    """Told in an order's own currency, which may be another than the shop's and is never converted."""
    return msgspec.structs.replace(one, words=sentence(one.subject.title, one.figures, currency))
