"""Lookalikes of a whole shop: as many as are wanted who allow it, from the likest on."""

from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import numpy as np
import pytest

from smartshop.ai_agents.segmentation import alike
from smartshop.ai_agents.segmentation.alike import (
    AlikeConfig,
    Wanted,
    fill_alike,
    fill_queued,
    find_alike,
    job_arguments,
)
from smartshop.data_collection.connectors.sql.stores import SqlStores, open_stores
from smartshop.data_collection.pipelines.clock import system_now
from smartshop.data_collection.schemas.audiences import Audience, AudienceId, Listed
from smartshop.data_collection.schemas.customers import ConsentChange, Purpose
from smartshop.data_collection.schemas.ids import CustomerId, ShopperKey
from smartshop.errors import NotFound
from tests.api.customers_who_stand import populate

SEED = tuple(CustomerId(f"c-{number:04d}") for number in (2, 12, 22, 32))
MARKETING = Purpose.MARKETING


def nearest(stores: SqlStores, withheld: set[CustomerId], size: int) -> list[CustomerId]:
    return find_alike(
        stores.standings,
        SEED,
        Wanted(size=size),
        lambda asked: set(asked) - withheld,
        AlikeConfig(),
        rng=np.random.default_rng(1),
    )


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[SqlStores]:
    opened = open_stores("", tmp_path, tmp_path / "models")
    populate(opened.customers, opened.standings, 300)
    yield opened
    opened.close()


@pytest.mark.parametrize("read_at_once", [7, 5_000])
def test_who_withholds_it_takes_nobodys_place(
    stores: SqlStores, read_at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alike, "READ_AT_ONCE", read_at_once)
    everybody = nearest(stores, set(), 296)
    assert len(everybody) == 296
    assert not set(everybody) & set(SEED)
    withheld = set(everybody[:40:2])
    found = nearest(stores, withheld, 100)
    assert found == everybody[:120], "twenty of them withhold it"
    allowed = [customer_id for customer_id in everybody if customer_id not in withheld]
    assert [customer_id for customer_id in found if customer_id not in withheld] == allowed[:100]
    assert nearest(stores, set(everybody), 100) == everybody


def test_a_list_has_room_for_those_who_allow_it_first(stores: SqlStores, monkeypatch: pytest.MonkeyPatch) -> None:
    everybody = nearest(stores, set(), 296)
    monkeypatch.setattr(alike, "MAX_LISTED", 60)
    found = nearest(stores, set(everybody[:40]), 50)
    assert found == [*everybody[:10], *everybody[40:90]]


def queued(stores: SqlStores) -> Audience:
    """An empty audience, which a job is to fill."""
    made = Audience(
        audience_id=AudienceId("a-1"), name="Like them", definition=Listed(()), purpose=MARKETING, alike=True,
        created_at=system_now(), changed_at=system_now(),
    )  # fmt: skip
    stores.audiences.save(made)
    return made


def fill(stores: SqlStores, meanwhile: Callable[[], object]) -> Audience:
    """The job; `meanwhile` happens when everybody has been compared."""
    now = system_now()

    def tell(share: float, what: str) -> None:
        if what == "asking who allows it":
            meanwhile()

    arguments = job_arguments(AudienceId("a-1"), Listed(SEED), Wanted(size=20))
    return fill_queued(
        stores.audiences, stores.standings, arguments, now=now, shop_now=now, rng=np.random.default_rng(1), tell=tell
    )


def test_what_is_changed_of_an_audience_while_its_lookalikes_are_sought_stays(stores: SqlStores) -> None:
    renamed = msgspec.structs.replace(queued(stores), name="Like the best", webhook_url="https://example.com/in")
    filled = fill(stores, lambda: stores.audiences.save(renamed))
    assert (filled.name, filled.webhook_url) == ("Like the best", "https://example.com/in")
    assert stores.audiences.size(filled.definition, MARKETING, system_now()).customers == 20
    assert stores.audiences.get(AudienceId("a-1")) == filled


def test_an_audience_that_is_deleted_while_its_lookalikes_are_sought_stays_deleted(stores: SqlStores) -> None:
    queued(stores)
    with pytest.raises(NotFound, match="deleted"):
        fill(stores, lambda: stores.audiences.delete(AudienceId("a-1")))
    assert stores.audiences.all() == []


def test_an_audience_that_gets_a_rule_of_its_own_while_its_lookalikes_are_sought_keeps_it(stores: SqlStores) -> None:
    own = msgspec.structs.replace(queued(stores), definition=Listed(SEED), alike=False)
    assert fill(stores, lambda: stores.audiences.save(own)) == own
    assert fill(stores, lambda: None) == own, "also where the job begins after that"
    assert stores.audiences.get(AudienceId("a-1")) == own


def test_a_hundred_are_found_who_may_be_told_of_after_withdrawals_and_erasures(stores: SqlStores) -> None:
    now = system_now()
    likest = nearest(stores, set(), 150)
    for customer_id in likest[:60:2]:
        change = {"personalisation": False} if customer_id == likest[0] else {"marketing": False}
        stores.customers.set_consent(
            ConsentChange(shopper_key=ShopperKey(customer_id), is_customer=True, changes=change, received_at=now)
        )
    for customer_id in likest[1:40:4]:
        stores.erasure.erase(customer_id, now)
    audience = Audience(
        audience_id=AudienceId("a-1"), name="Like them", definition=Listed(()), purpose=MARKETING,
        created_at=now, changed_at=now,
    )  # fmt: skip
    stores.audiences.save(audience)
    filled = fill_alike(
        stores.audiences, stores.standings, audience, Listed(SEED), Wanted(size=100),
        now=now, shop_now=now, rng=np.random.default_rng(1),
    )  # fmt: skip
    size = stores.audiences.size(filled.definition, MARKETING, now)
    members = {one.customer_id for one in stores.audiences.page(filled.definition, MARKETING, now, None, 1_000)}
    assert (size.customers, len(members)) == (100, 100)
    assert size.withheld >= 29
    assert isinstance(filled.definition, Listed)
    assert not set(filled.definition.customer_ids) & set(likest[1:40:4]), "who was erased is in no list"
    assert not members & set(likest[:60:2])
    # Whoever changes their mind is in it from then on.
    again = ConsentChange(
        shopper_key=ShopperKey(likest[2]), is_customer=True, changes={"marketing": True},
        received_at=system_now(),
    )  # fmt: skip
    stores.customers.set_consent(again)
    assert stores.audiences.size(filled.definition, MARKETING, now).customers == 101
