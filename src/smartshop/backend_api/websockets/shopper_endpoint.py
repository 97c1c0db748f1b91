"""`/ws/shopper`: a line on which the service says what changed for one shopper.

Close codes: 4401 no or no longer a valid token, 4403 a key that may not, 4408 nothing was said, 1008 too many frames or
lines, 1009 a frame too large, 1013 the service is full. Each with a sentence.
"""

import asyncio
from dataclasses import dataclass

from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from smartshop.backend_api.service import Service
from smartshop.backend_api.utils.auth import NOBODY, Caller, Permission, permit
from smartshop.backend_api.websockets.connection import Connection
from smartshop.backend_api.websockets.frames import (
    MAX_FRAME_BYTES,
    ClientFrame,
    ErrorFrame,
    Hello,
    Ping,
    Pong,
    SubscribeProducts,
    SubscribeSlate,
    Unsubscribe,
    read_frame,
)
from smartshop.backend_api.websockets.hub import MAX_PER_SHOPPER, Hub
from smartshop.errors import Forbidden, InvalidValue, Unauthenticated

HELLO_SECONDS = 10.0
FRAMES_PER_SECOND = 30
TOKEN_LOOK_SECONDS = 30.0
"""How often an open line is asked whether its token still holds."""
MAX_REASON_BYTES = 120
"""RFC 6455 leaves 123 bytes for the reason of a close."""
NOT_AUTHENTICATED, NOT_ALLOWED, SAID_NOTHING = 4401, 4403, 4408
POLICY, TOO_LARGE, TRY_LATER = 1008, 1009, 1013


class Closing(Exception):  # said by the service, not an error
    """The line ends, with a code and a sentence."""

    def __init__(self, code: int, reason: str) -> None:
        self.code, self.reason = code, reason
        super().__init__(reason)


@dataclass(slots=True)
class ShopperEndpoint:
    """The endpoint of one serving process."""

    service: Service
    hub: Hub

    async def serve(self, socket: WebSocket) -> None:
        """One connection, from its opening to its end."""
        await socket.accept()
        try:
            await self._serve(socket)
        except Closing as closing:
            await _close(socket, closing)
        except (WebSocketDisconnect, TimeoutError):
            return

    async def _serve(self, socket: WebSocket) -> None:
        if self.hub.is_full:
            raise Closing(TRY_LATER, "The service holds as many lines as it can; come back in a minute.")
        credentials = socket.query_params.get("token") or await _first_hello(socket)
        caller = await self._caller(credentials)
        if self.hub.open_of(caller.customer_id, caller.anonymous_id) >= MAX_PER_SHOPPER:
            raise Closing(POLICY, f"This shopper has {MAX_PER_SHOPPER} lines open already; close one.")
        connection = Connection(self.service, socket, caller)
        self.service.metrics.sockets.inc()
        try:
            await self.hub.join(connection)
            await self._talk(connection, credentials)
        finally:
            self.hub.leave(connection)
            self.service.metrics.sockets.dec()

    async def _talk(self, connection: Connection, credentials: str) -> None:
        """Hear, send and watch the token until one of them ends; then end the others."""
        holder = _Holder(credentials)
        tasks = [
            asyncio.create_task(self._hear(connection, holder)),
            asyncio.create_task(connection.send_due()),
            asyncio.create_task(self._watch_token(holder)),
        ]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)

    async def _hear(self, connection: Connection, holder: "_Holder") -> None:
        second, frames = 0, 0
        loop = asyncio.get_running_loop()
        while True:
            text = await _receive(connection.socket)
            now = int(loop.time())
            second, frames = now, (frames + 1 if now == second else 1)
            if frames > FRAMES_PER_SECOND:
                raise Closing(POLICY, f"More than {FRAMES_PER_SECOND} frames in a second; send fewer.")
            try:
                await self._obey(connection, read_frame(text), holder)
            except (InvalidValue, Forbidden) as error:
                await connection.send(ErrorFrame(str(error)))

    async def _obey(self, connection: Connection, frame: ClientFrame, holder: "_Holder") -> None:
        match frame:
            case Hello():
                await self._renew(connection, frame.token, holder)
            case SubscribeSlate():
                if connection.caller.is_secret:
                    raise Forbidden("A secret key is no shopper and has no slate; open the line with a shopper token.")
                connection.subscribe_slate(frame)
            case SubscribeProducts():
                connection.subscribe_products(frame)
            case Unsubscribe():
                connection.unsubscribe(frame)
            case Ping():
                await connection.send(Pong())

    async def _renew(self, connection: Connection, token: str, holder: "_Holder") -> None:
        """A new token of the same shopper keeps the line; another shopper needs a line of their own."""
        caller = await self._caller(token)
        if caller != connection.caller:
            raise Closing(NOT_ALLOWED, "This token is another shopper's; open a new line for them.")
        holder.credentials = token

    async def _caller(self, credentials: str) -> Caller:
        try:
            caller = await self.service.gate.caller_with(credentials) if credentials else NOBODY
            permit(caller, Permission.OWN_SHOPPER)
        except Unauthenticated as error:
            raise Closing(NOT_AUTHENTICATED, str(error)) from None
        except Forbidden as error:
            raise Closing(NOT_ALLOWED, str(error)) from None
        return caller

    async def _watch_token(self, holder: "_Holder") -> None:
        while True:
            await asyncio.sleep(TOKEN_LOOK_SECONDS)
            await self._caller(holder.credentials)


@dataclass(slots=True)
class _Holder:
    """What the line was opened or renewed with."""

    credentials: str


async def _first_hello(socket: WebSocket) -> str:
    try:
        async with asyncio.timeout(HELLO_SECONDS):
            frame = read_frame(await _receive(socket))
    except TimeoutError:
        raise Closing(SAID_NOTHING, f"No hello came within {HELLO_SECONDS:g} seconds.") from None
    except InvalidValue as error:
        raise Closing(POLICY, str(error)) from None
    if not isinstance(frame, Hello):
        raise Closing(NOT_AUTHENTICATED, "The first frame must be hello with a shopper token.")
    return frame.token


async def _receive(socket: WebSocket) -> str | bytes:
    message = await socket.receive()
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(message.get("code", 1005))
    text = message.get("text")
    content: str | bytes = text if text is not None else (message.get("bytes") or b"")
    if len(content) > MAX_FRAME_BYTES:
        raise Closing(TOO_LARGE, f"The frame has {len(content)} bytes; at most {MAX_FRAME_BYTES} are read.")
    return content


async def _close(socket: WebSocket, closing: Closing) -> None:
    if socket.application_state is WebSocketState.CONNECTED and socket.client_state is WebSocketState.CONNECTED:
        reason = closing.reason.encode()[:MAX_REASON_BYTES].decode(errors="ignore")
        await socket.close(closing.code, reason)
