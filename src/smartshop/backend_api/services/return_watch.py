"""Tells the agents where to look for what is back: brought by other processes, free by itself, or another's turn.

A receipt that this process booked is told at once. An import beside it, a basket whose time ran out, a price that
begins today and a day of patience that is over say nothing; the shelf and the clock show them.
"""

import asyncio
import time
from collections.abc import Callable, Set

import numpy as np
import structlog

from smartshop.backend_api.shop import Shop
from smartshop.data_collection.pipelines.shelf import Shelf
from smartshop.data_collection.schemas.ids import ProductId, VariantId
from smartshop.data_collection.schemas.messages import StockChanged

LOOK_EVERY_SECONDS = 1.0
WHOLE_LOOK_SECONDS = 600.0
"""So often everything that is waited for is looked at, sold out a moment ago or not."""
MOST_PRODUCTS = 2_000
"""Of one look; the others come with the next whole one."""

_log = structlog.get_logger(__name__)


def places_to_look(before: Shelf | None, now: Shelf, awaited: Set[ProductId], *, whole: bool) -> list[VariantId]:
    """Variants of products that can be sold and could not before, and of those waited for of which there is more.

    `whole`: everything waited for that can be sold. Pure.
    """
    n = 0 if before is None else min(before.n_products, now.n_products)
    was_sellable, had = np.ones(now.n_products, np.bool_), now.available.copy()
    if before is not None:
        was_sellable[:n], had[:n] = before.sellable[:n], before.available[:n]
    is_awaited = np.zeros(now.n_products, np.bool_)
    is_awaited[[now.number_of[one] for one in awaited if one in now.number_of]] = True
    has_more = whole | (now.available != had)
    due = now.sellable & (~was_sellable | (is_awaited & has_more))
    numbers = np.flatnonzero(due)[:MOST_PRODUCTS].tolist()
    return [variant_id for number in numbers for variant_id in now.variants_sold[number]]


async def watch_returns(
    shop: Shop, every_seconds: float = LOOK_EVERY_SECONDS, monotonic: Callable[[], float] = time.monotonic
) -> None:
    """Until it is cancelled. It begins with a whole look: a crash may have come between."""
    before: Shelf | None = None
    next_whole = monotonic()
    while True:
        shelf, is_whole = shop.shelves.shelf, monotonic() >= next_whole
        try:
            if is_whole or shelf is not before:
                awaited = await asyncio.to_thread(shop.waits.awaited, shop.clock.now())
                variant_ids = places_to_look(before, shelf, awaited, whole=is_whole)
                if variant_ids:
                    await shop.bus.publish([StockChanged(tuple(variant_ids))])
                before = shelf
                next_whole = monotonic() + WHOLE_LOOK_SECONDS if is_whole else next_whole
        except Exception as error:  # a store that is away for a moment must not end the looking
            _log.warning("returns_not_looked_for", error=repr(error))
        await asyncio.sleep(every_seconds)
