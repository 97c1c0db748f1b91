"""Which ids a refused text names: it may be no JSON at all, cut short, or spell an id with escapes and spaces."""

import json
import re
import unicodedata
from collections.abc import Iterable, Iterator

from smartshop.data_collection.schemas.ids import MAX_ID_BYTES

SPELT_BYTES = 6 * MAX_ID_BYTES + 64
"""The longest that an id becomes by escaping every character, with spaces around it."""
LONG_ID_BYTES = 8
"""From so many bytes on an id is no common word, and one inside a longer text is taken for itself."""
_QUOTE = re.compile(rb'(?<!\\)"')
_SEPARATOR = re.compile(rb"[\",;\t|:{}\[\]\\]+")
_IDENTITY = frozenset({b"customer_id", b"anonymous_id", b"userId", b"anonymousId", b"previousId", b"shopper_key"})
_NUMBER = re.compile(rb"\s*:\s*(-?\d{1,128})\s*(?:[,}\]]|$)")


def texts_in(raw: bytes) -> set[str]:
    """Everything between two quotes, unescaped and cleaned as ids are, and numbers in the fields that name shoppers.

    >>> texts_in(b'{"userId": 17850, "traits": {"name": " Ad\\\\u0061 "') >= {"17850", "Ada"}
    True
    """
    return set(_texts(raw))


def cells_in(raw: bytes) -> set[str]:
    """Everything between the separators of tables and of JSON: of a file's row nobody knows which cell names whom.

    >>> sorted(cells_in(b'{"line": 7, "row": "p-1,Ada ;2"}'))
    ['2', '7', 'Ada', 'line', 'p-1', 'row']
    """
    return {text for piece in _SEPARATOR.split(raw) if 0 < len(piece) <= SPELT_BYTES and (text := _cleaned(piece))}


def _texts(raw: bytes) -> Iterator[str]:
    # Both what seems inside quotes and what seems outside: after one quote too few they change places.
    pieces = _QUOTE.split(raw)
    for place, piece in enumerate(pieces):
        if place and (number := _NUMBER.match(piece)) and pieces[place - 1] in _IDENTITY:
            yield number[1].decode()
        if 0 < len(piece) <= SPELT_BYTES and (text := _cleaned(piece)) and "/" not in text and not text.startswith(":"):
            yield text


def _cleaned(piece: bytes) -> str:
    text = piece.decode(errors="replace")
    if "\\" in text:
        try:
            text = json.loads(f'"{text}"')
        except ValueError:
            return ""
    return unicodedata.normalize("NFC", text).strip()


def spellings(identifier: str) -> list[bytes]:
    """How an id may stand in JSON: as it is, or with every other letter than ASCII's escaped."""
    return list(dict.fromkeys([identifier.encode(), json.dumps(identifier)[1:-1].encode()]))


class Named:
    """Whether texts name one of these ids."""

    def __init__(self, ids: Iterable[str]) -> None:
        self.ids = frozenset(ids)
        long = [re.escape(told) for one in self.ids if len(one.encode()) >= LONG_ID_BYTES for told in spellings(one)]
        alone = rb"(?<![\w-])(?:" + b"|".join(long) + rb")(?![\w-])"
        self._long = re.compile(alone) if long else None

    def is_in(self, raw: bytes) -> bool:
        if self._long is not None and self._long.search(raw):
            return True
        return not self.ids.isdisjoint(texts_in(raw))
