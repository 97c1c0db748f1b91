"""Audiences pushed to a real receiver that fails, is slow, redirects and cuts; and taken up again after a crash."""

import asyncio
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import msgspec
import numpy as np
import pytest

from smartshop.ai_agents.segmentation.audience_push import PushConfig, PushedPage, PushRoom, push_audience
from smartshop.data_collection.connectors.sql.stores import SqlStores, open_stores
from smartshop.data_collection.connectors.webhooks import HttpWebhooks
from smartshop.data_collection.pipelines.clock import system_now
from smartshop.data_collection.schemas.audiences import (
    Audience,
    AudienceId,
    AudiencePush,
    InSegment,
    PushState,
)
from smartshop.data_collection.schemas.customers import ConsentChange
from smartshop.data_collection.schemas.ids import CustomerId, ShopperKey
from tests.api.customers_who_stand import CLIMBERS, GONE, HOSTS, populate
from tests.connectors.receiver import Receiver, cut, cut_within, receiving, status

SECRET = b"s" * 32
AUDIENCE = AudienceId("a-1")
MEMBERS = 70
"""Of 100 customers 80 are in a segment, of whom ten allow no marketing."""


@dataclass
class Bench:
    """A shop with one audience, a receiver, and a room in which pauses are written down instead of waited."""

    stores: SqlStores
    receiver: Receiver
    paused: list[float] = field(default_factory=list)

    def start(self, push_id: str = "p-1") -> None:
        push = AudiencePush(push_id=push_id, audience_id=AUDIENCE, state=PushState.QUEUED, asked_at=system_now())
        self.stores.audiences.start_push(push)

    def run(
        self,
        push_id: str = "p-1",
        *,
        crash_at_pause: bool = False,
        overtaken_by: str = "",
        at_pause: Callable[[], object] = lambda: None,
        **config: float,
    ) -> AudiencePush:
        """`overtaken_by`: another deliverer who takes the push in the first pause."""

        async def pause(seconds: float) -> None:
            if crash_at_pause:
                raise KeyboardInterrupt
            if overtaken_by:
                self.stores.audiences.take_push(push_id, overtaken_by)
            at_pause()
            self.paused.append(seconds)

        async def push() -> AudiencePush:
            async with HttpWebhooks(SECRET, private=True, timeout_seconds=0.5) as webhooks:
                room = PushRoom(
                    audiences=self.stores.audiences,
                    standings=self.stores.standings,
                    webhooks=webhooks,
                    currency="GBP",
                    now=system_now,
                    shop_now=system_now,
                    rng=np.random.default_rng(1),
                    deliverer=secrets.token_hex(8),
                    pause=pause,
                    config=msgspec.convert({"page_size": 30, **config}, PushConfig),
                )
                return await push_audience(room, AUDIENCE, push_id)

        return asyncio.run(push())

    def newest(self) -> AudiencePush:
        return self.stores.audiences.pushes(AUDIENCE)[0]

    def pages(self) -> list[PushedPage]:
        return [msgspec.json.decode(got.body, type=PushedPage) for got in self.receiver.received]

    def ids(self) -> list[str]:
        return [got.headers["webhook-id"] for got in self.receiver.received]


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqlStores]:
    folder = tmp_path_factory.mktemp("shop")
    opened = open_stores(f"sqlite:///{folder / 'shop.db'}", folder, folder / "models")
    populate(opened.customers, opened.standings)
    yield opened
    opened.close()


@pytest.fixture
def bench(stores: SqlStores) -> Iterator[Bench]:
    with receiving() as receiver:
        stores.audiences.save(
            Audience(
                audience_id=AUDIENCE,
                name="Known",
                definition=InSegment((CLIMBERS, HOSTS)),
                webhook_url=receiver.url,
                created_at=system_now(),
                changed_at=system_now(),
            )
        )
        yield Bench(stores, receiver)


def test_every_member_is_delivered_once_in_signed_pages(bench: Bench) -> None:
    bench.start("p-whole")
    done = bench.run("p-whole")
    assert (done.state, done.delivered, done.attempts, done.next_page) == (PushState.DELIVERED, MEMBERS, 3, 3)
    assert done == bench.newest()
    pages = bench.pages()
    assert bench.ids() == ["p-whole.0", "p-whole.1", "p-whole.2"]
    assert [(page.page, page.pages, page.last) for page in pages] == [(0, 3, False), (1, 3, False), (2, 3, True)]
    sent = [customer.customer_id for page in pages for customer in page.customers]
    assert len(set(sent)) == len(sent) == MEMBERS
    assert "c-0010" not in sent, "marketing was withdrawn"
    assert pages[0].customers[0].segment == "=Hosts"
    assert (pages[0].audience_id, pages[0].name, pages[0].currency) == (AUDIENCE, "Known", "GBP")


def test_a_failing_receiver_is_tried_again_with_growing_pauses(bench: Bench) -> None:
    bench.start("p-patient")
    bench.receiver.told(status(500), cut, status(429), cut_within, status(408))
    done = bench.run("p-patient", page_size=100)
    assert (done.state, done.attempts, done.error) == (PushState.DELIVERED, 6, "")
    assert set(bench.ids()) == {"p-patient.0"}, "a repetition bears the same id"
    for number, pause in enumerate(bench.paused):
        assert 2.0**number / 2 <= pause <= 2.0**number


def test_after_its_retries_a_push_has_failed_and_says_why(bench: Bench) -> None:
    bench.start("p-hopeless")
    bench.receiver.told(*[status(503)] * 6)
    done = bench.run("p-hopeless")
    assert (done.state, done.attempts, done.delivered) == (PushState.FAILED, 6, 0)
    assert "503" in done.error
    assert done.finished_at is not None
    assert bench.run("p-hopeless") == done, "the job again sends nothing more"
    assert len(bench.receiver.received) == 6


@pytest.mark.parametrize("is_deleted", [True, False])
def test_an_audience_deleted_or_without_webhook_is_not_tried_again(
    stores: SqlStores, bench: Bench, *, is_deleted: bool
) -> None:
    audience = stores.audiences.get(AUDIENCE)
    assert audience is not None

    def end() -> None:
        if is_deleted:
            stores.audiences.delete(AUDIENCE)
        else:
            stores.audiences.save(msgspec.structs.replace(audience, webhook_url=None))

    bench.start(f"p-ended-{is_deleted}")
    bench.receiver.told(status(503))
    done = bench.run(f"p-ended-{is_deleted}", at_pause=end)
    assert done.state is PushState.FAILED
    assert ("deleted" if is_deleted else "no webhook") in done.error
    assert len(bench.receiver.received) == 1


@pytest.mark.parametrize(("code", "word"), [(400, "never"), (404, "never"), (410, "never"), (302, "Redirects")])
def test_other_refusals_are_not_tried_again(bench: Bench, code: int, word: str) -> None:
    bench.start(f"p-refused-{code}")
    bench.receiver.told(status(code, location="http://127.0.0.1:1/"))
    done = bench.run(f"p-refused-{code}")
    assert (done.state, done.attempts, bench.paused) == (PushState.FAILED, 1, [])
    assert word in done.error


def test_retry_after_is_obeyed_up_to_a_limit(bench: Bench) -> None:
    bench.start("p-asked")
    bench.receiver.told(status(429, retry_after="30"), status(503, retry_after="86400"))
    bench.run("p-asked", page_size=100, longest_pause_seconds=60.0)
    assert bench.paused == [30.0, 60.0]


def test_a_slow_receiver_counts_as_none(bench: Bench) -> None:
    bench.start("p-slow")
    bench.receiver.told(bench.receiver.silent)
    done = bench.run("p-slow", page_size=100)
    assert (done.state, done.attempts) == (PushState.DELIVERED, 2)


def test_after_a_crash_it_goes_on_where_it_was(bench: Bench) -> None:
    bench.start("p-crashed")
    bench.receiver.told(status(200), status(500))
    with pytest.raises(KeyboardInterrupt):
        bench.run("p-crashed", crash_at_pause=True)
    left = bench.newest()
    assert (left.state, left.next_page, left.delivered, left.attempts) == (PushState.DELIVERING, 1, 30, 2)
    # Somebody of the first page leaves meanwhile: nobody behind them is left out by it.
    first = bench.pages()[0].customers[0].customer_id
    withdraw(bench.stores, first)
    done = bench.run("p-crashed")
    assert (done.state, done.delivered, done.attempts) == (PushState.DELIVERED, MEMBERS, 4)
    assert bench.ids() == ["p-crashed.0", "p-crashed.1", "p-crashed.1", "p-crashed.2"]
    sent = {customer.customer_id for page in bench.pages() for customer in page.customers}
    assert len(sent) == MEMBERS
    withdraw(bench.stores, first, granted=True)


def test_who_is_overtaken_by_another_deliverer_stops_and_loses_nothing(bench: Bench) -> None:
    bench.start("p-two")
    bench.receiver.told(status(200), status(500))
    known = bench.run("p-two", overtaken_by="another")
    assert bench.ids() == ["p-two.0", "p-two.1"], "nothing was sent after the pause"
    assert known == bench.newest()
    assert (known.state, known.deliverer, known.next_page) == (PushState.DELIVERING, "another", 1)
    done = bench.run("p-two")
    assert (done.state, done.delivered) == (PushState.DELIVERED, MEMBERS)
    assert bench.ids() == ["p-two.0", "p-two.1", "p-two.1", "p-two.2"]


def test_a_webhook_taken_away_ends_the_push(bench: Bench) -> None:
    bench.start("p-taken")
    audience = bench.stores.audiences.get(AUDIENCE)
    assert audience is not None
    bench.stores.audiences.save(msgspec.structs.replace(audience, webhook_url=None))
    done = bench.run("p-taken")
    assert (done.state, bench.receiver.received) == (PushState.FAILED, [])
    assert "no webhook" in done.error


def test_an_address_that_may_not_be_called_ends_the_push(bench: Bench) -> None:
    bench.start("p-forbidden")
    audience = bench.stores.audiences.get(AUDIENCE)
    assert audience is not None
    bench.stores.audiences.save(msgspec.structs.replace(audience, webhook_url="https://169.254.169.254/latest"))
    done = bench.run("p-forbidden")
    assert (done.state, done.attempts) == (PushState.FAILED, 0)
    assert "never called" in done.error


def test_an_audience_of_nobody_is_told_as_one_empty_page(bench: Bench) -> None:
    audience = bench.stores.audiences.get(AUDIENCE)
    assert audience is not None
    nobody = msgspec.structs.replace(audience, definition=InSegment((GONE,)), name="Nobody")
    bench.stores.audiences.save(nobody)
    bench.start("p-nobody")
    done = bench.run("p-nobody")
    assert (done.state, done.delivered) == (PushState.DELIVERED, 0)
    assert [(len(page.customers), page.last, page.name) for page in bench.pages()] == [(0, True, "Nobody")]


def withdraw(stores: SqlStores, customer_id: CustomerId, *, granted: bool = False) -> None:
    stores.customers.set_consent(
        ConsentChange(
            shopper_key=ShopperKey(customer_id),
            is_customer=True,
            changes={"marketing": granted},
            received_at=system_now(),
        )
    )


# The last: it takes two customers away for good.
def test_who_withdraws_or_is_erased_between_two_attempts_is_not_in_the_next(stores: SqlStores, bench: Bench) -> None:
    left, gone = CustomerId("c-0091"), CustomerId("c-0092")

    def leave() -> None:
        change = ConsentChange(
            shopper_key=ShopperKey(left), is_customer=True, changes={"marketing": False}, received_at=system_now()
        )
        stores.customers.set_consent(change)
        stores.erasure.erase(gone, system_now())

    bench.start("p-left")
    bench.receiver.told(status(503))
    done = bench.run("p-left", at_pause=leave, page_size=100)
    first, second = ({each.customer_id for each in page.customers} for page in bench.pages())
    assert first - second == {left, gone}
    assert second < first
    assert (done.state, done.delivered) == (PushState.DELIVERED, len(second))
