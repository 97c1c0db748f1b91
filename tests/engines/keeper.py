"""Stops a test server whose test run was killed: `python -m tests.engines.keeper RUN_PID SERVER_FILE`."""

import sys
import time
from pathlib import Path

from tests.engines.postgres import load_server, process_has_ended

LOOK_EVERY_SECONDS = 1.0


def keep(run_pid: int, server_file: Path) -> None:
    """Wait for the end of the test run, then stop the server if the run could not do it itself."""
    server = load_server(server_file)
    while not process_has_ended(run_pid):
        if process_has_ended(server.pid):
            return
        time.sleep(LOOK_EVERY_SECONDS)
    server.stop()


if __name__ == "__main__":
    keep(int(sys.argv[1]), Path(sys.argv[2]))
