"""After a fix: what was refused meets the rules again, at the time and with the trust it came with."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping

import msgspec

from smartshop.data_collection.connectors.ports import Quarantine, QuarantinedRow
from smartshop.data_collection.pipelines.arrivals import Arrival, Rejection
from smartshop.data_collection.pipelines.decoding import decode_event
from smartshop.data_collection.pipelines.ingest import Ingest
from smartshop.data_collection.schemas.events import Event, StoredEvent, Trust
from smartshop.data_collection.schemas.ids import Micros

PAGE_ROWS = 500
Translate = Callable[[QuarantinedRow], Event | StoredEvent | Rejection]
"""From one wire's row to an event."""


class ReplayReport(msgspec.Struct, frozen=True):
    """seen = accepted + duplicates + still refused."""

    seen: int
    accepted: int
    duplicates: int
    refused: dict[str, int]
    """Reason code → rows that cannot enter yet; they stay as they were."""


def replay(
    quarantine: Quarantine, ingest: Ingest, now: Micros, *, source: str | None, wires: Mapping[str, Translate]
) -> ReplayReport:
    """Blocking. `wires` says how rows of other sources than our own wire are read (such as `segment`).

    Rows that pass now are stored once and marked; a crash between the two makes them duplicates the next time.
    """
    counts: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    for row in _rows(quarantine, source):
        counts["seen"] += 1
        event = wires.get(row.source, decode_row)(row)
        receipt = ingest.accept_again_blocking(event, _arrival(row))
        if receipt.rejected:
            refused[receipt.rejected[0].reason.split(":", 1)[0]] += 1
            continue
        counts["accepted"] += receipt.accepted
        counts["duplicates"] += receipt.duplicates
        quarantine.mark_replayed([row.row_id], now)
    return ReplayReport(counts["seen"], counts["accepted"], counts["duplicates"], dict(refused))


def decode_row(row: QuarantinedRow) -> Event | StoredEvent | Rejection:
    """Rows of our own wire; those of imports may be stored events already."""
    decoded = decode_event(row.raw)
    if isinstance(decoded, Rejection):
        try:
            return msgspec.json.decode(row.raw, type=StoredEvent)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return decoded
    return decoded


def _arrival(row: QuarantinedRow) -> Arrival:
    trust = Trust(row.trust)
    return Arrival(
        source=row.source,
        # A row does not keep whose token it came with, so what it says of a shopper is a claim now.
        trust=Trust.CLIENT if trust is Trust.SHOPPER else trust,
        received_at=row.received_at,
        from_import=row.source.startswith("import:"),
    )


def _rows(quarantine: Quarantine, source: str | None) -> Iterator[QuarantinedRow]:
    after = 0
    while page := quarantine.page(after, PAGE_ROWS, source):
        after = page[-1].row_id
        yield from page
