"""The running service as a shopper's browser reaches it: HTTP with a publishable key, patient when the shop is busy."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import httpx
import msgspec

from smartshop.data_collection.schemas.context import Context
from smartshop.data_collection.schemas.events import Event
from smartshop.data_collection.schemas.ids import AnonymousId
from smartshop.errors import Unavailable
from smartshop.simulator.met_catalogue import MetPage, MetProduct

Params = Mapping[str, str | int]
PAGE = 200
MAX_TRIES = 6
LONGEST_WAIT_SECONDS = 30.0
BUSY = (408, 429, 500, 502, 503, 504)


class GivenToken(msgspec.Struct, frozen=True):
    token: str


class GivenItem(msgspec.Struct, frozen=True):
    product_id: str


class GivenSlate(msgspec.Struct, frozen=True):
    items: list[GivenItem]
    decision_id: str | None = None


class GivenProblem(msgspec.Struct, frozen=True):
    code: str = ""
    variant_id: str | None = None
    available: int | None = None


class WantedLine(msgspec.Struct, frozen=True):
    product_id: str
    variant_id: str
    quantity: int


@dataclass(slots=True)
class ShopClient:
    """One per run; `tokens` remembers each browser's token."""

    http: httpx.AsyncClient
    publishable_key: str
    tokens: dict[str, str] = field(default_factory=dict)

    async def catalogue(self) -> list[MetProduct]:
        """Every product that the shop lists."""
        products: list[MetProduct] = []
        cursor: str | None = None
        while True:
            params: dict[str, str | int] = {"limit": PAGE} | ({"cursor": cursor} if cursor else {})
            answer = await self._ask("GET", "/v1/products", self.publishable_key, params=params)
            page = msgspec.json.decode(answer.raise_for_status().content, type=MetPage)
            products += page.items
            cursor = page.next_cursor
            if cursor is None:
                return products

    async def slate(
        self,
        who: AnonymousId,
        surface: str,
        *,
        product_id: str | None,
        basket: Sequence[str],
        context: Context,
        limit: int,
    ) -> GivenSlate:
        body = {"surface": surface, "anonymous_id": who, "product_id": product_id, "basket": basket, "limit": limit}
        content = msgspec.json.encode({**body, "context": context, "explain": False})
        answer = await self._as_shopper(who, "POST", "/v1/recommendations", content=content)
        return msgspec.json.decode(answer.raise_for_status().content, type=GivenSlate)

    async def listing(self, who: AnonymousId, *, category: str, query: str | None, limit: int) -> GivenSlate:
        """A category page, or what a search finds."""
        wanted = {"query": query} if query else {"category": category}
        answer = await self._as_shopper(who, "GET", "/v1/search", params={**wanted, "limit": limit})
        return msgspec.json.decode(answer.raise_for_status().content, type=GivenSlate)

    async def tell(self, who: AnonymousId, events: Sequence[Event]) -> None:
        """Send events; they carry ids of their own, so that sending them again is harmless."""
        content = msgspec.json.encode({"events": events})
        (await self._as_shopper(who, "POST", "/v1/events", content=content)).raise_for_status()

    async def order(self, who: AnonymousId, order_id: str, lines: Sequence[WantedLine]) -> GivenProblem | None:
        """Place an order; None when it stands, else why not."""
        content = msgspec.json.encode({"order_id": order_id, "lines": lines})
        headers = {"Idempotency-Key": order_id}
        answer = await self._as_shopper(who, "POST", "/v1/orders", content=content, headers=headers)
        if answer.status_code == httpx.codes.CONFLICT:
            return msgspec.json.decode(answer.content, type=GivenProblem)
        answer.raise_for_status()
        return None

    async def _as_shopper(
        self,
        who: AnonymousId,
        method: str,
        path: str,
        *,
        content: bytes | None = None,
        params: Params | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """Ask with the shopper's token; a new one is fetched when there is none or it has run out."""
        if who not in self.tokens:
            await self._fetch_token(who)
        answer = await self._ask(method, path, self.tokens[who], content=content, params=params, headers=headers)
        if answer.status_code != httpx.codes.UNAUTHORIZED:
            return answer
        await self._fetch_token(who)
        return await self._ask(method, path, self.tokens[who], content=content, params=params, headers=headers)

    async def _fetch_token(self, who: AnonymousId) -> None:
        content = msgspec.json.encode({"anonymous_id": who})
        answer = await self._ask("POST", "/v1/shopper-tokens", self.publishable_key, content=content)
        self.tokens[who] = msgspec.json.decode(answer.raise_for_status().content, type=GivenToken).token

    async def _ask(
        self,
        method: str,
        path: str,
        bearer: str,
        *,
        content: bytes | None = None,
        params: Params | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """Ask until there is an answer that is not "busy", waiting longer each time or as long as the shop says.

        Raises:
            Unavailable: no such answer after six tries.
        """
        all_headers = {"Authorization": f"Bearer {bearer}", "Content-Type": "application/json", **(headers or {})}
        why = ""
        for attempt in range(MAX_TRIES):
            wait = min(LONGEST_WAIT_SECONDS, 0.5 * 2**attempt)
            try:
                answer = await self.http.request(method, path, content=content, params=params, headers=all_headers)
                if answer.status_code not in BUSY:
                    return answer
                why, told = f"status {answer.status_code}", answer.headers.get("Retry-After", "")
                wait = min(LONGEST_WAIT_SECONDS, float(told)) if told.isdigit() else wait
            except httpx.TransportError as error:
                why = type(error).__name__
            await asyncio.sleep(wait)
        raise Unavailable(f"The shop did not answer {method} {path} in {MAX_TRIES} tries: {why}.")
