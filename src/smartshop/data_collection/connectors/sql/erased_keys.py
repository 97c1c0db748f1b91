"""Who was erased, as keyed hashes in memory: asked for every event and slate, so it may cost no query.

A hash is HMAC-SHA256 of the id under a secret of the shop's own, cut to 128 bits. A customer's id and a browser's of
the same letters are two keys, spelt as `seen.sender_key` does.
"""

import hmac
from collections.abc import Callable

from sqlalchemy import Connection

from smartshop.data_collection.connectors.named_ids import cells_in, texts_in
from smartshop.data_collection.connectors.sql.bulk import driver_cursor
from smartshop.data_collection.connectors.sql.engine import Database

HASH_BYTES = 16
REMEMBERED = 50_000
"""Ids looked up lately, so that a busy shopper is hashed once (a hash takes 1.2 µs)."""
_NEWER = "SELECT erasure_no, key_hash FROM erasures WHERE erasure_no > ? ORDER BY erasure_no"


def browser_key(anonymous_id: str) -> str:
    """A browser's id as keys spell it; no id holds a slash."""
    return f"/{anonymous_id}"


class ErasedKeys:
    """For all threads of a process. `secret` is read when somebody was erased or is about to be."""

    def __init__(self, database: Database, secret: Callable[[], bytes]) -> None:
        self._database, self._secret = database, secret
        self._hashes: set[bytes] = set()
        self._read_until = 0
        self._known: dict[str, bool] = {}

    def refresh(self) -> int:
        """Read what is new; how many are erased by now."""
        with self._database.read() as connection:
            return self.refresh_within(connection)

    def refresh_within(self, connection: Connection) -> int:
        """The same inside a transaction: nobody erased before it began is missed."""
        newer = _NEWER.replace("?", "%s") if connection.dialect.name == "postgresql" else _NEWER
        rows = driver_cursor(connection).execute(newer, (self._read_until,)).fetchall()
        if rows:
            self._hashes.update(bytes(key_hash) for _, key_hash in rows)
            # A new one, never emptied: who is just looking up with the old hashes keeps what they find in the old one.
            self._known = {}
            self._read_until = max(self._read_until, rows[-1][0])
        return len(self._hashes)

    def hash_of(self, key: str) -> bytes:
        return hmac.digest(self._secret(), key.encode(), "sha256")[:HASH_BYTES]

    def holds(self, key: str) -> bool:
        if not self._hashes:
            return False
        known = self._known
        found = known.get(key)
        if found is None:
            found = self.hash_of(key) in self._hashes
            if len(known) >= REMEMBERED:
                known.clear()
            known[key] = found
        return found

    def holds_any(self, customer_id: str | None, anonymous_id: str | None) -> bool:
        if not self._hashes:
            return False
        return (customer_id is not None and self.holds(customer_id)) or (
            anonymous_id is not None and self.holds(browser_key(anonymous_id))
        )

    def are_named_in(self, raw: bytes) -> bool:
        """Whether a text as it was sent, JSON or nearly so, holds the id of somebody erased."""
        return bool(self._hashes) and any(self._is_hashed(text) for text in texts_in(raw))

    def are_named_in_row(self, row: bytes) -> bool:
        """The same of a row of whatever file."""
        return bool(self._hashes) and any(self._is_hashed(text) for text in texts_in(row) | cells_in(row))

    def _is_hashed(self, text: str) -> bool:
        # Past the memory of ids: a refused text is full of words that are none.
        return self.hash_of(text) in self._hashes or self.hash_of(browser_key(text)) in self._hashes
