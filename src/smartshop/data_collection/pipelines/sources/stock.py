"""Stock: a row per count (`level`) or per movement (`movement`, signed units)."""

import hashlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from smartshop.data_collection.pipelines.clock import DAY, format_rfc3339
from smartshop.data_collection.pipelines.quality import YEAR_2000
from smartshop.data_collection.pipelines.sources.cells import moment, whole_number
from smartshop.data_collection.pipelines.sources.rows import Row, batched_rows, read_rows, refuse
from smartshop.data_collection.pipelines.sources.source import RejectedRow, SourceBatch, SourceOptions
from smartshop.data_collection.schemas.ids import LocationId, Micros, VariantId, clean_id
from smartshop.data_collection.schemas.stock import DEFAULT_LOCATION, SIGN_OF, MovementReason, StockCount, StockMovement
from smartshop.errors import InvalidValue

ALIASES = {"sku": "variant_id", "location": "location_id", "quantity": "movement"}
NEEDS = ("variant_id|product_id", "level|movement")
ROWS_PER_BATCH = 1_000


def read_stock(path: Path, options: SourceOptions) -> Iterator[SourceBatch]:
    occurrences: Counter[bytes] = Counter()
    for rows in batched_rows(read_rows(path, ALIASES, NEEDS), ROWS_PER_BATCH):
        counts: list[StockCount] = []
        movements: list[StockMovement] = []
        movement_lines: list[int] = []
        rejected: list[RejectedRow] = []
        for row in rows:
            if isinstance(row, RejectedRow):
                rejected.append(row)
                continue
            try:
                match _read(row, occurrences, options):
                    case StockCount() as count:
                        counts.append(count)
                    case movement:
                        movements.append(movement)
                        movement_lines.append(row.line)
            except InvalidValue as error:
                rejected.append(refuse(row, error))
        yield SourceBatch(
            rows=len(rows), counts=counts, movements=movements, movement_lines=movement_lines, rejected=rejected
        )


def _read(row: Row, occurrences: Counter[bytes], options: SourceOptions) -> StockCount | StockMovement:
    values = row.values
    variant_id = VariantId(clean_id(values.get("variant_id") or values.get("product_id", ""), "variant_id"))
    location_id = LocationId(clean_id(values.get("location_id", DEFAULT_LOCATION), "location_id"))
    level, quantity = whole_number(values, "level"), whole_number(values, "movement")
    occurred_at = moment(values, "occurred_at")
    at = Micros(options.imported_at) if occurred_at is None else _possible(occurred_at, Micros(options.imported_at))
    if (level is None) == (quantity is None):
        raise InvalidValue("The row needs either a level (a count) or a movement (signed units), and not both.")
    if level is not None:
        if level < 0:
            raise InvalidValue(f"The level {level} is below zero; a count is 0 or more.")
        # Without its own time a count means "as of this file": another file may say the same again, and that is news.
        identity = _row_id(values, occurrences, "" if occurred_at is not None else options.file_id)
        return StockCount(
            movement_id=identity, variant_id=variant_id, level=level, occurred_at=at, location_id=location_id
        )
    return StockMovement(
        movement_id=_row_id(values, occurrences, ""),
        variant_id=variant_id,
        quantity=_moved(values, quantity or 0),
        reason=_reason(values),
        occurred_at=at,
        location_id=location_id,
        reference=values.get("reference"),
    )


def _possible(at: Micros, now: Micros) -> Micros:
    """When it happened, as for what comes over HTTP: up to a day ahead is a clock that was wrong, and is now."""
    if at < YEAR_2000 or at > now + DAY:
        raise InvalidValue(
            f"The occurred_at {format_rfc3339(at)} cannot be; stock moved between 2000 and now. Send when it happened."
        )
    return min(at, now)


def _moved(values: dict[str, str], quantity: int) -> int:
    """Signed units. A row that names no reason may be of either sign: it is a level's change, whatever it was."""
    if quantity == 0:
        raise InvalidValue("The movement is 0; send the units that moved.")
    if _reason(values) is MovementReason.COUNT:
        raise InvalidValue(f"The movement {quantity} has the reason count; a count says a level, so write it as level.")
    sign = SIGN_OF.get(_reason(values)) if "reason" in values else None
    if sign is not None and quantity * sign < 0:
        should = "above" if sign > 0 else "below"
        raise InvalidValue(
            f"The movement {quantity} of a {values['reason']} must be {should} 0; to correct a level, send a level."
        )
    return quantity


def _reason(values: dict[str, str]) -> MovementReason:
    text = values.get("reason", MovementReason.RECEIPT)
    try:
        return MovementReason(text)
    except ValueError:
        known = ", ".join(reason for reason in MovementReason if reason is not MovementReason.COUNT)
        raise InvalidValue(f"The reason {text[:40]!r} is none we know; use one of {known}.") from None


def _row_id(values: dict[str, str], occurrences: Counter[bytes], salt: str) -> str:
    content = "\x1f".join(f"{column}={values[column]}" for column in sorted(values)) + salt
    digest = hashlib.blake2b(content.encode(), digest_size=12).digest()
    occurrences[digest] += 1
    return f"row-{digest.hex()}-{occurrences[digest]}"
