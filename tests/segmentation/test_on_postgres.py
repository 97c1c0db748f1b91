"""The whole agent on PostgreSQL: a refit, a live move, a second refit and an audience, as on the embedded store."""

from collections.abc import Callable
from pathlib import Path

from smartshop.data_collection.schemas.audiences import InSegment
from smartshop.data_collection.schemas.customers import Purpose
from smartshop.data_collection.schemas.ids import CustomerId
from smartshop.data_collection.schemas.segments import SegmentId
from tests.segmentation.shop_of_two import opened_shop_of_two, segments_of


async def test_refits_and_live_moves_are_the_same_on_postgres(
    tmp_path: Path, new_postgres_database: Callable[[], str]
) -> None:
    with opened_shop_of_two(tmp_path, per_sort=104, database_url=new_postgres_database()) as two:
        stores = two.shop.stores
        first = two.refit()
        assert first.sizes[SegmentId("rfm-champions")] > 0
        told = two.tell(two.order("newcomer", "Garden > Seeds", number=1))
        assert ("newcomer", None, "rfm-new") in segments_of(list(await two.agent().handle([told])))
        second = two.refit()
        assert second.customers == first.customers + 1
        sizes = stores.standings.sizes()
        for segment_id, customers in sizes.items():
            found = stores.audiences.size(InSegment(segments=(segment_id,)), Purpose.MARKETING, two.now)
            assert (found.customers, found.withheld) == (customers, 0)
        assert CustomerId("newcomer") in stores.standings.get([CustomerId("newcomer")])
