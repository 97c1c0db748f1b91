"""Who asked for what is back in stock, told to the shop's own webhook, which writes to them: ids alone, signed, once.

A notice goes out in parts. The webhook-id of a part is made of what is in it, so that a job that is run again after a
crash gives a receiver that keeps ids nothing new. What the receiver never takes is left; what it does not take now is
tried again with patience, and by the next job.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

import msgspec
import numpy as np

from smartshop.data_collection.connectors.ports import Customers, JobRecord, WaitNews, Webhooks
from smartshop.data_collection.pipelines.clock import DAY, SECOND, format_rfc3339
from smartshop.data_collection.pipelines.erased_shoppers import IsErased
from smartshop.data_collection.pipelines.identity import Owners, learning_owners
from smartshop.data_collection.pipelines.webhook_patience import Message, NotTaken, SendConfig, send_patiently
from smartshop.data_collection.schemas.events import Trust
from smartshop.data_collection.schemas.ids import AnonymousId, CustomerId, Micros
from smartshop.data_collection.schemas.waits import Wait, owner_of

TELL_BACK_IN_STOCK = "tell-back-in-stock"
"""The job's name."""
PART_SIZE = 1_000
WORTH_SENDING = DAY
"""µs: later it is no news, and may be sold out again."""
REST = 600 * SECOND
"""µs between two jobs of which the first failed."""


class ToldShopper(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One of both."""

    customer_id: CustomerId | None = None
    anonymous_id: AnonymousId | None = None


class ReturnNotice(msgspec.Struct, frozen=True, kw_only=True):
    """The body of the request."""

    type: str = "back_in_stock"
    timestamp: str
    notice_id: str
    product_id: str
    variant_id: str
    shoppers: list[ToldShopper]
    """In the order of asking; a customer once, whoever they asked as."""


@dataclass(frozen=True, slots=True)
class ReturnRoom:
    """What a sending works with."""

    news: WaitNews
    customers: Customers
    webhooks: Webhooks
    is_erased: IsErased
    now: Callable[[], Micros]
    """Real time: signatures bear it."""
    rng: np.random.Generator
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep
    tell: Callable[[float, str], None] = lambda share, what: None
    config: SendConfig = field(default_factory=SendConfig)
    part_size: int = PART_SIZE


@dataclass(frozen=True, slots=True)
class Sent:
    told: int = 0
    """Shoppers whose ids the receiver took."""
    refused: int = 0
    """Shoppers whose part it will never take."""


def return_job(alive: Sequence[JobRecord], last: JobRecord | None, news: WaitNews, now: Micros) -> JobRecord | None:
    """What should be queued now; None while one is under way, after a failure for a while, and with nothing to send."""
    if any(job.name == TELL_BACK_IN_STOCK for job in alive):
        return None
    if last is not None and last.state == "failed" and now - last.queued_at < REST:
        return None
    if not news.unsent(Micros(now - WORTH_SENDING), 1):
        return None
    return JobRecord(name=TELL_BACK_IN_STOCK, queued_at=now)


async def send_notices(room: ReturnRoom, url: str) -> Sent:
    """Everything that is not sent yet.

    Raises:
        NotTaken: the receiver did not take a part within the retries; it and what follows stay to be sent.
        AddressRefused: the address may not be called.
    """
    sent = Sent()
    owners: Owners | None = None
    while part := await asyncio.to_thread(room.news.unsent, Micros(room.now() - WORTH_SENDING), room.part_size):
        if owners is None:
            owners = await asyncio.to_thread(_owners, room.customers)
        shoppers = _shoppers(part, owners, room.is_erased)
        taken = not shoppers or await _send(room, url, part, shoppers)
        await asyncio.to_thread(room.news.mark_sent, part, room.now())
        sent = Sent(sent.told + len(shoppers), sent.refused) if taken else Sent(sent.told, sent.refused + len(shoppers))
    return sent


async def _send(room: ReturnRoom, url: str, part: Sequence[Wait], shoppers: list[ToldShopper]) -> bool:
    """False: the receiver says that it never takes this."""
    first = part[0]
    notice_id = first.notice_id or ""
    names = "\n".join(wait.shopper_key for wait in part)
    webhook_id = f"{notice_id}.{sha256(names.encode()).hexdigest()[:16]}"

    async def compose() -> Message:
        notice = ReturnNotice(
            timestamp=format_rfc3339(room.now()),
            notice_id=notice_id,
            product_id=first.product_id,
            variant_id=first.told_variant_id or first.product_id,
            shoppers=shoppers,
        )
        return Message(url, webhook_id, msgspec.json.encode(notice), "The webhook for what is back in stock answered")

    outcome = await send_patiently(room, compose)
    if not (outcome.taken or outcome.never):
        raise NotTaken(f"{outcome.trouble} It was tried {outcome.attempts} times; the next job tries again.")
    return outcome.taken


def _owners(customers: Customers) -> Owners:
    """Vouched links alone: a browser that merely claims a customer must not have them written to."""
    vouched = [link for link in customers.links() if link.trust is not Trust.CLIENT]
    return learning_owners(vouched, customers.merges())


def _shoppers(part: Sequence[Wait], owners: Owners, is_erased: IsErased) -> list[ToldShopper]:
    found: dict[ToldShopper, None] = {}
    for wait in part:
        customer_id, browser = owner_of(wait.shopper_key)
        if browser is not None:
            customer_id = owners.of_anonymous(browser, wait.asked_at)
        if is_erased(customer_id, browser):
            continue
        if customer_id is not None:
            found[ToldShopper(customer_id=owners.of_customer(customer_id))] = None
        else:
            found[ToldShopper(anonymous_id=browser)] = None
    return list(found)
