"""How often one shopper or one anonymous address may ask: a counter per second in the Cache, shared where that is."""

from smartshop.backend_api.utils.auth import Caller
from smartshop.data_collection.connectors.ports import Cache
from smartshop.errors import TooManyRequests

REQUESTS_PER_SECOND = 50
WINDOW_SECONDS = 1.0


class RateLimit:
    """Counts requests per shopper token, else per caller's address; secret keys are not counted."""

    def __init__(self, cache: Cache, requests_per_second: int = REQUESTS_PER_SECOND) -> None:
        self._cache, self._limit = cache, requests_per_second

    async def check(self, caller: Caller, address: str) -> None:
        """Count one request.

        Raises:
            TooManyRequests: more than the limit within the same second.
        """
        if caller.is_secret:
            return
        who = f"rate:{caller.shopper_key}:{caller.is_customer}" if caller.shopper_key is not None else f"rate@{address}"
        if await self._cache.add(who, 1, WINDOW_SECONDS) > self._limit:
            raise TooManyRequests(f"More than {self._limit} requests in a second; wait a second and ask again.", 1)
