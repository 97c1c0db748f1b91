"""What every change of stock has in common: when it can have happened, and who is told."""

import asyncio
from collections.abc import Sequence
from datetime import datetime

from smartshop.backend_api.shop import Shop
from smartshop.data_collection.pipelines.clock import DAY, format_rfc3339, to_micros
from smartshop.data_collection.pipelines.quality import YEAR_2000
from smartshop.data_collection.schemas.ids import Micros, VariantId
from smartshop.data_collection.schemas.messages import StockChanged
from smartshop.errors import Conflict

MAX_CLOCK_LEAD = Micros(DAY)
"""So far a sender's clock may run ahead (a local time sent as UTC, a clock that was changed)."""


class NotYetHappened(Conflict):
    code = "in_the_future"


class LongBefore(Conflict):
    code = "before_2000"


def movement_time(told: datetime | None, now: Micros) -> Micros:
    """When it happened; now where nobody said, and never later than now: the ledger is of what was.

    Raises:
        NotYetHappened: more than a day ahead.
        LongBefore: before there were such shops.
    """
    if told is None:
        return now
    moment = to_micros(told)
    if moment < YEAR_2000:
        raise LongBefore(f"{told.isoformat()} is before the year 2000; send when it really happened.")
    if moment > now + MAX_CLOCK_LEAD:
        raise NotYetHappened(
            f"{told.isoformat()} is in the future: it is {format_rfc3339(now)} now. Send what has happened, and when."
        )
    return min(moment, now)


async def tell_stock_changed(shop: Shop, variant_ids: Sequence[VariantId]) -> None:
    """The next slate, every open page and what is to be ordered see it."""
    shop.changed_variants.tell(variant_ids)
    await asyncio.to_thread(shop.shelves.refresh)
    await shop.bus.publish([StockChanged(tuple(dict.fromkeys(variant_ids)))])
