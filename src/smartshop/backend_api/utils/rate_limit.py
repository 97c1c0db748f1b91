"""How often one shopper may ask: a counter per second in the Cache, shared where that is.

Secret keys are not counted. A shopper token counts for its shopper. A publishable key is everybody's, so what counts is
the shopper that the request names, at its address; requests that name none (the catalogue) count for their address, at
which a whole office or a proxy may sit.
"""

import msgspec

from smartshop.backend_api.utils.auth import Caller
from smartshop.data_collection.connectors.ports import Cache
from smartshop.data_collection.schemas.ids import ShopperKey
from smartshop.errors import TooManyRequests

REQUESTS_PER_SECOND = 50
SHOPPERS_PER_ADDRESS = 20
"""An address may ask as often as so many shoppers."""
WINDOW_SECONDS = 1.0


class _Sender(msgspec.Struct, frozen=True):
    """Whom an event names, in our words or Segment's."""

    anonymous_id: str | None = None
    customer_id: str | None = None
    anonymousId: str | None = None  # noqa: N815  # the wire's own name
    userId: str | None = None  # noqa: N815


_sender = msgspec.json.Decoder(_Sender)


def shopper_counter(key: ShopperKey, *, is_customer: bool) -> str:
    """Under which a token's shopper is counted in the Cache."""
    return f"rate:{key}:{is_customer}"


class RateLimit:
    def __init__(self, cache: Cache, requests_per_second: int = REQUESTS_PER_SECOND) -> None:
        self._cache, self._limit = cache, requests_per_second

    async def check(self, caller: Caller, address: str, named: str | None = None) -> None:
        """Count one request; `named` is the shopper it names, who need not be proven.

        Raises:
            TooManyRequests: more than the limit within the same second.
        """
        if caller.is_secret:
            return
        if caller.shopper_key is not None:
            await self._count(shopper_counter(caller.shopper_key, is_customer=caller.is_customer), self._limit)
        elif named is not None:
            # Anybody may name anybody: who does so from elsewhere uses up nothing of the shopper's own.
            await self._count(f"rate~{address}~{named}", self._limit)
        else:
            await self._count(f"rate@{address}", self._limit * SHOPPERS_PER_ADDRESS)

    async def check_events(self, caller: Caller, address: str, first: bytes) -> None:
        """Count one batch of events for the shopper that its first one names.

        Raises:
            TooManyRequests: more than the limit within the same second.
        """
        if not caller.is_secret:
            await self.check(caller, address, named_by(first))

    async def _count(self, who: str, limit: int) -> None:
        if await self._cache.add(who, 1, WINDOW_SECONDS) > limit:
            raise TooManyRequests(f"More than {limit} requests in a second; wait a second and ask again.", 1)


def named_by(event: bytes) -> str | None:
    """The shopper that an event as sent names; None where it cannot be read, which the door tells in its own words."""
    try:
        sender = _sender.decode(event)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return sender.customer_id or sender.anonymous_id or sender.userId or sender.anonymousId
