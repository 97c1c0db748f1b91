"""The jobs that send something to a webhook: an audience, a purchase order, news of what is back in stock."""

import asyncio
import secrets
from dataclasses import asdict
from typing import Any

import numpy as np

from smartshop.ai_agents.segmentation.audience_push import PushRoom
from smartshop.ai_agents.segmentation.audience_push import push_audience as push_to_webhook
from smartshop.data_collection.connectors.webhooks import HttpWebhooks
from smartshop.data_collection.pipelines.purchase_push import SendRoom, send_to_webhook
from smartshop.data_collection.pipelines.return_push import ReturnRoom, Sent, send_notices
from smartshop.data_collection.schemas.audiences import AudienceId, AudiencePush
from smartshop.data_collection.schemas.supply import PurchaseOrderId
from smartshop.data_collection.schemas.webhooks import SECRET_BYTES, SECRET_NAME
from smartshop.errors import NotFound
from smartshop.job_context import JobContext


def push_audience(context: JobContext) -> dict[str, Any]:
    """An audience's members to its webhook; arguments `audience_id` and `push_id`."""
    stores = context.stores

    async def push() -> AudiencePush:
        async with _webhooks(context) as webhooks:
            room = PushRoom(
                audiences=stores.audiences,
                standings=stores.standings,
                webhooks=webhooks,
                currency=context.settings.currency,
                now=context.clock.now,
                shop_now=context.clock.shop_now,
                rng=np.random.default_rng(),
                deliverer=secrets.token_hex(8),
                tell=context.tell,
            )
            audience_id = AudienceId(context.arguments.get("audience_id", ""))
            return await push_to_webhook(room, audience_id, context.arguments.get("push_id", ""))

    pushed = asyncio.run(push())
    return {
        "push_id": pushed.push_id,
        "state": pushed.state.value,
        "delivered": pushed.delivered,
        "attempts": pushed.attempts,
        "error": pushed.error,
    }


def send_purchase_order(context: JobContext) -> dict[str, Any]:
    """A purchase order that was sent to its supplier's webhook; argument `purchase_order_id`."""
    stores = context.stores
    purchase_order_id = PurchaseOrderId(context.arguments.get("purchase_order_id", ""))

    async def send() -> int:
        async with _webhooks(context) as webhooks:
            room = SendRoom(
                purchase_orders=stores.purchase_orders,
                suppliers=stores.suppliers,
                webhooks=webhooks,
                now=context.clock.now,
                rng=np.random.default_rng(),
                tell=context.tell,
            )
            return await send_to_webhook(room, purchase_order_id)

    return {"purchase_order_id": purchase_order_id, "attempts": asyncio.run(send())}


def tell_back_in_stock(context: JobContext) -> dict[str, Any]:
    """Who asked for what is back in stock, to the shop's own webhook."""
    stores, webhook = context.stores, context.settings.back_in_stock_webhook
    if not webhook:
        raise NotFound("There is no webhook to tell of what is back in stock; set SMARTSHOP_BACK_IN_STOCK_WEBHOOK.")

    async def send() -> Sent:
        async with _webhooks(context) as webhooks:
            room = ReturnRoom(
                news=stores.waits,
                customers=stores.customers,
                webhooks=webhooks,
                is_erased=stores.erasure.is_erased,
                now=context.clock.now,
                rng=np.random.default_rng(),
                tell=context.tell,
            )
            return await send_notices(room, webhook)

    return asdict(asyncio.run(send()))


def _webhooks(context: JobContext) -> HttpWebhooks:
    """Signing with the shop's secret, which is made at the first delivery."""
    secret = context.stores.keys.secret(SECRET_NAME, secrets.token_bytes(SECRET_BYTES))
    return HttpWebhooks(secret, private=context.settings.webhooks_private)
