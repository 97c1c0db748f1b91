"""Shopper tokens: JWTs (HS256) that name one shopper for an hour; signed with the shop's own secret."""

import secrets
from collections import OrderedDict
from collections.abc import Callable

import msgspec
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from smartshop.data_collection.connectors.ports import Keys
from smartshop.data_collection.pipelines.clock import SECOND
from smartshop.data_collection.schemas.ids import AnonymousId, Micros, ShopperKey
from smartshop.errors import Unauthenticated

ALGORITHM = "HS256"
LIFETIME_SECONDS = 3_600
REMEMBERED_TOKENS = 10_000
"""Verified tokens kept in memory, so that a page's many requests check the signature once."""


class TokenClaims(msgspec.Struct, frozen=True, rename={"shopper_key": "sub", "expires_at": "exp"}):
    shopper_key: ShopperKey
    expires_at: int
    """Seconds since 1970, as in RFC 7519."""
    is_customer: bool = False
    anonymous_id: AnonymousId | None = None


class TokenSigner:
    """Makes and reads tokens. `secret` is read once, when the first token is seen."""

    def __init__(self, secret: Callable[[], bytes], now: Callable[[], Micros]) -> None:
        self._secret, self._now = secret, now
        self._key: OctKey | None = None
        self._known: OrderedDict[str, TokenClaims] = OrderedDict()

    def sign(self, shopper_key: ShopperKey, *, is_customer: bool, anonymous_id: AnonymousId | None) -> tuple[str, int]:
        """A token for this shopper and the second it ends."""
        expires_at = self._now() // SECOND + LIFETIME_SECONDS
        claims = TokenClaims(shopper_key, expires_at, is_customer, anonymous_id)
        return jwt.encode({"alg": ALGORITHM}, msgspec.to_builtins(claims), self._signing_key()), expires_at

    def read(self, token: str) -> TokenClaims:
        """What a token says.

        Raises:
            Unauthenticated: not one of ours, altered or expired.
        """
        claims = self._known.get(token)
        if claims is None:
            claims = self._verify(token)
            self._known[token] = claims
            if len(self._known) > REMEMBERED_TOKENS:
                self._known.popitem(last=False)
        if claims.expires_at <= self._now() // SECOND:
            raise Unauthenticated("This shopper token has expired; ask POST /v1/shopper-tokens for a new one.")
        return claims

    def _verify(self, token: str) -> TokenClaims:
        try:
            decoded = jwt.decode(token, self._signing_key(), algorithms=[ALGORITHM])
            return msgspec.convert(decoded.claims, TokenClaims)
        except (JoseError, ValueError, TypeError):
            raise Unauthenticated("This shopper token is not one of ours; ask POST /v1/shopper-tokens.") from None

    def _signing_key(self) -> OctKey:
        if self._key is None:
            self._key = OctKey.import_key(self._secret())
        return self._key


def shop_secret(keys: Keys) -> Callable[[], bytes]:
    """The shop's own signing secret, made at its first use and the same in every process."""
    return lambda: keys.secret("shopper-tokens", secrets.token_bytes(32))
