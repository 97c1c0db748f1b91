"""The service on a real port of the loopback, in a thread of the test process, for clients that need a socket."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from fastapi import FastAPI

START_SECONDS = 20.0


@contextmanager
def listening(app: FastAPI) -> Iterator[str]:
    """Its address as `http://127.0.0.1:PORT` while it runs.

    Raises:
        RuntimeError: it did not start in time.
    """
    with socket.socket() as place:
        place.bind(("127.0.0.1", 0))
        place.listen(128)
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, timeout_graceful_shutdown=2))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [place]}, daemon=True)
        thread.start()
        deadline = time.monotonic() + START_SECONDS
        while not server.started:
            if time.monotonic() > deadline or not thread.is_alive():
                raise RuntimeError(f"the service did not start within {START_SECONDS:g} seconds")
            time.sleep(0.01)
        try:
            yield f"http://127.0.0.1:{place.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(START_SECONDS)
