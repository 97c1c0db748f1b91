"""How a short blocking read is made from the event loop.

A row or two out of an embedded file take 0.1 to 0.4 ms of processor, and readers of a write-ahead log wait for nobody:
handing them to a thread and back costs a quarter of a whole slate's processor time, and a turn at the interpreter lock.
What goes over a network waits, so it goes to a thread.
"""

import asyncio
from collections.abc import Callable
from typing import ParamSpec, Protocol, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class ShortRead(Protocol):
    async def __call__(self, read: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T: ...


async def in_place(read: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """For embedded stores."""
    return read(*args, **kwargs)


async def in_thread(read: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """For servers."""
    return await asyncio.to_thread(read, *args, **kwargs)
