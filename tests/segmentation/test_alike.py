"""Lookalikes of a whole shop: as many as are wanted who allow it, from the likest on."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from smartshop.ai_agents.segmentation import alike
from smartshop.ai_agents.segmentation.alike import AlikeConfig, Wanted, fill_alike, find_alike
from smartshop.data_collection.connectors.sql.stores import SqlStores, open_stores
from smartshop.data_collection.pipelines.clock import system_now
from smartshop.data_collection.schemas.audiences import Audience, AudienceId, Listed
from smartshop.data_collection.schemas.customers import ConsentChange, Purpose
from smartshop.data_collection.schemas.ids import CustomerId, ShopperKey
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
