"""From decoded events to what the log will hold and what the quarantine will."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec

from smartshop.data_collection.connectors.ports import LogEntry, QuarantinedRow
from smartshop.data_collection.pipelines.arrivals import Arrival, Rejected, Rejection
from smartshop.data_collection.pipelines.consent_book import ConsentBook
from smartshop.data_collection.pipelines.consequences import entry_of, withdraw_marketing
from smartshop.data_collection.pipelines.erased_shoppers import IsErased, is_refusal, without_erased
from smartshop.data_collection.pipelines.product_names import ProductOf
from smartshop.data_collection.pipelines.quality import check
from smartshop.data_collection.pipelines.traffic import TrafficWatch
from smartshop.data_collection.schemas.events import Event, StoredEvent
from smartshop.data_collection.schemas.ids import Micros

MAX_QUARANTINED_BYTES = 131_072
"""Of one refused event; what is longer is cut, and then cannot be replayed."""


@dataclass(slots=True)
class Prepared:
    """One batch on its way. `places[i]` is where entry i stood in the batch as sent."""

    raws: Sequence[bytes]
    arrival: Arrival
    entries: list[LogEntry] = field(default_factory=list)
    places: list[int] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)

    def quarantined(self) -> list[QuarantinedRow]:
        """What is kept of what was refused; of who was erased, nothing."""
        return [self.row(one.index, one.reason) for one in self.rejected if not is_refusal(one.reason)]

    def conflict_row(self, entry: int, conflict: str) -> QuarantinedRow:
        return self.row(self.places[entry], conflict)

    def row(self, place: int, reason: str) -> QuarantinedRow:
        return QuarantinedRow(
            source=self.arrival.source,
            reason=reason,
            raw=self.raws[place][:MAX_QUARANTINED_BYTES],
            received_at=Micros(self.arrival.received_at + place),
            trust=self.arrival.trust.value,
        )


@dataclass(frozen=True, slots=True)
class Preparation:
    """The rules of this shop that every event meets, whichever door it came through."""

    product_of: ProductOf
    consent: ConsentBook
    currency: str
    watch: TrafficWatch
    is_erased: IsErased

    def prepare(self, prepared: Prepared, decoded: Sequence[Event | StoredEvent | Rejection], first: int) -> None:
        """Take events `first`… of the batch in, each an entry or a rejection.

        Events of one batch are received a microsecond apart, so that their order is never in doubt.
        """
        arrival = prepared.arrival
        for place, event in enumerate(decoded, start=first):
            checked: StoredEvent | Rejection
            if isinstance(event, Rejection):
                checked = event
            else:
                received_at = Micros(arrival.received_at + place)
                checked = check(event, arrival, received_at, self.product_of, self.watch)
                if isinstance(checked, StoredEvent):
                    checked = without_erased(checked, self.is_erased)
            if isinstance(checked, Rejection):
                prepared.rejected.append(Rejected(place, checked.reason))
                continue
            prepared.entries.append(self._consented(entry_of(checked, arrival, self.currency), arrival))
            prepared.places.append(place)

    def _consented(self, entry: LogEntry, arrival: Arrival) -> LogEntry:
        if entry.consent is not None:
            self.consent.apply(entry.consent)
        if arrival.global_privacy_control:
            entry = self._without_marketing(entry)
        if self.consent.allows_analytics(entry.event):
            return entry
        # What the shop owes (orders, money, goods, the consent itself) is kept; what it could learn is not.
        return msgspec.structs.replace(entry, count_only=True, link=None, customer=None)

    def _without_marketing(self, entry: LogEntry) -> LogEntry:
        change = withdraw_marketing(entry.event)
        if change is None or not self.consent.of(change.shopper_key, is_customer=False).marketing:
            return entry
        if entry.consent is not None:
            if entry.consent.is_customer:
                return entry  # the browser's signal goes with its next event
            change = msgspec.structs.replace(change, changes={**entry.consent.changes, **change.changes})
        self.consent.apply(change)
        return msgspec.structs.replace(entry, consent=change)
