"""Names of things. Ids are opaque, case-sensitive text; a NewType each, so that mypy finds the swapped argument."""

import unicodedata
from typing import NewType

from smartshop.errors import InvalidId

ProductId = NewType("ProductId", str)
VariantId = NewType("VariantId", str)
CustomerId = NewType("CustomerId", str)
AnonymousId = NewType("AnonymousId", str)
ShopperKey = NewType("ShopperKey", str)
SessionId = NewType("SessionId", str)
EventId = NewType("EventId", str)
OrderId = NewType("OrderId", str)
LineId = NewType("LineId", str)
DecisionId = NewType("DecisionId", str)
LocationId = NewType("LocationId", str)
SupplierId = NewType("SupplierId", str)
ModelVersion = NewType("ModelVersion", str)

ProductNo = NewType("ProductNo", int)
"""Dense int32 given to a product at first sight and never reused: models, masks and advice are arrays over it."""

Micros = NewType("Micros", int)
"""A moment as int64 microseconds since 1970-01-01 UTC."""

MAX_ID_BYTES = 128
ID_PATTERN = r"^[^/\x00-\x1f\x7f-\x9f]{1,128}$"
"""What the OpenAPI document says of every id; `clean_id` is the full truth (it counts bytes, not characters)."""


def clean_id(raw: str, what: str = "id") -> str:
    """Return the id as it is stored: NFC, trimmed, 1 to 128 bytes, no `/`, no control characters, not `.` or `..`.

    >>> clean_id("  sku-1 ")
    'sku-1'

    Raises:
        InvalidId: the text cannot be an id.
    """
    cleaned = raw if raw.isascii() else unicodedata.normalize("NFC", raw)
    cleaned = cleaned.strip()
    if not cleaned:
        raise InvalidId(f"The {what} is empty; it needs 1 to {MAX_ID_BYTES} bytes.")
    if cleaned in (".", "..") or "/" in cleaned:
        raise InvalidId(f"The {what} {cleaned[:40]!r} holds a slash or is a dot path; use other characters.")
    if not cleaned.isprintable() and any(unicodedata.category(sign) in ("Cc", "Cs") for sign in cleaned):
        raise InvalidId(f"The {what} {cleaned[:40]!r} holds control characters; use printable text.")
    if len(cleaned) > MAX_ID_BYTES // 4 and len(cleaned.encode()) > MAX_ID_BYTES:
        raise InvalidId(f"The {what} {cleaned[:40]!r}… has {len(cleaned.encode())} bytes; at most {MAX_ID_BYTES} fit.")
    return cleaned
