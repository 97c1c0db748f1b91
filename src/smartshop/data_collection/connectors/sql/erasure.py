"""Erasure over SQL.

First the hashes are committed, with what is to be done and the first of it: from then on the customer is known to
nobody and let in nowhere. Then the other rows go, a few thousand per transaction, so that other writers hardly wait; a
crash leaves the list of what is to be done, which goes with the last row.
"""

import secrets
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import msgspec
from sqlalchemy import Connection, Select, bindparam, delete, insert, select, update

from smartshop.data_collection.connectors.named_ids import Named
from smartshop.data_collection.connectors.refused_files import lines_naming, remove_lines
from smartshop.data_collection.connectors.sql.belongings import Belongings, belongings_of
from smartshop.data_collection.connectors.sql.decisions import decode_decision, shopper_of_decision
from smartshop.data_collection.connectors.sql.engine import Database
from smartshop.data_collection.connectors.sql.erased_keys import ErasedKeys
from smartshop.data_collection.connectors.sql.erasing_rows import Work, steps_of
from smartshop.data_collection.connectors.sql.erasing_texts import Change, changes_of
from smartshop.data_collection.connectors.sql.export import is_known, pages_of
from smartshop.data_collection.connectors.sql.locks import Turn, take_turn
from smartshop.data_collection.connectors.sql.records import decode_counts, encode
from smartshop.data_collection.connectors.sql.tables import decisions, erasure_receipts, erasures
from smartshop.data_collection.connectors.sql.traces import empty_wal, is_small, overwriting_deleted, write_anew
from smartshop.data_collection.schemas.erasures import ErasureReceipt
from smartshop.data_collection.schemas.ids import AnonymousId, CustomerId, Micros
from smartshop.errors import NotFound

ROWS_AT_ONCE = 2_000
"""Per transaction: 20 to 60 ms."""
DECISIONS_AT_ONCE = 500
BREATH_SECONDS = 0.005
"""Between two transactions, for writers of other processes, which look for their turn every few milliseconds."""

_decode_belongings = msgspec.json.Decoder(Belongings).decode


class SqlErasure:
    def __init__(
        self,
        shop: Database,
        decision_log: Database,
        keys: ErasedKeys,
        refused_rows: Path,
        *,
        rows_at_once: int = ROWS_AT_ONCE,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._shop, self._decision_log, self.keys = shop, decision_log, keys
        self._refused_rows = refused_rows
        self._rows_at_once, self._pause = rows_at_once, pause

    def is_erased(self, customer_id: CustomerId | None, anonymous_id: AnonymousId | None) -> bool:
        return self.keys.holds_any(customer_id, anonymous_id)

    def refresh(self) -> int:
        return self.keys.refresh()

    def erase(self, customer_id: CustomerId, now: Micros) -> ErasureReceipt:
        own_hash = self.keys.hash_of(customer_id)  # also makes the secret, which no transaction of ours may wait for
        receipt_id = self._shop.write(partial(self._mark, customer_id, own_hash, now))
        if receipt_id is None:
            raise NotFound("Nothing is stored of this customer, so there is nothing to erase.")
        self.keys.refresh()
        return self._complete(receipt_id)

    def finish(self) -> int:
        self.keys.refresh()
        question = select(erasure_receipts.c.receipt_id).where(erasure_receipts.c.under_way.is_not(None))
        with self._shop.read() as connection:
            begun = list(connection.execute(question.order_by(erasure_receipts.c.erased_at)).scalars())
        for receipt_id in begun:
            self._complete(receipt_id)
        return len(begun)

    def remove_traces(self) -> bool:
        """Write the files anew where erased rows may have left traces in them; for a quiet hour. False: not now."""
        with self._shop.read() as connection:
            owed = (
                connection.execute(select(erasure_receipts.c.receipt_id).where(erasure_receipts.c.leaves_traces))
                .scalars()
                .all()
            )
        if not owed:
            return True
        if not (write_anew(self._shop, pause=self._pause) and write_anew(self._decision_log, pause=self._pause)):
            return False
        settled = update(erasure_receipts).where(erasure_receipts.c.receipt_id.in_(owed)).values(leaves_traces=False)
        self._shop.write(lambda connection: connection.execute(settled))
        return True

    def export(self, customer_id: CustomerId) -> Iterator[tuple[str, list[msgspec.Raw]]]:
        if self.keys.holds(customer_id):
            raise NotFound("Nothing is stored of this customer.")
        with self._shop.read() as connection:
            belongings = belongings_of(connection, customer_id)
            known = is_known(connection, belongings)
        if not known and not self._has_decisions(belongings):
            raise NotFound("Nothing is stored of this customer.")
        return self._pages(belongings)

    def names_erased(self, row: str) -> bool:
        """Whether a row of some file holds the id of somebody erased; as of the last `refresh`."""
        return self.keys.are_named_in_row(row.encode())

    # ---------------------------------------------------------------------------------------- steps
    def _pages(self, belongings: Belongings) -> Iterator[tuple[str, list[msgspec.Raw]]]:
        yield from pages_of(self._shop, self._decision_log, belongings)
        for line in lines_naming(self._refused_rows, Named(belongings.ids)):
            yield "refused", [msgspec.Raw(line.rstrip())]

    def _has_decisions(self, belongings: Belongings) -> bool:
        with self._decision_log.read() as connection:
            return connection.execute(_decision_ids(belongings).limit(1)).scalar() is not None

    def _mark(self, customer_id: CustomerId, own_hash: bytes, now: Micros, connection: Connection) -> str | None:
        """Let nothing more of theirs in, and write down what is to be done; the receipt's id, None for a stranger.

        Whoever stores events shares the turn taken here, so each of them either is done or will see the hashes.
        """
        take_turn(connection, Turn.LOG)
        known = select(erasures.c.receipt_id).where(erasures.c.key_hash == own_hash)
        receipt_id: str | None = connection.execute(known).scalar()
        if receipt_id is not None:
            return receipt_id
        take_turn(connection, Turn.MERGE)
        belongings = belongings_of(connection, customer_id)
        if not is_known(connection, belongings) and not self._has_decisions(belongings):
            return None
        receipt_id = f"er-{secrets.token_hex(8)}"
        connection.execute(
            insert(erasure_receipts).values(
                receipt_id=receipt_id, erased_at=now, counts=b"{}", under_way=encode(belongings), leaves_traces=True
            )
        )
        hashes = sorted({self.keys.hash_of(key) for key in belongings.keys})
        # A browser of theirs may be erased with an earlier customer already.
        there = set(connection.execute(select(erasures.c.key_hash).where(erasures.c.key_hash.in_(hashes))).scalars())
        new = [{"key_hash": one, "receipt_id": receipt_id} for one in hashes if one not in there]
        connection.execute(insert(erasures), new)
        self._work_off(Work(belongings, receipt_id), connection)
        return receipt_id

    def _complete(self, receipt_id: str) -> ErasureReceipt:
        belongings = self._under_way(receipt_id)
        if belongings is not None:
            work = Work(belongings, receipt_id)
            while not self._shop.write(partial(self._work_off, work)):
                self._pause(BREATH_SECONDS)
            for table, change in changes_of(self._shop, belongings):
                self._shop.write(partial(_count_in, receipt_id, table, change))
            lines = remove_lines(self._refused_rows, Named(belongings.ids))
            self._shop.write(partial(_add_counts, receipt_id=receipt_id, counts=Counter(refused_rows=lines)))
            self._erase_decisions(work)
            self._shop.write(partial(_close, receipt_id))
            self._empty_files()
        return self._receipt(receipt_id)

    def _under_way(self, receipt_id: str) -> Belongings | None:
        with self._shop.read() as connection:
            plan = connection.execute(_UNDER_WAY, {"receipt": receipt_id}).scalar()
        return None if plan is None else _decode_belongings(plan)

    def _work_off(self, work: Work, connection: Connection) -> bool:
        """As many rows as one transaction should hold; whether that was all."""
        counts: Counter[str] = Counter()
        left = self._rows_at_once
        with overwriting_deleted(connection):
            for table, step in steps_of(work):
                changed = step(connection, left)
                counts[table] += changed
                left -= changed
                if left <= 0:
                    break
            _add_counts(connection, work.receipt_id, counts)
        return left > 0

    def _erase_decisions(self, work: Work) -> None:
        remove = partial(_delete_some_decisions, work.belongings)
        while gone := self._decision_log.write(remove):
            self._shop.write(partial(_add_counts, receipt_id=work.receipt_id, counts=Counter(decisions=gone)))
            self._pause(BREATH_SECONDS)
        for decision_ids in _of_earlier_releases(self._decision_log, work.belongings):
            gone = self._decision_log.write(partial(_delete_decisions, decision_ids))
            self._shop.write(partial(_add_counts, receipt_id=work.receipt_id, counts=Counter(decisions=gone)))

    def _empty_files(self) -> None:
        files = (self._shop, self._decision_log)
        for one in files:
            empty_wal(one, pause=self._pause)
        if all(is_small(one) for one in files):
            self.remove_traces()

    def _receipt(self, receipt_id: str) -> ErasureReceipt:
        question = select(erasure_receipts).where(erasure_receipts.c.receipt_id == receipt_id)
        with self._shop.read() as connection:
            row = connection.execute(question).one()
        return ErasureReceipt(
            receipt_id=row.receipt_id, erased_at=Micros(row.erased_at), counts=decode_counts(row.counts)
        )


_UNDER_WAY = select(erasure_receipts.c.under_way).where(erasure_receipts.c.receipt_id == bindparam("receipt"))


def _decision_ids(belongings: Belongings) -> Select[str]:
    return select(decisions.c.decision_id).where(decisions.c.shopper_key.in_(belongings.keys))


def _delete_some_decisions(belongings: Belongings, connection: Connection) -> int:
    """Whoever writes decisions shares the turn, and looks there for who was erased."""
    take_turn(connection, Turn.DECISION)
    found = connection.execute(_decision_ids(belongings).limit(DECISIONS_AT_ONCE)).scalars().all()
    return _delete_decisions(found, connection)


def _delete_decisions(decision_ids: Sequence[str], connection: Connection) -> int:
    with overwriting_deleted(connection):
        return connection.execute(delete(decisions).where(decisions.c.decision_id.in_(decision_ids))).rowcount


def _of_earlier_releases(decision_log: Database, belongings: Belongings) -> Iterator[list[str]]:
    """Decisions that stand without their shopper's key; a month after the change there are none."""
    after = ""
    unnamed = decisions.c.shopper_key.is_(None)
    question = select(decisions.c.decision_id, decisions.c.payload).where(unnamed).order_by(decisions.c.decision_id)
    while True:
        with decision_log.read() as connection:
            rows = connection.execute(question.where(decisions.c.decision_id > after).limit(DECISIONS_AT_ONCE)).all()
        if not rows:
            return
        after = rows[-1][0]
        if theirs := [row[0] for row in rows if shopper_of_decision(decode_decision(row[1])) in belongings.keys]:
            yield theirs


def _count_in(receipt_id: str, table: str, change: Change, connection: Connection) -> None:
    with overwriting_deleted(connection):
        _add_counts(connection, receipt_id, Counter({table: change(connection)}))


def _add_counts(connection: Connection, receipt_id: str, counts: Counter[str]) -> None:
    """Two processes may complete one erasure at once: each row is counted by whoever deleted it."""
    place = erasure_receipts.c.receipt_id == receipt_id
    present = connection.execute(select(erasure_receipts.c.counts).where(place).with_for_update()).scalar_one()
    added = {table: number for table, number in (Counter(decode_counts(present)) + counts).items() if number}
    connection.execute(update(erasure_receipts).where(place).values(counts=encode(added)))


def _close(receipt_id: str, connection: Connection) -> None:
    with overwriting_deleted(connection):
        done = update(erasure_receipts).where(erasure_receipts.c.receipt_id == receipt_id)
        connection.execute(done.values(under_way=None))
