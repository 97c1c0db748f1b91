"""What every Models promises."""

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from smartshop.data_collection.connectors.model_files import FORMAT_VERSION, MANIFEST
from smartshop.data_collection.connectors.ports import ModelRecord
from smartshop.data_collection.connectors.sql.stores import SqlStores
from smartshop.data_collection.schemas.ids import ModelVersion
from smartshop.errors import ModelRefused, NotFound
from tests.connectors.told import NOON, at


def record(version: str, seconds: float = 0) -> ModelRecord:
    return ModelRecord(
        agent="recommendation",
        version=ModelVersion(version),
        trained_at=at(seconds),
        data_until=NOON,
        log_no=7,
        sha256="",
        metrics={"ndcg": 0.25},
    )


def published(stores: SqlStores, version: str = "v1", seconds: float = 0) -> ModelRecord:
    folder = stores.models.new_folder("recommendation", ModelVersion(version))
    (folder / "arrays").mkdir()
    (folder / "arrays" / "weights.bin").write_bytes(b"0123456789")
    (folder / "recipe.json").write_text("{}")
    return stores.models.publish(record(version, seconds), folder)


class TestPublish:
    def test_a_version_opens_as_it_was_written(self, stores: SqlStores) -> None:
        sealed = published(stores)
        assert len(sealed.sha256) == 64
        folder = stores.models.open(sealed)
        assert (folder / "arrays" / "weights.bin").read_bytes() == b"0123456789"
        assert stores.models.history("recommendation") == [sealed]

    def test_a_version_is_never_replaced(self, stores: SqlStores) -> None:
        sealed = published(stores)
        with pytest.raises(ModelRefused, match="exists already"):
            published(stores)
        assert stores.models.open(sealed).is_dir()

    @pytest.mark.parametrize(
        ("name", "harm", "words"),
        [
            ("arrays/weights.bin", lambda path: path.write_bytes(b"01234"), "5 bytes instead of 10"),
            ("arrays/weights.bin", lambda path: path.write_bytes(b"012345678x"), "altered"),
            ("recipe.json", Path.unlink, "cannot be read"),
            (MANIFEST, Path.unlink, "no readable manifest"),
            (MANIFEST, lambda path: path.write_bytes(path.read_bytes()[:50]), "cannot be read"),
            (MANIFEST, lambda path: path.write_bytes(path.read_bytes() + b"\n"), "another manifest"),
        ],
    )
    def test_a_harmed_version_is_refused_in_words(
        self, stores: SqlStores, name: str, harm: Callable[[Path], object], words: str
    ) -> None:
        sealed = published(stores)
        path = stores.models.open(sealed) / name
        harm(path)
        with pytest.raises(ModelRefused, match=words):
            stores.models.open(sealed)

    def test_another_format_is_refused_in_words(self, stores: SqlStores) -> None:
        sealed = published(stores)
        path = stores.models.open(sealed) / MANIFEST
        manifest = msgspec.json.decode(path.read_bytes())
        path.write_bytes(msgspec.json.encode({**manifest, "format_version": FORMAT_VERSION + 1}))
        with pytest.raises(ModelRefused, match=f"has format {FORMAT_VERSION + 1}; this release reads {FORMAT_VERSION}"):
            stores.models.open(sealed)


class TestPromotion:
    def test_the_promoted_version_is_one_row(self, stores: SqlStores) -> None:
        assert stores.models.promoted("recommendation") is None
        first, second = published(stores, "v1", 1), published(stores, "v2", 2)
        stores.models.promote("recommendation", ModelVersion("v1"), at(3))
        stores.models.promote("recommendation", ModelVersion("v2"), at(4))
        promoted = stores.models.promoted("recommendation")
        assert promoted == msgspec.structs.replace(second, promoted_at=at(4))
        stores.models.promote("recommendation", ModelVersion("v1"), at(5))
        assert stores.models.promoted("recommendation") == msgspec.structs.replace(first, promoted_at=at(5))
        assert stores.models.promoted("another") is None

    def test_what_was_never_published_cannot_be_promoted(self, stores: SqlStores) -> None:
        with pytest.raises(NotFound, match="v9"):
            stores.models.promote("recommendation", ModelVersion("v9"), NOON)

    def test_history_is_newest_first(self, stores: SqlStores) -> None:
        for n in (1, 3, 2):
            published(stores, f"v{n}", n)
        assert [each.version for each in stores.models.history(limit=2)] == ["v3", "v2"]
        assert stores.models.history("another") == []
