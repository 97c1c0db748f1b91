"""Erasing a customer while the shop is open: the stores first, then every copy that this process holds."""

import asyncio
from collections.abc import Iterable, Iterator

import msgspec
import structlog

from smartshop.backend_api.shop import Shop
from smartshop.backend_api.utils.rate_limit import shopper_counter
from smartshop.data_collection.schemas.customers import Shopper
from smartshop.data_collection.schemas.erasures import ErasureReceipt
from smartshop.data_collection.schemas.ids import CustomerId, ShopperKey
from smartshop.data_collection.schemas.messages import CustomerErased, Message, SlateRefreshed

_log = structlog.get_logger(__name__)
Page = tuple[str, list[msgspec.Raw]]


async def erase(shop: Shop, customer_id: CustomerId) -> ErasureReceipt:
    """Other processes refuse what is theirs within a second; what they hold of them ends by itself.

    Raises:
        NotFound: nothing is stored of this customer.
    """
    shopper = await asyncio.to_thread(shop.customers.shopper, customer_id, None, True)
    receipt = await asyncio.to_thread(shop.erasure.erase, customer_id, shop.clock.now())
    await _drop_copies(shop, shopper)
    _log.info("customer_erased", receipt=receipt.receipt_id)
    return receipt


async def _drop_copies(shop: Shop, shopper: Shopper) -> None:
    await shop.profiles.forget(shopper)
    await asyncio.to_thread(shop.awaited_goods.refresh)
    browsers = [window.anonymous_id for window in shopper.windows if shop.erasure.is_erased(None, window.anonymous_id)]
    keys = [
        *((ShopperKey(customer_id), True) for customer_id in shopper.customer_ids),
        *((ShopperKey(browser), False) for browser in browsers),
    ]
    for key, is_customer in keys:
        shop.ingest.consent.forget(key, is_customer=is_customer)
        await shop.cache.drop(shopper_counter(key, is_customer=is_customer))
    pages: list[Message] = [SlateRefreshed(key, is_customer, "erased") for key, is_customer in keys]
    await shop.bus.publish([*map(CustomerErased, shopper.customer_ids), *pages])


def export_parts(pages: Iterable[Page], exported_at: str) -> Iterator[bytes]:
    """One JSON object in parts: a list under the name of each kind of record."""
    yield b'{"exported_at":' + msgspec.json.encode(exported_at)
    open_name: str | None = None
    is_first = True
    for name, records in pages:
        if name != open_name:
            yield (b"" if open_name is None else b"]") + b"," + msgspec.json.encode(name) + b":["
            open_name, is_first = name, True
        if records:
            yield (b"" if is_first else b",") + b",".join(bytes(record) for record in records)
            is_first = False
    yield b"}" if open_name is None else b"]}"
