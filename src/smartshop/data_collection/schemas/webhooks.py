"""Webhooks as Standard Webhooks (specification 1.0.0) has them: the headers, the signature, the secret, the address.

The signature is over `id.timestamp.body`, so neither can be exchanged, and a receiver that looks at the timestamp can
refuse what is old. The id stays the same over retries: whoever keeps ids takes each message once.
"""

import base64
import hashlib
import hmac
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from urllib.parse import SplitResult, urlsplit

import msgspec

from smartshop.errors import Conflict

SECRET_NAME = "webhooks"  # noqa: S105  # the name under which the shop's keys hold it
SECRET_BYTES = 32
SECRET_PREFIX = "whsec_"  # noqa: S105  # says what it is, as the specification asks
MAX_URL_CHARACTERS = 2_000
LOOPBACK_NAMES = frozenset({"localhost"})
LOOPBACK = IPv4Address("127.0.0.1")
IPV4_COMPATIBLE = IPv6Network("::/96")
"""Deprecated (RFC 4291), and still another way to write an IPv4 address; ::1 is told by its own name before."""
AZURE_HOST = IPv4Address("168.63.129.16")
"""Public by its number, and the host's own services to a machine on Azure."""
NAT64 = IPv6Network("64:ff9b::/96")
GLOBAL_UNICAST = IPv6Network("2000::/3")
"""All of IPv6 that was ever given to anybody; what is outside is old, odd or local."""

Address = IPv4Address | IPv6Address


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


def check_written_address(parts: SplitResult, *, private: bool) -> None:
    """Judge a host that is an address itself, or a name of this very machine; other names wait until they are called.

    Raises:
        AddressRefused: it may not be called.
    """
    name = parts.hostname or ""
    address = _written_address(name)
    if address is not None:
        check_address(name, address, parts.scheme, private=private)


def check_address(name: str, address: Address, scheme: str, *, private: bool) -> None:
    """Raises:
    AddressRefused: the address, to which the name leads, may not be called.
    """
    refusal = refusal_of(address, scheme, private=private)
    if refusal is not None:
        raise AddressRefused(f"{name!r} leads to {address}: {refusal}")


def refusal_of(address: Address, scheme: str, *, private: bool) -> str | None:
    """Why this address is not called; None when it is.

    Link-local addresses (clouds keep their machines' credentials there) and multicast are never called. Loopback and
    private networks are only where the operator says so, and only loopback may be unencrypted.
    """
    inner = _inner(address)
    if inner.is_link_local or inner.is_multicast or inner.is_unspecified or inner == AZURE_HOST:
        return "link-local and multicast addresses, and a cloud's own services, are never called."
    if not _is_public(inner) and not private:
        return "addresses that are not public are called only with SMARTSHOP_WEBHOOKS_PRIVATE=true."
    if scheme != "https" and not inner.is_loopback:
        return "without encryption only loopback is called; write https."
    return None


def _is_public(address: Address) -> bool:
    return address.is_global and (isinstance(address, IPv4Address) or address in GLOBAL_UNICAST)


def _inner(address: Address) -> Address:
    """The IPv4 address that an IPv6 one stands for, where it does."""
    if isinstance(address, IPv4Address) or address.is_loopback or address.is_unspecified:
        return address
    if address in NAT64 or address in IPV4_COMPATIBLE:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour or address


def _is_loopback(host: str) -> bool:
    address = _written_address(host)
    return address is not None and address.is_loopback


def _written_address(host: str) -> Address | None:
    if host.lower().removesuffix(".") in LOOPBACK_NAMES:
        return LOOPBACK
    try:
        return ip_address(host.partition("%")[0])
    except ValueError:
        return None
