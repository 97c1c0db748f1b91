"""A refit that was held back and is accepted after all, in a real shop."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from smartshop.ai_agents.segmentation.learning import accept_segments
from smartshop.data_collection.pipelines.clock import SECOND
from smartshop.data_collection.schemas.ids import Micros
from smartshop.data_collection.schemas.segments import Refit
from smartshop.errors import Conflict
from tests.segmentation.shop_of_two import ShopOfTwo, opened_shop_of_two

WAITS = "The model before goes on serving until this one is accepted."


@pytest.fixture
def two(tmp_path: Path) -> Iterator[ShopOfTwo]:
    """Too few customers for segments, so that learning is quick."""
    with opened_shop_of_two(tmp_path, per_sort=12) as two:
        yield two


def held_back(two: ShopOfTwo) -> Refit:
    """A refit that the store knows as one that waits."""
    held = msgspec.structs.replace(two.refit(), held_back=True, note=WAITS)
    two.shop.stores.standings.add_refit(held)
    return held


def accept(two: ShopOfTwo, held: Refit) -> Refit:
    two.now = Micros(two.now + SECOND)
    return accept_segments(two.learning(), held.version, until=two.now, progress=lambda share, what: None)


def test_who_is_accepted_serves_and_waits_no_more(two: ShopOfTwo) -> None:
    accepted = accept(two, held_back(two))
    (stored,) = two.shop.stores.standings.refits()
    assert stored == accepted
    assert (stored.accepted_at, stored.note) == (two.now, "")
    served = two.shop.stores.models.promoted("segmentation")
    assert served is not None
    assert served.version == accepted.version
    with pytest.raises(Conflict, match="serves, or has served"):
        accept(two, accepted)


def test_one_older_than_the_one_in_service_is_not_accepted(two: ShopOfTwo) -> None:
    held = held_back(two)
    newer = two.refit()
    with pytest.raises(Conflict, match="only the newest can be accepted"):
        accept(two, held)
    served = two.shop.stores.models.promoted("segmentation")
    assert served is not None
    assert served.version == newer.version
