"""The merchant's rules over SQL."""

from collections.abc import Sequence

import msgspec
from sqlalchemy import Connection, delete, func, select

from smartshop.data_collection.connectors.sql.engine import Database
from smartshop.data_collection.connectors.sql.records import encode
from smartshop.data_collection.connectors.sql.tables import merchant_rules, merchant_rules_state
from smartshop.data_collection.connectors.sql.upsert import insert_for, insert_or_replace
from smartshop.data_collection.schemas.rules import MAX_RULES, MerchantRule, RuleId
from smartshop.errors import Conflict

_STATE = "rules"
_decode = msgspec.json.Decoder(MerchantRule).decode


class SqlRules:
    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, rules: Sequence[MerchantRule]) -> list[MerchantRule]:
        return self._database.write(lambda connection: [_add(connection, rule) for rule in rules])

    def replace(self, rule: MerchantRule, expected: int | None = None) -> MerchantRule | None:
        return self._database.write(lambda connection: _replace(connection, rule, expected))

    def get(self, rule_id: RuleId) -> MerchantRule | None:
        with self._database.read() as connection:
            return _read(connection, rule_id)

    def all(self) -> list[MerchantRule]:
        with self._database.read() as connection:
            payloads = connection.execute(select(merchant_rules.c.payload)).scalars().all()
        return sorted((_decode(each) for each in payloads), key=lambda rule: (rule.name.casefold(), rule.rule_id))

    def delete(self, rule_id: RuleId) -> bool:
        return self._database.write(lambda connection: _delete(connection, rule_id))

    def state(self) -> int:
        with self._database.read() as connection:
            return connection.execute(select(merchant_rules_state.c.version)).scalar() or 0


def _add(connection: Connection, rule: MerchantRule) -> MerchantRule:
    version = _next_version(connection)
    if _read(connection, rule.rule_id) is not None:
        raise Conflict(f"There is a rule {rule.rule_id!r} already; replace it, or choose another id.")
    n_rules = connection.execute(select(func.count()).select_from(merchant_rules)).scalar_one()
    if n_rules >= MAX_RULES:
        raise Conflict(f"The shop has {n_rules} rules, and {MAX_RULES} is the most; delete one that is no longer used.")
    return _write(connection, rule, version)


def _replace(connection: Connection, rule: MerchantRule, expected: int | None) -> MerchantRule | None:
    # The version first: it makes writers of PostgreSQL take turns, so that what is read next stands until we commit.
    version = _next_version(connection)
    before = _read(connection, rule.rule_id)
    if before is None:
        return None
    if expected is not None and expected != before.version:
        raise Conflict(
            f"The rule {rule.rule_id!r} is at version {before.version}, not {expected}: somebody changed it meanwhile;"
            " read it again."
        )
    return _write(connection, rule, version)


def _delete(connection: Connection, rule_id: RuleId) -> bool:
    _next_version(connection)
    return connection.execute(delete(merchant_rules).where(merchant_rules.c.rule_id == rule_id)).rowcount > 0


def _next_version(connection: Connection) -> int:
    row = insert_for(connection, merchant_rules_state).values(name=_STATE, version=1)
    raised = row.on_conflict_do_update(
        index_elements=["name"], set_={"version": merchant_rules_state.c.version + 1}
    ).returning(merchant_rules_state.c.version)
    return int(connection.execute(raised).scalar_one())


def _read(connection: Connection, rule_id: RuleId) -> MerchantRule | None:
    question = select(merchant_rules.c.payload).where(merchant_rules.c.rule_id == rule_id)
    payload = connection.execute(question).scalar()
    return None if payload is None else _decode(payload)


def _write(connection: Connection, rule: MerchantRule, version: int) -> MerchantRule:
    kept = msgspec.structs.replace(rule, version=version)
    insert_or_replace(connection, merchant_rules, [{"rule_id": kept.rule_id, "payload": encode(kept)}])
    return kept
