"""Columns that grow entry by entry while a log or the books are read, no object kept per entry."""

from array import array
from collections.abc import Callable


def growing(code: str) -> Callable[[], "array[int]"]:
    """What makes an empty one, as a field's default; `code` is its integer type as `array` knows it."""
    return lambda: array(code)
