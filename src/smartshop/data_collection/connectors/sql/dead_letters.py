"""Dead letters over SQL."""

from collections.abc import Sequence

from sqlalchemy import Connection, bindparam, delete, insert, select

from smartshop.data_collection.connectors.ports import DeadLetter
from smartshop.data_collection.connectors.sql.engine import Database
from smartshop.data_collection.connectors.sql.erased_keys import ErasedKeys
from smartshop.data_collection.connectors.sql.locks import Turn, share_turn
from smartshop.data_collection.connectors.sql.records import decode_message, encode
from smartshop.data_collection.connectors.sql.tables import dead_letters
from smartshop.data_collection.connectors.without_erased import message_without


class SqlDeadLetters:
    def __init__(self, database: Database, erased: ErasedKeys) -> None:
        self._database, self._erased = database, erased

    def add(self, letter: DeadLetter) -> None:
        """Keep it, but for what of it names somebody erased."""
        self._database.write(lambda connection: self._insert(connection, letter))

    def _insert(self, connection: Connection, letter: DeadLetter) -> None:
        share_turn(connection, Turn.LOG)
        self._erased.refresh_within(connection)
        message = message_without(letter.message, self._erased.holds_any)
        if message is None:
            return
        # An error may quote what it failed on.
        error = letter.error if message == letter.message else ""
        connection.execute(
            insert(dead_letters).values(
                agent=letter.agent, message=encode(message), error=error, failed_at=letter.failed_at
            )
        )

    def page(self, after: int = 0, limit: int = 100) -> list[DeadLetter]:
        """By letter_id."""
        question = select(dead_letters).where(dead_letters.c.letter_id > after)
        with self._database.read() as connection:
            return [
                DeadLetter(
                    letter_id=row.letter_id,
                    agent=row.agent,
                    message=decode_message(row.message),
                    error=row.error,
                    failed_at=row.failed_at,
                )
                for row in connection.execute(question.order_by(dead_letters.c.letter_id).limit(limit))
            ]

    def remove(self, letter_ids: Sequence[int]) -> None:
        if letter_ids:
            statement = delete(dead_letters).where(dead_letters.c.letter_id == bindparam("a_letter"))
            told = [{"a_letter": letter_id} for letter_id in letter_ids]
            self._database.write(lambda connection: connection.execute(statement, told))
