"""Webhooks as Standard Webhooks (specification 1.0.0) has them: the headers, the signature, the secret, the address.

The signature is over `id.timestamp.body`, so neither can be exchanged, and a receiver that looks at the timestamp can
refuse what is old. The id stays the same over retries: whoever keeps ids takes each message once.
"""

import base64
import hashlib
import hmac
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

import msgspec

from smartshop.errors import Conflict

SECRET_NAME = "webhooks"  # noqa: S105  # the name under which the shop's keys hold it
SECRET_BYTES = 32
SECRET_PREFIX = "whsec_"  # noqa: S105  # says what it is, as the specification asks
MAX_URL_CHARACTERS = 2_000
LOOPBACK_NAMES = frozenset({"localhost"})


class WebhookAnswer(msgspec.Struct, frozen=True):
    status: int
    retry_after_seconds: float | None = None
    """When the receiver asks to be left alone so long."""


class AddressRefused(Conflict):
    """A webhook address that is not called: its text, or where its name leads."""

    code = "webhook_address"


def shown_secret(secret: bytes) -> str:
    """The secret as receivers' libraries read it.

    >>> shown_secret(b"0123456789")
    'whsec_MDEyMzQ1Njc4OQ=='
    """
    return SECRET_PREFIX + base64.b64encode(secret).decode("ascii")


def signed_headers(secret: bytes, webhook_id: str, timestamp_seconds: int, body: bytes) -> dict[str, str]:
    """The three headers by which a receiver knows who sent this, when, and whether it is a repetition."""
    signed = b".".join((webhook_id.encode(), str(timestamp_seconds).encode("ascii"), body))
    signature = base64.b64encode(hmac.digest(secret, signed, hashlib.sha256)).decode("ascii")
    return {
        "webhook-id": webhook_id,
        "webhook-timestamp": str(timestamp_seconds),
        "webhook-signature": f"v1,{signature}",
    }


def check_webhook_url(url: str) -> SplitResult:
    """The address in its parts; where its name leads is looked at when it is called.

    Raises:
        AddressRefused: not https (http is for loopback names alone), without a host, or with a user in it.
    """
    shown = repr(url[:100])
    if len(url) > MAX_URL_CHARACTERS or not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        raise AddressRefused(
            f"The webhook address {shown} is too long or holds characters that addresses do not; write at most "
            f"{MAX_URL_CHARACTERS} ASCII characters, names in their xn-- form."
        )
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port, parts = None, None, SplitResult("", "", "", "", "")
    if not host or port == 0 or parts.scheme not in ("https", "http"):
        raise AddressRefused(f"The webhook address {shown} is none; write for example https://example.com/hook.")
    if "@" in parts.netloc or parts.fragment:
        raise AddressRefused(f"The webhook address {shown} holds a user or a fragment; leave them out.")
    if parts.scheme == "http" and not _is_loopback(host):
        raise AddressRefused(f"The webhook address {shown} is not encrypted; write https.")
    return parts


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() in LOOPBACK_NAMES
