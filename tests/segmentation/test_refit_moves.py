"""What a refit says of who left their segment, where segments end."""

from collections import Counter
from pathlib import Path

from smartshop.data_collection.schemas.ids import CustomerId
from smartshop.data_collection.schemas.segments import SegmentKind
from tests.segmentation.shop_of_two import SORTS, ShopOfTwo, customer, opened_shop_of_two

PER_SORT = 104
"""Just enough for behavioural segments."""
LEAVERS = 110
"""More than may leave for that: fewer than a hundred stay."""


def segments_of_everybody(two: ShopOfTwo) -> dict[CustomerId, str]:
    """Of those who have a behavioural one."""
    return {
        one.customer_id: one.segment_id
        for batch in two.shop.stores.standings.scan()
        for one in batch
        if one.segment_id is not None
    }


def test_who_was_in_a_segment_that_ended_is_told_to_have_left(tmp_path: Path) -> None:
    with opened_shop_of_two(tmp_path, per_sort=PER_SORT) as two:
        two.refit()
        everybody = [customer(sort, number) for sort in SORTS for number in range(PER_SORT)]
        for leaver in everybody[-LEAVERS:]:
            two.shop.stores.erasure.erase(leaver, two.now)
        had = segments_of_everybody(two)
        assert had
        two.refit()
        assert not segments_of_everybody(two)
        moves = two.shop.stores.standings.moves(limit=1_000)
    told = {(move.customer_id, move.from_segment) for move in moves if move.kind is SegmentKind.BEHAVIOUR}
    assert told == set(had.items())
    assert Counter((move.to_segment, move.cause) for move in moves) == {(None, "model"): len(had)}
