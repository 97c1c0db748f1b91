"""Request bodies that may be gzipped: never more is inflated than the limit, however small the parcel looks."""

import zlib

from starlette.requests import Request

from smartshop.backend_api.utils.bodies import MAX_BODY_BYTES, read_body
from smartshop.errors import InvalidValue, TooLarge

GZIP_WINDOW = 31
"""zlib's code for "with a gzip header"."""


async def read_inflated(request: Request, limit: int = MAX_BODY_BYTES) -> bytes:
    """The whole body as its sender wrote it, gzipped or plain.

    Raises:
        TooLarge: it is longer than `limit` bytes, packed or unpacked.
        InvalidValue: it claims to be gzip and is not, or is packed in another way.
    """
    body = await read_body(request, limit)
    encoding = request.headers.get("content-encoding", "").strip().lower()
    if encoding in ("", "identity"):
        return body
    if encoding not in ("gzip", "x-gzip"):
        raise InvalidValue(f"The content-encoding {encoding[:20]!r} is not read; send gzip or plain JSON.")
    return inflate(body, limit)


def inflate(packed: bytes, limit: int) -> bytes:
    """
    Raises:
        TooLarge: more than `limit` bytes come out; the rest is never unpacked.
        InvalidValue: not gzip, or cut short.
    """
    parts: list[bytes] = []
    room = limit + 1
    while packed:
        member = zlib.decompressobj(wbits=GZIP_WINDOW)
        try:
            part = member.decompress(packed, room)
        except zlib.error as error:
            raise InvalidValue(f"The body is not the gzip that it claims to be ({error}); pack it again.") from None
        parts.append(part)
        room -= len(part)
        if room <= 0:
            raise TooLarge(f"The body unpacks to more than {limit} bytes, the most that is read. Send it in parts.")
        if not member.eof:
            raise InvalidValue("The gzip body ends too early; send it whole.")
        packed = member.unused_data
    return b"".join(parts)
