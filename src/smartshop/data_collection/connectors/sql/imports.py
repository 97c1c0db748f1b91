"""Import marks over SQL."""

from sqlalchemy import Row, select

from smartshop.data_collection.connectors.ports import ImportMark
from smartshop.data_collection.connectors.sql.engine import Database
from smartshop.data_collection.connectors.sql.records import decode_counts, encode
from smartshop.data_collection.connectors.sql.tables import imports
from smartshop.data_collection.connectors.sql.upsert import insert_or_replace
from smartshop.data_collection.schemas.ids import Micros


class SqlImports:
    def __init__(self, database: Database) -> None:
        self._database = database

    def mark(self, mark: ImportMark, now: Micros) -> None:
        row: dict[str, object] = {
            "import_key": mark.import_key,
            "rows_done": mark.rows_done,
            "finished": mark.finished,
            "report": encode(mark.report),
            "marked_at": now,
        }
        self._database.write(lambda connection: insert_or_replace(connection, imports, [row]))

    def find(self, import_key: str) -> ImportMark | None:
        with self._database.read() as connection:
            row = connection.execute(select(imports).where(imports.c.import_key == import_key)).one_or_none()
        return None if row is None else _mark(row)

    def all(self) -> list[ImportMark]:
        """Newest first."""
        question = select(imports).order_by(imports.c.marked_at.desc(), imports.c.import_key)
        with self._database.read() as connection:
            return [_mark(row) for row in connection.execute(question)]


def _mark(row: Row[str, int, bool, bytes, int]) -> ImportMark:
    return ImportMark(
        import_key=row.import_key,
        rows_done=row.rows_done,
        finished=bool(row.finished),
        report=decode_counts(row.report),
    )
