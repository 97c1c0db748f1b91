"""Decisions about ordering more, and their scores, over SQL."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Boolean, Connection, Row, and_, bindparam, case, delete, or_, select, tuple_, update

from smartshop.data_collection.connectors.sql.engine import Database
from smartshop.data_collection.connectors.sql.locks import Turn, take_turn
from smartshop.data_collection.connectors.sql.purchase_orders import draft_order, read_orders
from smartshop.data_collection.connectors.sql.records import chunks, encode
from smartshop.data_collection.connectors.sql.tables import purchase_orders, told_proposals
from smartshop.data_collection.connectors.sql.upsert import insert_for
from smartshop.data_collection.schemas.ids import Micros, VariantId
from smartshop.data_collection.schemas.proposals import KeptProposal, ProposalScore, ToldLaw, ToldProposal
from smartshop.data_collection.schemas.supply import PurchaseOrder, PurchaseOrderId, PurchaseStatus
from smartshop.errors import NotFound

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

    def follow(self, order: PurchaseOrder, proposals: Mapping[VariantId, str]) -> PurchaseOrder:
        return self._database.write(lambda connection: _follow(connection, order, proposals))

    def followers(self, proposal_ids: Sequence[str]) -> dict[str, PurchaseOrder]:
        with self._database.read() as connection:
            return _followers(connection, proposal_ids)

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
    # What follows is forgotten with it: an order that was called off is of what was told before.
    names = ("decided_at", "units", "look_at", "payload", "law", "followed_by")
    replaced = {name: statement.excluded[name] for name in names}
    called_off = select(purchase_orders.c.purchase_order_id).where(purchase_orders.c.status == PurchaseStatus.CANCELLED)
    may_be = and_(
        or_(_columns.followed_by.is_(None), _columns.followed_by.in_(called_off)),
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


def _follow(connection: Connection, order: PurchaseOrder, proposals: Mapping[VariantId, str]) -> PurchaseOrder:
    take_turn(connection, Turn.SUPPLY)  # who drafts beside us looks once our order is there
    known = _known(connection, proposals.values())
    taken = _followers(connection, proposals.values())
    lines = [line for line in order.lines if proposals[line.variant_id] in known - taken.keys()]
    if not lines:
        if not taken:
            raise NotFound(
                f"None of the {len(proposals)} proposals to be ordered from {order.supplier_id!r} is kept any more;"
                " ask what to order now."
            )
        return max(taken.values(), key=lambda one: (one.created_at, one.purchase_order_id))
    drafted = draft_order(connection, msgspec.structs.replace(order, lines=tuple(lines)))
    for chunk in chunks([proposals[line.variant_id] for line in lines]):
        own = update(told_proposals).where(_columns.proposal_id.in_(chunk))
        connection.execute(own.values(followed_by=drafted.purchase_order_id))
    return drafted


def _known(connection: Connection, proposal_ids: Collection[str]) -> set[str]:
    found: set[str] = set()
    for chunk in chunks(list(proposal_ids)):
        question = select(_columns.proposal_id).where(_columns.proposal_id.in_(chunk))
        found.update(connection.execute(question).scalars())
    return found


def _followers(connection: Connection, proposal_ids: Collection[str]) -> dict[str, PurchaseOrder]:
    followed: dict[str, PurchaseOrderId] = {}
    for chunk in chunks(list(proposal_ids)):
        own = and_(_columns.proposal_id.in_(chunk), _columns.followed_by.is_not(None))
        rows = connection.execute(select(_columns.proposal_id, _columns.followed_by).where(own))
        followed.update({row.proposal_id: row.followed_by for row in rows})
    orders = read_orders(connection, set(followed.values()))
    return {
        proposal_id: orders[number]
        for proposal_id, number in followed.items()
        if number in orders and orders[number].status is not PurchaseStatus.CANCELLED
    }


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
