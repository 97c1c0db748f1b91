"""Small types that many requests share, as msgspec checks them and the OpenAPI document shows them."""

from typing import Annotated

from msgspec import Meta

from smartshop.data_collection.schemas.ids import ID_PATTERN, clean_id
from smartshop.errors import Conflict, InvalidId, NotFound

MAX_PAGE = 200

Id = Annotated[str, Meta(pattern=ID_PATTERN, description="1 to 128 bytes without slashes and control characters.")]
Limit = Annotated[int, Meta(ge=1, le=MAX_PAGE)]
Cursor = Annotated[str, Meta(pattern=r"^[0-9]{1,9}$", description="`next_cursor` of the page before.")]
ID_PART = ID_PATTERN.strip("^$")
PairCursor = Annotated[str, Meta(pattern=f"^{ID_PART}/{ID_PART}$", description="`next_cursor` of the page before.")]
"""Two ids, which hold no slash."""
TimeCursor = Annotated[str, Meta(pattern=f"^[0-9]{{1,16}}/{ID_PART}$", description="`next_cursor` of the page before.")]
"""A moment in µs and an id."""
Quantity = Annotated[int, Meta(ge=1, le=1_000_000)]
Units = Annotated[int, Meta(ge=-1_000_000_000, le=1_000_000_000)]
Minor = Annotated[int, Meta(ge=0, le=10**15, description="Money in minor units of its currency.")]
Currency = Annotated[str, Meta(pattern=r"^[A-Z]{3}$", description="Three capital letters of ISO 4217, such as GBP.")]
Text = Annotated[str, Meta(max_length=2_000)]


class UnusableId(Conflict):
    """An id in the right letters that still cannot be one: blank, a dot path, or over 128 bytes."""

    code = "invalid_id"


def usable_id(raw: str, what: str) -> str:
    """The id as it is stored.

    Raises:
        UnusableId: the text cannot be an id.
    """
    try:
        return clean_id(raw, what)
    except InvalidId as error:
        raise UnusableId(str(error)) from None


def id_in_path(raw: str, what: str) -> str:
    """The id that a path names.

    Raises:
        NotFound: the text cannot be an id, so nothing has it.
    """
    try:
        return clean_id(raw, what)
    except InvalidId:
        raise NotFound(f"There is no {what} {raw[:60]!r}.") from None


def offset_of(cursor: str | None) -> int:
    return int(cursor) if cursor is not None else 0


def next_cursor(offset: int, limit: int, total: int) -> str | None:
    """The cursor behind this page; None on the last."""
    return str(offset + limit) if offset + limit < total else None
