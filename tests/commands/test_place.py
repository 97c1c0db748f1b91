"""Which shop of a data dir is meant: an imported one before the demonstration, each in its folder."""

from pathlib import Path

import pytest

from smartshop.errors import SettingsError
from smartshop.place import find_place
from smartshop.settings import Settings


def settings_of(folder: Path, database_url: str = "") -> Settings:
    return Settings(data_dir=folder, database_url=database_url, _env_file=None)


def test_an_empty_data_dir_means_the_demonstration(tmp_path: Path) -> None:
    place = find_place(settings_of(tmp_path), None)
    assert (place.demo, place.folder) == (True, tmp_path / "demo")


def test_an_imported_shop_is_meant_once_it_is_there(tmp_path: Path) -> None:
    (tmp_path / "shop.db").touch()
    place = find_place(settings_of(tmp_path), None)
    assert (place.demo, place.folder, place.models_dir) == (False, tmp_path, tmp_path / "models")


def test_the_demonstration_opens_beside_an_imported_shop(tmp_path: Path) -> None:
    (tmp_path / "shop.db").touch()
    place = find_place(settings_of(tmp_path), True)
    assert (place.demo, place.folder) == (True, tmp_path / "demo")
    assert place.arguments == ["--data-dir", str(tmp_path), "--demo"]


def test_a_named_database_is_meant_whatever_lies_in_the_data_dir(tmp_path: Path) -> None:
    place = find_place(settings_of(tmp_path, "postgresql://shop:hush@db.example/shop"), None)
    assert (place.demo, place.folder) == (False, tmp_path)
    assert place.shown_database == "postgresql://…@db.example/shop"


def test_a_demonstration_in_a_named_database_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="unset it"):
        find_place(settings_of(tmp_path, "sqlite:///real.db"), True)
