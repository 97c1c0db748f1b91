"""Turns that writers of PostgreSQL take within a transaction. SQLite has one writer at a time and needs none."""

from collections.abc import Iterable
from enum import IntEnum
from zlib import crc32

from sqlalchemy import Connection, text

ORDER_BUCKETS = 256
"""Orders share this many locks, so that an import of thousands stays within the server's lock table."""


class Turn(IntEnum):
    """PostgreSQL advisory lock classes; any numbers nobody else uses."""

    ORDER = 5_270_010
    STOCK = 5_270_011
    CATALOGUE = 5_270_012
    LOG = 5_270_013
    MERGE = 5_270_014
    STANDING = 5_270_015
    AUDIENCE = 5_270_016
    DECISION = 5_270_017
    SUPPLY = 5_270_018
    RESERVATION = 5_270_019
    WAIT = 5_270_024
    ALERT = 5_270_025
    CAUSE = 5_270_026


_TAKE = text("SELECT pg_advisory_xact_lock(:turn, :bucket)")
_SHARE = text("SELECT pg_advisory_xact_lock_shared(:turn, 0)")


def take_turn(connection: Connection, turn: Turn) -> None:
    """Wait until nobody else holds this turn; it ends with the transaction."""
    if connection.dialect.name == "postgresql":
        connection.execute(_TAKE, {"turn": int(turn), "bucket": 0})


def share_turn(connection: Connection, turn: Turn) -> None:
    """Hold the turn beside others who share it; who takes it whole waits for all of these."""
    if connection.dialect.name == "postgresql":
        connection.execute(_SHARE, {"turn": int(turn)})


def take_order_turns(connection: Connection, order_ids: Iterable[str]) -> None:
    """Wait until nobody else is writing any of these orders; in one order, so that two writers never deadlock."""
    take_named_turns(connection, Turn.ORDER, order_ids)


def take_named_turns(connection: Connection, turn: Turn, names: Iterable[str]) -> None:
    """Wait until nobody else holds the turn of any of these names."""
    if connection.dialect.name == "postgresql":
        for bucket in sorted({crc32(name.encode()) % ORDER_BUCKETS for name in names}):
            connection.execute(_TAKE, {"turn": int(turn), "bucket": bucket})
