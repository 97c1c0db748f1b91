"""Keys over SQL."""

from sqlalchemy import Connection, select, update

from smartshop.data_collection.connectors.ports import ApiKey
from smartshop.data_collection.connectors.sql.engine import Database
from smartshop.data_collection.connectors.sql.tables import api_keys, secrets
from smartshop.data_collection.connectors.sql.upsert import insert_if_absent
from smartshop.data_collection.schemas.ids import Micros


class SqlKeys:
    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, key: ApiKey) -> None:
        """A key_id that is there stays as it is."""
        row: dict[str, object] = {
            "key_id": key.key_id,
            "kind": key.kind,
            "sha256": key.sha256,
            "label": key.label,
            "created_at": key.created_at,
            "revoked_at": key.revoked_at,
            "plain": key.plain,
        }
        self._database.write(lambda connection: insert_if_absent(connection, api_keys, [row]))

    def all(self) -> list[ApiKey]:
        """Oldest first, revoked ones too."""
        question = select(api_keys).order_by(api_keys.c.created_at, api_keys.c.key_id)
        with self._database.read() as connection:
            return [ApiKey(**row) for row in connection.execute(question).mappings()]

    def revoke(self, key_id: str, now: Micros) -> bool:
        """False when there is no such key, or it was revoked before."""
        statement = update(api_keys).where(api_keys.c.key_id == key_id, api_keys.c.revoked_at.is_(None))
        return self._database.write(
            lambda connection: connection.execute(statement.values(revoked_at=now)).rowcount > 0
        )

    def secret(self, name: str, make: bytes) -> bytes:
        question = select(secrets.c.secret).where(secrets.c.name == name)
        with self._database.read() as connection:
            known = connection.execute(question).scalar()
        if known is not None:
            return bytes(known)

        def first_stays(connection: Connection) -> bytes:
            insert_if_absent(connection, secrets, [{"name": name, "secret": make}])
            return bytes(connection.execute(question).scalar_one())

        return self._database.write(first_stays)
