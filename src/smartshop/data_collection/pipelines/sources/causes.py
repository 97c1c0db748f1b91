"""What is known of days: a row per name, day and place."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path

from smartshop.data_collection.pipelines.cause_feed import check_cause, told_value
from smartshop.data_collection.pipelines.sources.rows import Row, batched_rows, each_read, read_rows
from smartshop.data_collection.pipelines.sources.source import SourceBatch, SourceOptions
from smartshop.data_collection.schemas.demand_causes import CauseKind, DemandCause
from smartshop.data_collection.schemas.ids import LocationId, clean_id
from smartshop.errors import InvalidValue

ALIASES = {"date": "day", "location": "location_id", "event": "name"}
NEEDS = ("name", "day")
ROWS_PER_BATCH = 5_000
KINDS = ", ".join(kind.value for kind in CauseKind)


def read_causes(path: Path, options: SourceOptions) -> Iterator[SourceBatch]:
    """Rows count in the order of the file: of two of the same name, day and place the later one stands."""
    today = datetime.fromtimestamp(options.imported_at / 1e6, UTC).date()
    for rows in batched_rows(read_rows(path, ALIASES, NEEDS), ROWS_PER_BATCH):
        batch = SourceBatch(rows=len(rows))
        for cause, row in each_read(rows, partial(_read, today=today), batch.rejected):
            batch.causes.append(cause)
            batch.cause_rows.append(row)
        yield batch


def _read(row: Row, today: date) -> DemandCause:
    values = row.values
    value = _number(values.get("value"))
    kind = _kind(values.get("kind", CauseKind.EVENT if value is None else CauseKind.WEATHER))
    location = values.get("location_id")
    cause = DemandCause(
        name=values.get("name", ""),
        kind=kind,
        day=_day(values.get("day", "")),
        value=told_value(kind, value),
        location_id=None if location is None else LocationId(clean_id(location, "location_id")),
    )
    check_cause(cause, today)
    return cause


def _kind(text: str) -> CauseKind:
    try:
        return CauseKind(text.lower())
    except ValueError:
        raise InvalidValue(f"The kind {text[:40]!r} is none; write one of {KINDS}.") from None


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text[:10] if text[10:11] in ("T", " ") else text)
    except ValueError:
        raise InvalidValue(f"The day {text[:40]!r} is no date; write 2026-05-04.") from None


def _number(text: str | None) -> float | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        raise InvalidValue(f"The value {text[:40] if text else text!r} is no number; write 17.5.") from None
