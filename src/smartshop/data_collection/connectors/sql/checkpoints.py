"""Moves SQLite's write-ahead log into the database in the background, so that no commit has to wait for it.

A passive checkpoint beside the writers copies nearly everything; a second one, in a writer's turn, has only the few
pages written meanwhile left and lets the log start over. Without the second one the log would grow under constant load.
"""

import sqlite3
import threading
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

WAL_BYTES = 4 << 20
"""Below this the log is left alone; it is the size at which SQLite itself would begin."""
FRAMES_PER_PASS = 2_000
"""What one pass should find: quick to copy, yet a page changed often is copied once."""
SHORTEST_PAUSE_SECONDS = 0.25
LONGEST_PAUSE_SECONDS = 4.0


class WalCheckpoints:
    """The thread of one database file; started with it, stopped with it."""

    def __init__(self, path: Path, writers: Engine) -> None:
        self._path = path
        self._wal = path.with_name(path.name + "-wal")
        self._writers = writers
        self._stopping = threading.Event()
        self._handled_mtime = 0
        self._thread = threading.Thread(target=self._run, name=f"checkpoints {path.name}", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join(timeout=10)

    def _run(self) -> None:
        connection: sqlite3.Connection | None = None
        pause = 1.0
        while not self._stopping.wait(pause):
            if not self._has_grown():
                continue
            if connection is None:
                connection = sqlite3.connect(self._path, isolation_level=None)
            frames = _checkpoint(connection)
            if frames > FRAMES_PER_PASS // 2:
                # What came while the first pass was busy is copied beside the writers as well, so that next to nothing
                # is left for the moment in which they wait.
                _checkpoint(connection)
                self._finish_in_a_writers_turn()
            wanted = pause * FRAMES_PER_PASS / max(frames, 1)
            pause = min(max(wanted, SHORTEST_PAUSE_SECONDS), LONGEST_PAUSE_SECONDS)
        if connection is not None:
            connection.close()

    def _has_grown(self) -> bool:
        # Only looked at, never opened: closing any handle of ours would drop SQLite's locks on the file.
        try:
            state = self._wal.stat()
        except FileNotFoundError:
            return False
        if state.st_size < WAL_BYTES or state.st_mtime_ns == self._handled_mtime:
            return False
        self._handled_mtime = state.st_mtime_ns
        return True

    def _finish_in_a_writers_turn(self) -> None:
        try:
            # Holding this process's only writing connection is what keeps its writers out; no transaction is open.
            pooled = self._writers.raw_connection()
        except (PoolTimeout, DBAPIError):
            return
        try:
            pooled.cursor().execute("PRAGMA wal_checkpoint(PASSIVE)")
        except sqlite3.Error:
            # A reader or another process is in the way; the next pass comes soon.
            return
        finally:
            pooled.close()


def _checkpoint(connection: sqlite3.Connection) -> int:
    """Copy what can be copied without anybody waiting; return how many frames the log holds."""
    try:
        _, frames, _ = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
    except sqlite3.Error:
        return 0
    return max(int(frames), 0)
