"""Decisions about ordering more, and their scores, over SQL."""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
from sqlalchemy import Boolean, Connection, Row, and_, bindparam, case, delete, exists, or_, select, tuple_, update

from smartshop.data_collection.connectors.sql.engine import Database
from smartshop.data_collection.connectors.sql.records import chunks, encode
from smartshop.data_collection.connectors.sql.tables import told_proposals
from smartshop.data_collection.connectors.sql.upsert import insert_for
from smartshop.data_collection.schemas.ids import Micros
from smartshop.data_collection.schemas.proposals import KeptProposal, ProposalScore, ToldLaw, ToldProposal
from smartshop.data_collection.schemas.supply import PurchaseOrderId

ROWS_AT_ONCE = 2_000

_decode_told = msgspec.json.Decoder(ToldProposal).decode
_decode_law = msgspec.json.Decoder(ToldLaw).decode
_decode_score = msgspec.json.Decoder(ProposalScore).decode
_columns = told_proposals.c
_WITHOUT_LAW = (_columns.decided_at, _columns.proposal_id, _columns.payload, _columns.followed_by, _columns.score)


class SqlProposalBook:
    def __init__(self, database: Database) -> None:
        self._database = database

    def keep(self, told: Sequence[ToldProposal]) -> int:
        return self._database.write(lambda connection: _keep(connection, told))

    def follow(self, proposal_id: str, purchase_order_id: PurchaseOrderId) -> bool:
        own = _columns.proposal_id == proposal_id
        first = update(told_proposals).where(own, _columns.followed_by.is_(None))

        def work(connection: Connection) -> bool:
            connection.execute(first.values(followed_by=purchase_order_id))
            return bool(connection.execute(select(exists().where(own))).scalar())

        return self._database.write(work)

    def get(self, proposal_id: str) -> KeptProposal | None:
        question = select(*_WITHOUT_LAW, _columns.law).where(_columns.proposal_id == proposal_id)
        with self._database.read() as connection:
            row = connection.execute(question).first()
        return None if row is None else _kept(row, row.law)

    def due(self, now: Micros, limit: int) -> list[KeptProposal]:
        question = (
            select(*_WITHOUT_LAW, _columns.law)
            .where(_columns.look_at <= now)
            .order_by(_columns.look_at, _columns.proposal_id)
            .limit(limit)
        )
        with self._database.read() as connection:
            return [_kept(row, row.law) for row in connection.execute(question)]

    def settle(self, scores: Sequence[ProposalScore]) -> None:
        self._database.write(lambda connection: _settle(connection, scores))

    def decided(self, since: Micros, until: Micros) -> Iterator[list[KeptProposal]]:
        place = (_columns.decided_at, _columns.proposal_id)
        question = select(*_WITHOUT_LAW).where(_columns.decided_at < until).order_by(*place).limit(ROWS_AT_ONCE)
        after: tuple[int, str] = (since, "")
        while True:
            with self._database.read() as connection:
                rows = connection.execute(question.where(tuple_(*place) > after)).all()
            if rows:
                yield [_kept(row, None) for row in rows]
            if len(rows) < ROWS_AT_ONCE:
                return
            after = (rows[-1].decided_at, rows[-1].proposal_id)

    def prune(self, before: Micros) -> int:
        gone = delete(told_proposals).where(_columns.decided_at < before)
        return self._database.write(lambda connection: connection.execute(gone).rowcount)


def _keep(connection: Connection, told: Sequence[ToldProposal]) -> int:
    rows = {one.proposal_id: _row(one) for one in told}
    if not rows:
        return 0
    statement = insert_for(connection, told_proposals)
    replaced = {name: statement.excluded[name] for name in ("decided_at", "units", "look_at", "payload", "law")}
    may_be = and_(
        _columns.followed_by.is_(None),
        _columns.score.is_(None),
        or_(_columns.units == 0, statement.excluded.units > 0),
    )
    upsert = statement.on_conflict_do_update(index_elements=["proposal_id"], set_=replaced, where=may_be)
    connection.execute(upsert, list(rows.values()))
    stands = 0
    for chunk in chunks(rows):
        question = select(_columns.proposal_id, _columns.payload).where(_columns.proposal_id.in_(chunk))
        stands += sum(row.payload == rows[row.proposal_id]["payload"] for row in connection.execute(question))
    return stands


def _row(told: ToldProposal) -> dict[str, object]:
    return {
        "proposal_id": told.proposal_id,
        "decided_at": told.decided_at,
        "units": told.units,
        "look_at": told.due_at,
        "followed_by": None,
        "payload": encode(msgspec.structs.replace(told, law=None)),
        "law": None if told.law is None else encode(told.law),
        "score": None,
    }


def _settle(connection: Connection, scores: Sequence[ProposalScore]) -> None:
    own = update(told_proposals).where(_columns.proposal_id == bindparam("own"))
    rows = [
        {"own": one.proposal_id, "told_score": encode(one), "next_look": one.look_again_at, "is_open": one.is_open}
        for one in scores
    ]
    if rows:
        law = case((bindparam("is_open", type_=Boolean), _columns.law), else_=None)
        values = {"score": bindparam("told_score"), "look_at": bindparam("next_look"), "law": law}
        connection.execute(own.values(**values), rows)


# Any: a row's columns have types of their own.
def _kept(row: Row[*tuple[Any, ...]], law: bytes | None) -> KeptProposal:
    told = _decode_told(row.payload)
    return KeptProposal(
        told=told if law is None else msgspec.structs.replace(told, law=_decode_law(law)),
        followed_by=row.followed_by,
        score=None if row.score is None else _decode_score(row.score),
    )
