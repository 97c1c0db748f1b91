"""A page's side of `/ws/shopper`, with the real `websockets` client."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from websockets.sync.client import ClientConnection, connect

from tests.api.shop_for_tests import Opened

PATIENCE_SECONDS = 5.0
Frame = dict[str, Any]
"""Any: JSON as it came."""


class ShopperLine:
    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket

    def say(self, **frame: object) -> None:
        self.socket.send(json.dumps(frame))

    def hear(self, kind: str, seconds: float = PATIENCE_SECONDS) -> Frame:
        """The next frame of a kind; others are passed over.

        Raises:
            TimeoutError: none came.
        """
        deadline = time.monotonic() + seconds
        while True:
            frame: Frame = json.loads(self.socket.recv(timeout=max(0.0, deadline - time.monotonic())))
            if frame["type"] == kind:
                return frame

    def hears_nothing(self, kind: str, seconds: float = 0.4) -> bool:
        try:
            self.hear(kind, seconds)
        except TimeoutError:
            return True
        return False


@contextmanager
def open_line(url: str, token: str | None) -> Iterator[ShopperLine]:
    """A line that has said hello; without a token it has said nothing yet."""
    with connect(url.replace("http", "ws") + "/ws/shopper") as socket:
        line = ShopperLine(socket)
        if token is not None:
            line.say(type="hello", token=token)
        yield line


def plain_token(opened: Opened, **named: str) -> str:
    return opened.token(**named)["Authorization"].removeprefix("Bearer ")
