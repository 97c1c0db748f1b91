"""A model that is damaged is passed over for the newest whole one: segments go on under their ids."""

from pathlib import Path

from smartshop.ai_agents.segmentation.model import MODEL_NAME
from smartshop.ai_agents.segmentation.refit import before_of
from smartshop.data_collection.schemas.segments import Segment, SegmentId, SegmentKind
from tests.segmentation.shop_of_two import opened_shop_of_two

PER_SORT = 104
"""Just enough for behavioural segments."""


def test_segments_go_on_from_the_last_whole_model(tmp_path: Path) -> None:
    with opened_shop_of_two(tmp_path, per_sort=PER_SORT) as two:
        models = two.shop.stores.models
        two.refit()
        ids = two.model().cluster_ids
        two.refit()
        newest = models.promoted("segmentation")
        assert newest is not None
        damaged = models.open(newest) / MODEL_NAME
        damaged.chmod(0o644)
        damaged.write_bytes(damaged.read_bytes()[:100])
        third = two.refit()
        assert third.compared > PER_SORT
        assert set(ids) & set(two.model().cluster_ids)


def test_numbers_that_only_the_damaged_model_gave_are_not_given_again(tmp_path: Path) -> None:
    with opened_shop_of_two(tmp_path, per_sort=PER_SORT) as two:
        two.refit()
        model = two.model()
        assert model.clusters is not None
        lost = SegmentId(f"b{model.clusters.next_number + 2}")
        ever = (
            *two.shop.stores.standings.segments(),
            Segment(segment_id=lost, kind=SegmentKind.BEHAVIOUR, name="Lost", sentence="", since=two.now),
        )
        before = before_of(model, (), iter(()), ever)
        assert before.model is not None
        assert before.model.clusters is not None
        assert before.model.clusters.next_number == model.clusters.next_number + 3
        assert before.model.cluster_ids == model.cluster_ids
