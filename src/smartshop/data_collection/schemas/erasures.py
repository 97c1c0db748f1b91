"""Customers erased at their own wish: what was done, told without a word of whom."""

import msgspec

from smartshop.data_collection.schemas.ids import Micros


class ErasureReceipt(msgspec.Struct, frozen=True, kw_only=True):
    """That a customer is gone. Asked for again it is the same one."""

    receipt_id: str
    erased_at: Micros
    """From then on nothing of theirs was found, and nothing new was let in."""
    counts: dict[str, int]
    """Table → rows that were deleted or lost their ids."""
