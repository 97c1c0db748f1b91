"""Models over SQL rows and version folders."""

from pathlib import Path

import msgspec
from sqlalchemy import Connection, Select, select, update

from smartshop.data_collection.connectors.model_files import ModelFiles
from smartshop.data_collection.connectors.ports import ModelRecord
from smartshop.data_collection.connectors.sql.engine import Database
from smartshop.data_collection.connectors.sql.tables import models, promoted_models
from smartshop.data_collection.connectors.sql.upsert import insert_if_absent, insert_or_replace
from smartshop.data_collection.schemas.ids import Micros, ModelVersion
from smartshop.errors import NotFound

_decode = msgspec.json.Decoder(ModelRecord).decode


class SqlModels:
    def __init__(self, database: Database, models_dir: Path) -> None:
        self._database = database
        self._files = ModelFiles(models_dir)

    def new_folder(self, agent: str, version: ModelVersion) -> Path:
        return self._files.new_folder(agent, version)

    def publish(self, record: ModelRecord, folder: Path) -> ModelRecord:
        sealed = msgspec.structs.replace(record, sha256=self._files.seal(record, folder), promoted_at=None)
        row: dict[str, object] = {
            "agent": sealed.agent,
            "version": sealed.version,
            "trained_at": sealed.trained_at,
            "promoted_at": None,
            "payload": msgspec.json.encode(sealed),
        }
        self._database.write(lambda connection: insert_if_absent(connection, models, [row]))
        return sealed

    def promote(self, agent: str, version: ModelVersion, now: Micros) -> None:
        """From now on this version serves.

        Raises:
            NotFound: it was never published.
        """
        self._database.write(lambda connection: _promote(connection, agent, version, now))

    def promoted(self, agent: str) -> ModelRecord | None:
        question = _records().join(
            promoted_models,
            (promoted_models.c.agent == models.c.agent) & (promoted_models.c.version == models.c.version),
        )
        found = self._read(question.where(models.c.agent == agent))
        return found[0] if found else None

    def history(self, agent: str | None = None, limit: int = 20) -> list[ModelRecord]:
        """Newest first."""
        question = _records().order_by(models.c.trained_at.desc(), models.c.agent, models.c.version.desc()).limit(limit)
        return self._read(question if agent is None else question.where(models.c.agent == agent))

    def open(self, record: ModelRecord) -> Path:
        return self._files.open(record)

    def _read(self, question: Select[bytes, int | None]) -> list[ModelRecord]:
        with self._database.read() as connection:
            rows = connection.execute(question).all()
        return [msgspec.structs.replace(_decode(payload), promoted_at=promoted_at) for payload, promoted_at in rows]


def _records() -> Select[bytes, int | None]:
    return select(models.c.payload, models.c.promoted_at)


def _promote(connection: Connection, agent: str, version: ModelVersion, now: Micros) -> None:
    statement = update(models).where(models.c.agent == agent, models.c.version == version).values(promoted_at=now)
    if connection.execute(statement).rowcount == 0:
        raise NotFound(f"There is no version {version} of {agent}; publish it before promoting it.")
    insert_or_replace(connection, promoted_models, [{"agent": agent, "version": version}])
