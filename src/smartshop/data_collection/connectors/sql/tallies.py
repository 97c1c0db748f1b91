"""What was told but not kept, per day and kind: events of shoppers without analytics consent, and duplicates."""

from collections import Counter
from enum import StrEnum
from typing import NamedTuple

from sqlalchemy import Connection, func, select

from smartshop.data_collection.connectors.sql.tables import event_tallies
from smartshop.data_collection.connectors.sql.upsert import insert_for

DAY = 86_400_000_000


class What(StrEnum):
    ONLY_COUNTED = "only_counted"
    DUPLICATE = "duplicate"
    OTHER_CONTENT = "other_content"


class Tally(NamedTuple):
    day: int
    """Days since 1970-01-01 UTC."""
    kind: int
    what: What


def add_tallies(connection: Connection, tallies: Counter[Tally]) -> None:
    if not tallies:
        return
    statement = insert_for(connection, event_tallies)
    rows = [
        {"day": tally.day, "kind": tally.kind, "what": tally.what.value, "events": number}
        for tally, number in sorted(tallies.items())
    ]
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["day", "kind", "what"],
            set_={"events": event_tallies.c.events + statement.excluded.events},
        ),
        rows,
    )


def read_tallies(connection: Connection) -> dict[str, int]:
    question = select(event_tallies.c.what, func.sum(event_tallies.c.events)).group_by(event_tallies.c.what)
    found = {what: int(number) for what, number in connection.execute(question)}
    return {what.value: found.get(what.value, 0) for what in What}
