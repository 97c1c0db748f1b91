"""Records as they stand in `payload` columns: JSON, which newer releases and people can read alike."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TypeVar

import msgspec

from smartshop.data_collection.schemas.catalogue import Product
from smartshop.data_collection.schemas.customers import Customer
from smartshop.data_collection.schemas.events import StoredEvent
from smartshop.data_collection.schemas.messages import Message
from smartshop.data_collection.schemas.orders import Order, Refund, Return

Item = TypeVar("Item")

IN_LIST = 500
"""Values of one IN list; both engines take more, but plan it no better."""

encode = msgspec.json.Encoder().encode
decode_event = msgspec.json.Decoder(StoredEvent).decode
decode_order = msgspec.json.Decoder(Order).decode
decode_refund = msgspec.json.Decoder(Refund).decode
decode_return = msgspec.json.Decoder(Return).decode
decode_product = msgspec.json.Decoder(Product).decode
decode_customer = msgspec.json.Decoder(Customer).decode
decode_message = msgspec.json.Decoder(Message).decode
decode_messages = msgspec.json.Decoder(tuple[Message, ...]).decode
decode_numbers = msgspec.json.Decoder(list[int]).decode
decode_texts = msgspec.json.Decoder(dict[str, str]).decode
decode_counts = msgspec.json.Decoder(dict[str, int]).decode


def chunks(items: Iterable[Item], size: int = IN_LIST) -> Iterator[Sequence[Item]]:
    """The distinct items in their first order, at most `size` at a time."""
    remaining = iter(dict.fromkeys(items))
    while chunk := list(islice(remaining, size)):
        yield chunk
