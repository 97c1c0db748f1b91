"""Events and weather from a file: taken by name, day and place, refused with a reason."""

import json
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from smartshop.data_collection.pipelines.clock import system_now, to_datetime
from smartshop.data_collection.schemas.demand_causes import MOST_NAMES, CauseFilter, CauseKind, DemandCause
from smartshop.data_collection.schemas.ids import LocationId
from smartshop.doctor import Finding, examine
from tests.importing.shop import EmbeddedShop, opened_shop, refused_lines

GOOD: list[dict[str, object]] = [
    {"name": "summer-fair", "kind": "event", "day": "2026-06-20", "value": None, "location_id": None},
    {"name": "summer-fair", "kind": None, "day": "2026-06-21", "value": 1.0, "location_id": "oslo"},
    {"name": "temperature_c", "kind": "weather", "day": "2026-06-20", "value": -3.5, "location_id": None},
    {"name": "temperature_c", "kind": None, "day": "2026-06-20", "value": 17.25, "location_id": None},
]
BAD: list[tuple[dict[str, object], str]] = [
    ({"name": "Summer Fair"}, "invalid_value: The name 'Summer Fair' is no slug"),
    ({"name": "temperature_c", "value": None}, "invalid_value: Weather without a value"),
    ({"day": "20.06.2026"}, "invalid_value: The day '20.06.2026' is no date"),
    ({"day": "1999-12-31"}, "invalid_value: The day 1999-12-31 cannot be"),
    ({"day": "2999-12-31"}, "invalid_value: The day 2999-12-31 cannot be"),
    ({"kind": "mood"}, "invalid_value: The kind 'mood' is none; write one of event, weather."),
    ({"value": 2e6}, "invalid_value: The value 2000000.0 is no number of weather"),
    ({"kind": "event", "value": 3.0}, "invalid_value: The event 'rain' has the value 3"),
    ({"location_id": "a/b"}, "invalid_id: The location_id 'a/b'"),
    ({"name": "summer-fair"}, "other_kind: 'summer-fair' is known as event"),
]
RAIN: dict[str, object] = {"name": "rain", "kind": "weather", "day": "2026-06-20", "value": 2.0, "location_id": None}
JUNE = date(2026, 6, 20)


def written(folder: Path, ending: str, rows: list[dict[str, object]]) -> Path:
    path = folder / f"causes.{ending}"
    if ending == "jsonl":
        path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
        return path
    frame = pl.DataFrame(rows)
    frame.write_csv(path) if ending == "csv" else frame.write_parquet(path)
    return path


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_what_is_known_of_days_comes_in_and_the_last_one_stands(tmp_path: Path, ending: str) -> None:
    rows: list[dict[str, object]] = [dict(row) for row in GOOD]
    rows[1]["kind"] = "event"  # with a value it would be taken for weather
    with opened_shop(tmp_path / "shop") as shop:
        report = shop.bring("causes", written(tmp_path, ending, rows))
        assert (report.rows, report.causes, report.refused) == (4, 4, 0)
        fair, weather = CauseKind.EVENT, CauseKind.WEATHER
        assert shop.stores.demand_causes.page(CauseFilter()) == [
            DemandCause(name="summer-fair", kind=fair, day=JUNE, value=1.0),
            DemandCause(
                name="summer-fair", kind=fair, day=date(2026, 6, 21), value=1.0, location_id=LocationId("oslo")
            ),
            DemandCause(name="temperature_c", kind=weather, day=JUNE, value=17.25),
        ]


def test_refused_rows_say_why(tmp_path: Path) -> None:
    rows: list[dict[str, object]] = [dict(GOOD[0]), dict(RAIN), *({**RAIN, **bad} for bad, _ in BAD)]
    with opened_shop(tmp_path / "shop") as shop:
        report = shop.bring("causes", written(tmp_path, "jsonl", rows))
        reasons = {line["line"]: str(line["reason"]) for line in refused_lines(report)}
        assert set(reasons) == set(range(3, 3 + len(BAD)))
        for line, (_, says) in enumerate(BAD, start=3):
            assert reasons[line].startswith(says)
        assert report.causes == 2


def test_only_names_too_many_are_refused(tmp_path: Path) -> None:
    most = MOST_NAMES[CauseKind.WEATHER]
    rows: list[dict[str, object]] = [{**RAIN, "name": f"w{number:02}"} for number in range(most + 2)]
    with opened_shop(tmp_path / "shop") as shop:
        report = shop.bring("causes", written(tmp_path, "csv", [*rows, dict(GOOD[0])]))
        assert (report.causes, dict(report.reasons)) == (most + 1, {"too_many_names": 2})
        assert sorted(shop.stores.demand_causes.names())[-2:] == ["w10", "w11"]


def known_days(shop: EmbeddedShop, country: str | None = None) -> Finding:
    findings = examine(shop.settings.model_copy(update={"country": country}), shop.place)
    return next(one for one in findings if one.check == "known days")


def test_doctor_says_what_is_known_of_days_and_what_is_told_no_more(tmp_path: Path) -> None:
    today = to_datetime(system_now()).date()
    ahead, over = today + timedelta(days=5), today - timedelta(days=3)
    with opened_shop(tmp_path / "shop") as shop:
        assert known_days(shop).state == "note"
        shop.bring("causes", written(tmp_path, "csv", [{**RAIN, "day": ahead.isoformat()}, dict(GOOD[0])]))
        assert known_days(shop) == Finding(
            "known days", "good", f"rain (weather, until {ahead}), summer-fair (event, until 2026-06-20)."
        )
        shop.bring("causes", written(tmp_path, "jsonl", [{**RAIN, "name": "wind", "day": over.isoformat()}]))
        stale = known_days(shop)
        assert (stale.state, stale.says.startswith(f"Last told was wind of {over}")) == ("note", True)


def test_doctor_says_whose_holidays_are_known(tmp_path: Path) -> None:
    pytest.importorskip("holidays")
    with opened_shop(tmp_path / "shop") as shop:
        assert known_days(shop, "GB").says == "public holidays of GB."
        assert "No public holidays are known of QQ" in known_days(shop, "QQ").says
