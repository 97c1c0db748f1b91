"""Who is calling: a secret key, a publishable key, a shopper's own token, or nobody; and who may what.

`Authorization: Bearer …` carries a key or a token, `Basic …` a key as the user name (tracking clients do so).
"""

import asyncio
import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, StrEnum

from starlette.requests import HTTPConnection

from smartshop.backend_api.utils.shopper_tokens import TokenClaims, TokenSigner
from smartshop.data_collection.connectors.ports import ApiKey, Keys
from smartshop.data_collection.pipelines.clock import SECOND
from smartshop.data_collection.pipelines.erased_shoppers import IsErased
from smartshop.data_collection.schemas.ids import AnonymousId, CustomerId, Micros, ShopperKey
from smartshop.errors import Erased, Forbidden, Unauthenticated

KEYS_FRESH_FOR = SECOND
"""A key revoked by another process stops working within this time (µs)."""
SCOPE_KEY = "smartshop.caller"


class CallerKind(StrEnum):
    SECRET = "secret"  # noqa: S105  # the word, not a secret
    PUBLISHABLE = "publishable"
    SHOPPER = "shopper"
    NOBODY = "nobody"


class Permission(Enum):
    """Who may use a route; the value holds the kinds of caller that may."""

    PUBLIC = frozenset(CallerKind)
    ANY_KEY = frozenset({CallerKind.SECRET, CallerKind.PUBLISHABLE, CallerKind.SHOPPER})
    """Sending events, reading the catalogue, slates for an anonymous id."""
    OWN_SHOPPER = frozenset({CallerKind.SECRET, CallerKind.SHOPPER})
    """A token for its own shopper, a secret key for any; the route looks whose it is."""
    SECRET = frozenset({CallerKind.SECRET})


@dataclass(frozen=True, slots=True)
class Caller:
    kind: CallerKind
    shopper_key: ShopperKey | None = None
    """Whose token it is; None for keys."""
    is_customer: bool = False
    anonymous_id: AnonymousId | None = None
    """The browser a token was made for."""
    key_id: str | None = None

    @property
    def customer_id(self) -> CustomerId | None:
        return CustomerId(self.shopper_key) if self.is_customer and self.shopper_key is not None else None

    @property
    def is_secret(self) -> bool:
        return self.kind is CallerKind.SECRET

    @property
    def vouched(self) -> bool:
        """True when what the caller says of its shopper can be believed."""
        return self.kind in (CallerKind.SECRET, CallerKind.SHOPPER)


NOBODY = Caller(CallerKind.NOBODY)
"""Who sent no key at all."""


def fingerprint(plain: str) -> str:
    """The hex sha256 under which a key is kept."""
    return hashlib.sha256(plain.encode("utf-8", "surrogateescape")).hexdigest()


def caller_of(request: HTTPConnection) -> Caller:
    """Who the service found this request to come from; routes call it, `Gate` decided it before."""
    caller: Caller = request.scope.get(SCOPE_KEY, NOBODY)
    return caller


class Gate:
    """Turns what stands in `Authorization` into a caller. Keys are read from their port at most once a second."""

    def __init__(self, keys: Keys, tokens: TokenSigner, now: Callable[[], Micros], is_erased: IsErased) -> None:
        self._keys, self._tokens, self._now, self._is_erased = keys, tokens, now, is_erased
        self._ring: dict[str, ApiKey] = {}
        self._read_at = Micros(-KEYS_FRESH_FOR - 1)
        self._reading = asyncio.Lock()

    async def caller(self, authorization: str | None) -> Caller:
        """The caller that this header names.

        Raises:
            Unauthenticated: a header that names no key or token we know.
            Erased: the token's shopper was erased.
        """
        if not authorization:
            return NOBODY
        scheme, _, credentials = authorization.partition(" ")
        match scheme.lower():
            case "bearer":
                credentials = credentials.strip()
            case "basic":
                credentials = _basic_user(credentials)
            case _:
                raise Unauthenticated(f"The scheme {scheme[:20]!r} is not known; send Authorization: Bearer <key>.")
        return await self.caller_with(credentials)

    async def caller_with(self, credentials: str) -> Caller:
        """The caller of a key or token without its scheme.

        Raises:
            Unauthenticated: neither a key nor a token we know.
            Erased: the token's shopper was erased.
        """
        if credentials.count(".") == 2:
            caller = _shopper(self._tokens.read(credentials))
            browser = None if caller.is_customer else caller.anonymous_id
            if self._is_erased(caller.customer_id, browser):
                raise Erased
            return caller
        if self._now() - self._read_at > KEYS_FRESH_FOR:
            await self._read_keys()
        wanted = fingerprint(credentials)
        key = self._ring.get(wanted)
        if key is None or not hmac.compare_digest(key.sha256, wanted):
            raise Unauthenticated("This key is not known or was revoked; send a key that `smartshop keys list` shows.")
        return Caller(CallerKind(key.kind), key_id=key.key_id)

    async def _read_keys(self) -> None:
        async with self._reading:
            now = self._now()
            if now - self._read_at <= KEYS_FRESH_FOR:
                return
            keys = await asyncio.to_thread(self._keys.all)
            self._ring = {key.sha256: key for key in keys if key.revoked_at is None}
            self._read_at = now


def permit(caller: Caller, permission: Permission) -> None:
    """Let the caller pass, or say what they would need.

    Raises:
        Unauthenticated: no key at all.
        Forbidden: a key or token that may not do this.
    """
    if caller.kind in permission.value:
        return
    if caller.kind is CallerKind.NOBODY:
        raise Unauthenticated("No key was sent; send Authorization: Bearer <key or shopper token>.")
    wanted = "a secret key" if permission is Permission.SECRET else "a shopper token or a secret key"
    held = "a shopper token" if caller.kind is CallerKind.SHOPPER else "a publishable key"
    raise Forbidden(f"This needs {wanted}; the request came with {held}.")


def _shopper(claims: TokenClaims) -> Caller:
    return Caller(
        CallerKind.SHOPPER,
        shopper_key=claims.shopper_key,
        is_customer=claims.is_customer,
        anonymous_id=claims.anonymous_id,
    )


def _basic_user(credentials: str) -> str:
    try:
        user, _, _ = base64.b64decode(credentials.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise Unauthenticated("The Basic credentials are not base64; send the key as user name.") from None
    return user
