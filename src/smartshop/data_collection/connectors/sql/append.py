"""One transaction of the log: events with everything that follows from them, durable together or not at all.

Steps: which keys are new → what follows from them (orders and stock may refuse) → keys of the refused are freed →
numbers, events, outbox, size. The steps are the same on both engines.
"""

from collections import Counter
from collections.abc import Sequence
from hashlib import blake2b
from typing import NamedTuple

from sqlalchemy import Connection

from smartshop.data_collection.connectors.ports import LogEntry, Outcome
from smartshop.data_collection.connectors.sql.bulk import Row, insert_rows
from smartshop.data_collection.connectors.sql.codes import KIND_CODES, TRAFFIC_CODES, TRUST_CODES
from smartshop.data_collection.connectors.sql.effects import apply_effects
from smartshop.data_collection.connectors.sql.erased_keys import ErasedKeys
from smartshop.data_collection.connectors.sql.locks import Turn, share_turn
from smartshop.data_collection.connectors.sql.log_numbers import add_to_size, take_numbers
from smartshop.data_collection.connectors.sql.records import encode
from smartshop.data_collection.connectors.sql.seen import SeenKey, claim, contents, release, sender_key
from smartshop.data_collection.connectors.sql.tables import events, outbox
from smartshop.data_collection.connectors.sql.tallies import DAY, Tally, What, add_tallies
from smartshop.data_collection.schemas.events import StoredEvent
from smartshop.data_collection.schemas.ids import Micros, VariantId
from smartshop.data_collection.schemas.messages import StockChanged
from smartshop.errors import Erased, SmartShopError

CONTENT_BYTES = 16
"""blake2b digest of an event's content: two contents meet by chance once in 2^64 tries."""
STORED = Outcome(stored=True)
DUPLICATE = Outcome(stored=False)
OTHER_CONTENT = Outcome(stored=False, other_content=True)


class Prepared(NamedTuple):
    """An entry with what is computed outside the transaction."""

    entry: LogEntry
    key: SeenKey
    payload: bytes
    content: bytes
    has_effects: bool


class Appended(NamedTuple):
    outcomes: list[Outcome]
    batch_ids: list[int]
    refused: dict[int, SmartShopError]
    """Index of an entry → why nothing of it was stored; what `Outcome.conflict` says in words."""


def prepare(entry: LogEntry) -> Prepared:
    event = entry.event
    payload = encode(event)
    key = SeenKey(sender_key(event), event.event_id, TRUST_CODES[event.trust])
    has_effects = not (
        entry.order is None
        and entry.refund is None
        and entry.goods_return is None
        and entry.called_off is None
        and entry.link is None
        and entry.consent is None
        and entry.customer is None
    )
    return Prepared(entry, key, payload, _content(event, payload), has_effects)


def _content(event: StoredEvent, payload: bytes) -> bytes:
    """Hash of the event without the moment it was received; nor its own time where that was taken from there."""
    taken_over = event.clock_corrected or event.occurred_at == event.received_at
    # Both stand near the front, before anything of the client's own that could spell the same.
    start = payload.index(b',"occurred_at":' if taken_over else b',"received_at":')
    end = payload.index(b",", payload.index(b',"received_at":') + 1)
    return blake2b(payload[:start] + payload[end:], digest_size=CONTENT_BYTES).digest()


def append_batches(
    connection: Connection,
    prepared: Sequence[Prepared],
    sizes: Sequence[int],
    now: Micros,
    *,
    erased: ErasedKeys,
    always_takes_stock: bool,
) -> Appended:
    """Store the prepared entries of consecutive batches of these sizes; of who was erased, nothing."""
    share_turn(connection, Turn.LOG)
    of_erased = _of_erased(connection, prepared, erased)
    first_of: dict[SeenKey, int] = {}
    for index, item in enumerate(prepared):
        if index not in of_erased:
            first_of.setdefault(item.key, index)
    rows = [(*key, prepared[index].content, now) for key, index in first_of.items()]
    new_keys = claim(connection, rows)
    new = [index for key, index in first_of.items() if key in new_keys]
    effects = apply_effects(
        connection,
        {index: prepared[index].entry for index in new if prepared[index].has_effects},
        now,
        always_takes_stock=always_takes_stock,
    )
    release(connection, (prepared[index].key for index in effects.refused))
    stored = [index for index in new if index not in effects.refused and index not in effects.same_again]
    batch_ids = _write(connection, prepared, sizes, stored, effects.stock_changed, now)
    refused = effects.refused | of_erased
    outcomes = _outcomes(connection, prepared, first_of, set(stored), refused, new_keys)
    add_tallies(connection, _tallies(prepared, outcomes))
    return Appended(outcomes, batch_ids, refused)


def _of_erased(connection: Connection, prepared: Sequence[Prepared], erased: ErasedKeys) -> dict[int, SmartShopError]:
    """The door refuses them already; this is for what passed it just before."""
    if not erased.refresh_within(connection):
        return {}
    events = enumerate(item.entry.event for item in prepared)
    return {index: Erased() for index, event in events if erased.holds_any(event.customer_id, event.anonymous_id)}


def _write(
    connection: Connection,
    prepared: Sequence[Prepared],
    sizes: Sequence[int],
    stored: Sequence[int],
    stock_changed: dict[int, tuple[VariantId, ...]],
    now: Micros,
) -> list[int]:
    """Events and outbox rows; returns the batch ids, 0 where there is nothing to publish."""
    kept = sorted(index for index in stored if not prepared[index].entry.count_only)
    # One number more per batch, for a batch that stored no event yet moved stock and has to say so.
    numbers = take_numbers(connection, len(kept) + (len(sizes) if stock_changed else 0))
    log_no = dict(zip(kept, numbers, strict=False))
    spare = iter(numbers[len(kept) :])
    insert_rows(connection, events, [_event_row(number, prepared[index]) for index, number in log_no.items()])
    add_to_size(connection, [prepared[index].entry.event for index in kept], numbers)
    batch_ids, outbox_rows, start = [], [], 0
    for size in sizes:
        batch = range(start, start + size)
        start += size
        nos = [log_no[index] for index in batch if index in log_no]
        messages = _stock_messages(batch, stock_changed)
        batch_id = nos[0] if nos else next(spare) if messages else 0
        batch_ids.append(batch_id)
        if batch_id:
            outbox_rows.append((batch_id, now, encode(nos), encode(messages)))
    insert_rows(connection, outbox, outbox_rows)
    return batch_ids


def _stock_messages(batch: range, stock_changed: dict[int, tuple[VariantId, ...]]) -> list[StockChanged]:
    if not stock_changed:
        return []
    changed = sorted({variant_id for index in batch for variant_id in stock_changed.get(index, ())})
    return [StockChanged(variant_ids=tuple(changed))] if changed else []


def _event_row(number: int, prepared: Prepared) -> Row:
    event = prepared.entry.event
    return (
        number,
        event.event_id,
        KIND_CODES[event.kind],
        event.occurred_at,
        event.received_at,
        event.anonymous_id,
        event.customer_id,
        prepared.key.trust,
        TRAFFIC_CODES[event.traffic],
        prepared.payload,
    )


def _outcomes(
    connection: Connection,
    prepared: Sequence[Prepared],
    first_of: dict[SeenKey, int],
    stored: set[int],
    refused: dict[int, SmartShopError],
    new_keys: set[SeenKey],
) -> list[Outcome]:
    """One per entry. A key told twice in one call shares the first one's refusal."""
    earlier = contents(connection, (key for key in first_of if key not in new_keys))
    outcomes = []
    for index, item in enumerate(prepared):
        first = first_of.get(item.key, index)
        if index in stored:
            outcomes.append(STORED)
        elif first in refused:
            outcomes.append(Outcome(stored=False, conflict=f"{refused[first].code}: {refused[first]}"))
        else:
            content = earlier.get(item.key, prepared[first].content)
            outcomes.append(DUPLICATE if content == item.content else OTHER_CONTENT)
    return outcomes


def _tallies(prepared: Sequence[Prepared], outcomes: Sequence[Outcome]) -> Counter[Tally]:
    tallies: Counter[Tally] = Counter()
    for item, outcome in zip(prepared, outcomes, strict=True):
        if outcome.stored and not item.entry.count_only:
            continue
        day, kind = item.entry.event.received_at // DAY, KIND_CODES[item.entry.event.kind]
        if outcome.stored:
            tallies[Tally(day, kind, What.ONLY_COUNTED)] += 1
        elif outcome.conflict is None:
            tallies[Tally(day, kind, What.OTHER_CONTENT if outcome.other_content else What.DUPLICATE)] += 1
    return tallies
