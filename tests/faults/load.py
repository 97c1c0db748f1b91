"""Load from the real Segment client, which sends again until it is answered."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from segment.analytics.client import Client

from smartshop.data_collection.connectors.sql.stores import SqlStores
from smartshop.data_collection.schemas.events import StoredEvent


class Sender:
    """A shop's tracking client; every event has an id of ours, so that it can be found again."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.sent: list[str] = []
        self.given_up: list[Any] = []  # Any: what the client hands to its own callback

    def view(self, number: int) -> None:
        event_id = f"e-{number}"
        self._client.track(
            f"c-{number % 50}",
            "Product Viewed",
            {"product_id": f"p-{number % 20}"},
            anonymous_id=f"a-{number % 50}",
            message_id=event_id,
        )
        self.sent.append(event_id)

    def wait_until_answered(self) -> None:
        self._client.flush()


@contextmanager
def sending(url: str, key: str, *, batch: int) -> Iterator[Sender]:
    client = Client(key, host=url, upload_size=batch, upload_interval=0.05, max_retries=20, timeout=10, thread=2)
    sender = Sender(client)
    client.on_error = lambda *what: sender.given_up.append(what)
    for consumer in client.consumers:
        consumer.on_error = client.on_error
    yield sender
    client.join()


def everything_in(stores: SqlStores) -> list[StoredEvent]:
    return [event for batch in stores.log.scan() for _, event in batch]
