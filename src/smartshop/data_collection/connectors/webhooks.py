"""Webhooks over HTTP, wary of where they are sent: whoever may save an address must not reach the shop's own network.

A name is resolved once, every address it leads to is judged, and the connection is made to the judged address itself,
so that a name that answers otherwise a moment later gains nothing. Redirects are answers like any other and never
followed; proxies of the environment are not used.
"""

import asyncio
import socket
import ssl
from collections.abc import Sequence
from email.utils import parsedate_to_datetime
from ipaddress import ip_address
from types import TracebackType
from typing import Self
from urllib.parse import SplitResult

import httpx

from smartshop.data_collection.schemas.webhooks import (
    Address,
    WebhookAnswer,
    check_address,
    check_webhook_url,
    signed_headers,
)
from smartshop.errors import Unavailable

TIMEOUT_SECONDS = 10.0
"""For the whole of it: the name, the connection, the request and the answer."""
MAX_ANSWER_BYTES = 65_536
"""Read so that the connection can be used again; what is longer costs the connection."""
USER_AGENT = "SmartShop-Webhooks/1"
DEFAULT_PORTS = {"https": 443, "http": 80}


class HttpWebhooks:
    """Signs and sends. `private`: addresses of the machine itself and of private networks may be called, too.

    `tls` holds whom to trust instead of the public authorities.
    """

    def __init__(
        self,
        secret: bytes,
        *,
        private: bool = False,
        timeout_seconds: float = TIMEOUT_SECONDS,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._secret, self._private, self._timeout_seconds = secret, private, timeout_seconds
        self._client = httpx.AsyncClient(
            follow_redirects=False, trust_env=False, timeout=timeout_seconds, verify=tls or True
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.aclose()

    async def post(self, url: str, webhook_id: str, timestamp_seconds: int, body: bytes) -> WebhookAnswer:
        parts = check_webhook_url(url)
        headers = signed_headers(self._secret, webhook_id, timestamp_seconds, body)
        try:
            async with asyncio.timeout(self._timeout_seconds):
                return await self._post(parts, headers, timestamp_seconds, body)
        except (TimeoutError, httpx.TimeoutException):
            raise Unavailable(f"{parts.hostname} did not answer within {self._timeout_seconds:g} seconds.") from None
        except httpx.HTTPError as error:
            raise Unavailable(f"{parts.hostname} was not reached or broke off: {type(error).__name__}.") from None

    async def _post(
        self, parts: SplitResult, headers: dict[str, str], timestamp_seconds: int, body: bytes
    ) -> WebhookAnswer:
        addresses = await self._judged(parts)
        for address in addresses[:-1]:
            try:
                return await self._send(parts, address, headers, timestamp_seconds, body)
            except httpx.ConnectError:
                continue  # nothing was sent yet; the name has another address
        return await self._send(parts, addresses[-1], headers, timestamp_seconds, body)

    async def _send(
        self, parts: SplitResult, address: Address, headers: dict[str, str], timestamp_seconds: int, body: bytes
    ) -> WebhookAnswer:
        name = parts.hostname or ""
        request = self._client.build_request(
            "POST",
            httpx.URL(
                scheme=parts.scheme,
                host=str(address),
                port=parts.port,
                raw_path=f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}".encode("ascii"),
            ),
            content=body,
            headers={"host": parts.netloc, "user-agent": USER_AGENT, "content-type": "application/json", **headers},
            extensions={"sni_hostname": name},
        )
        answer = await self._client.send(request, stream=True)
        try:
            read = 0
            async for part in answer.aiter_raw():
                read += len(part)
                if read > MAX_ANSWER_BYTES:
                    break
        finally:
            await answer.aclose()
        return WebhookAnswer(
            answer.status_code, _retry_after(answer.headers.get("retry-after", ""), float(timestamp_seconds))
        )

    async def _judged(self, parts: SplitResult) -> Sequence[Address]:
        """Every address that the name leads to.

        Raises:
            AddressRefused: one of them may not be called.
            Unavailable: the name leads nowhere, just now.
        """
        name, port = parts.hostname or "", parts.port or DEFAULT_PORTS[parts.scheme]
        try:
            found = await asyncio.get_running_loop().getaddrinfo(name, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            raise Unavailable(f"The name {name!r} leads to no address.") from None
        addresses = list(dict.fromkeys(ip_address(str(place[0]).partition("%")[0]) for *_, place in found))
        for address in addresses:
            check_address(name, address, parts.scheme, private=self._private)
        return addresses


def _retry_after(text: str, now_seconds: float) -> float | None:
    """Seconds; the header holds them, or a date."""
    if not text:
        return None
    if text.isascii() and text.isdecimal():
        return float(text[:9])
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - now_seconds)
    except (ValueError, TypeError, OverflowError):
        return None
