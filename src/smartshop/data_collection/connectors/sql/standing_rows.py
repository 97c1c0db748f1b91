"""Standings as rows, and rows as standings."""

import math
from collections.abc import Sequence
from struct import Struct, iter_unpack
from typing import Any

from sqlalchemy import Connection

from smartshop.data_collection.connectors.sql.standing_numbers import Drawn, StandingNumbers
from smartshop.data_collection.connectors.sql.tables import standings
from smartshop.data_collection.schemas.ids import CustomerId, Micros
from smartshop.data_collection.schemas.segments import Affinity, Standing
from smartshop.errors import InvalidValue

Row = tuple[Any, ...]  # Any: a row's values are as different as its columns

COLUMNS = tuple(column.name for column in standings.columns)
PACKED_AFFINITIES = COLUMNS.index("affinities")
UPDATE_STANDING = f"UPDATE standings SET {', '.join(f'{name} = ?' for name in COLUMNS[1:])} WHERE customer_no = ?"  # noqa: S608
"""Of the row's values from the second on, then its number."""

STRENGTH_UNITS = 10_000
"""Strengths are kept to four decimals."""
LARGEST = (1 << 63) - 1
"""Money beyond what a column holds stands as the most it holds."""

_PACKED = "<IH"
_pack = Struct(_PACKED).pack


def standing_row(standing: Standing, customer_no: int, drawn: Drawn) -> Row:
    """In the table's column order.

    Raises:
        InvalidValue: a number is not finite, or a strength not a share.
    """
    orders, value = standing.expected_orders, standing.expected_value_minor
    numbers = (*orders, standing.membership, standing.churn_risk or 0.0, standing.p_alive or 0.0)
    if not math.isfinite(math.fsum(numbers)):
        raise InvalidValue(
            f"The standing of customer {standing.customer_id} holds a number that is none (among {numbers}); "
            "chances and expectations are finite."
        )
    return (
        customer_no,
        standing.customer_id,
        drawn.segments[standing.rfm_group],
        None if standing.segment_id is None else drawn.segments[standing.segment_id],
        standing.recency_score,
        standing.frequency_score,
        standing.monetary_score,
        standing.orders,
        _fitting(standing.spent_minor),
        standing.churn_risk,
        standing.p_alive,
        standing.first_order_at,
        standing.last_order_at,
        standing.last_seen_at,
        standing.next_order_at,
        *orders,
        _fitting(value[0]),
        _fitting(value[1]),
        _fitting(value[2]),
        standing.membership,
        standing.in_segment_since,
        standing.changed_at,
        standing.log_no,
        _packed_affinities(standing, drawn),
        standing.features,
    )


def _fitting(minor: int) -> int:
    return max(-LARGEST, min(minor, LARGEST))


def _packed_affinities(standing: Standing, drawn: Drawn) -> bytes:
    strengths: dict[int, int] = {}
    for affinity in standing.affinities:
        if not 0.0 <= affinity.strength <= 1.0:
            raise InvalidValue(
                f"Customer {standing.customer_id} leans to {affinity.subject!r} with strength {affinity.strength}; "
                "a strength is a share from 0 to 1."
            )
        subject_no = drawn.subjects[(affinity.kind, affinity.subject)]
        strengths.setdefault(subject_no, round(affinity.strength * STRENGTH_UNITS))
    return b"".join([_pack(subject_no, strength) for subject_no, strength in strengths.items()])


def unpacked_affinities(packed: bytes) -> dict[int, int]:
    """Subject number → strength in ten-thousandths, in the order told."""
    return dict(iter_unpack(_PACKED, packed))


def standings_of(connection: Connection, rows: Sequence[Row], numbers: StandingNumbers) -> list[Standing]:
    """Rows of all columns as records, in their order."""
    subject_nos = {subject_no for row in rows for subject_no, _ in iter_unpack(_PACKED, row[PACKED_AFFINITIES])}
    segment_nos = {number for row in rows for number in row[2:4] if number is not None}
    numbers.learn_names(connection, subject_nos, segment_nos)
    return [_standing(row, numbers) for row in rows]


def _standing(row: Row, numbers: StandingNumbers) -> Standing:
    customer_id, rfm_no, segment_no, recency, frequency, monetary, orders, spent_minor, churn_risk, p_alive = row[1:11]
    first_order_at, last_order_at, last_seen_at, next_order_at = row[11:15]
    membership, in_segment_since, changed_at, log_no, packed, features = row[21:]
    return Standing(
        customer_id=CustomerId(customer_id),
        rfm_group=numbers.segment_ids[rfm_no],
        recency_score=recency,
        frequency_score=frequency,
        monetary_score=monetary,
        segment_id=None if segment_no is None else numbers.segment_ids[segment_no],
        membership=membership,
        in_segment_since=in_segment_since,
        orders=orders,
        spent_minor=spent_minor,
        first_order_at=first_order_at,
        last_order_at=last_order_at,
        last_seen_at=Micros(last_seen_at),
        p_alive=p_alive,
        churn_risk=churn_risk,
        expected_orders=row[15:18],
        expected_value_minor=row[18:21],
        next_order_at=next_order_at,
        affinities=tuple(
            Affinity(*numbers.subject_names[subject_no], strength / STRENGTH_UNITS)
            for subject_no, strength in iter_unpack(_PACKED, packed)
        ),
        features=features,
        changed_at=Micros(changed_at),
        log_no=log_no,
    )
