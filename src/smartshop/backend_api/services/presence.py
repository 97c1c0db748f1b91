"""Who asks for a slate, and what of them may be known: identity, consent and the profile."""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass, field
from typing import TypeVar

from smartshop.backend_api.services.questions import NO_PROFILE, until
from smartshop.data_collection.connectors.ports import Customers, Profiles, Standings
from smartshop.data_collection.connectors.reads import ShortRead, in_thread
from smartshop.data_collection.schemas.customers import Shopper
from smartshop.data_collection.schemas.ids import AnonymousId, CustomerId, Micros, ShopperKey
from smartshop.data_collection.schemas.profiles import Profile
from smartshop.data_collection.schemas.slates import SlateRequest

STORE_PATIENCE_SECONDS = 0.15
NOBODY = ShopperKey("")
"""The key of a decision that is tied to no one: an unknown caller, or one who withheld personalisation."""

Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class Asker:
    """What was found out about who asks."""

    shopper: Shopper | None
    profile: Profile
    personal: bool
    """False: contextual only, and the decision is tied to no one."""
    degraded: list[str] = field(default_factory=list)

    @property
    def shopper_key(self) -> ShopperKey:
        return self.shopper.shopper_key if self.shopper is not None and self.personal else NOBODY

    @property
    def is_customer(self) -> bool:
        return self.shopper is not None and self.personal and bool(self.shopper.customer_ids)


class Presence:
    """Reads identity and profile; a store that fails or takes too long costs what it knows, never the slate."""

    def __init__(
        self, customers: Customers, profiles: Profiles, read: ShortRead = in_thread, standings: Standings | None = None
    ) -> None:
        self._customers, self._profiles, self._read, self._standings = customers, profiles, read, standings

    async def shopper_of(
        self, customer_id: CustomerId | None, anonymous_id: AnonymousId | None, *, vouched: bool
    ) -> Shopper:
        """Always read, never cached here: a consent withdrawn holds from the next slate on."""
        return await self._read(self._customers.shopper, customer_id, anonymous_id, vouched)

    async def of(
        self, request: SlateRequest, shopper: Shopper | None, *, vouched: bool, at: Micros | None = None
    ) -> Asker:
        """`shopper` None is looked up from the request's ids; the profile is as it was `at` that time."""
        degraded: list[str] = []
        if shopper is None and (request.customer_id is not None or request.anonymous_id is not None):
            found = self.shopper_of(request.customer_id, request.anonymous_id, vouched=vouched)
            shopper = await _patiently(found, "customers", degraded)
            if shopper is None:  # consent is not known, so none is assumed
                return Asker(None, NO_PROFILE, False, degraded)
        if shopper is None:
            return Asker(None, NO_PROFILE, True, degraded)
        if shopper.erased or not shopper.consent.personalisation:
            return Asker(shopper, NO_PROFILE, False, degraded)
        if request.stateless:
            return Asker(shopper, NO_PROFILE, True, degraded)
        profile = await _patiently(self._profiles.read(shopper), "profiles", degraded) or NO_PROFILE
        return Asker(shopper, profile if at is None else until(profile, at), True, degraded)

    async def segments_of(self, asker: Asker) -> frozenset[str]:
        """The segments, of both kinds, in which a customer stands; none for anybody else. Adds to `asker.degraded`."""
        if self._standings is None or asker.shopper is None or not asker.is_customer:
            return frozenset()
        reading = self._read(self._standings.get, list(asker.shopper.customer_ids))
        found = await _patiently(reading, "standings", asker.degraded) or {}
        return frozenset(
            segment
            for standing in found.values()
            for segment in (standing.rfm_group, standing.segment_id)
            if segment is not None
        )


async def _patiently(answer: Awaitable[Found], store: str, degraded: list[str]) -> Found | None:
    """The store's answer; None, and the store named, when it failed or took too long."""
    try:
        async with asyncio.timeout(STORE_PATIENCE_SECONDS):
            return await answer
    except TimeoutError:
        degraded.append(f"{store}: took over {STORE_PATIENCE_SECONDS * 1000:.0f} ms")
    except Exception as error:  # whatever the engine raises: the shopper gets a slate without it
        degraded.append(f"{store}: failed ({type(error).__name__})")
    return None
