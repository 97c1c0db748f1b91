"""Segments, who is in them, what refits changed, and where a customer stands."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from smartshop.backend_api.services.customer_pages import CSV_COLUMNS, csv_parts
from smartshop.data_collection.pipelines.clock import DAY, system_now
from smartshop.data_collection.schemas.ids import CustomerId, Micros
from smartshop.data_collection.schemas.segments import SegmentKind, SegmentMove, Standing, WhyReason
from tests.api.customers_who_stand import CHAMPIONS, CLIMBERS, HOSTS, populate, refit, standing
from tests.api.shop_for_tests import PUBLISHABLE, SECRET, Opened, opened_service

FORMULA = CustomerId("=HYPERLINK(1)")


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    with opened_service(tmp_path_factory.mktemp("shop")) as opened:
        odd = msgspec.structs.replace(standing(1, system_now()), customer_id=FORMULA, spent_minor=-250)
        populate(opened.shop.customers, opened.shop.standings, extra=[odd])
        yield opened


def test_segments_tell_their_size_and_value(service: Opened) -> None:
    items = service.client.get("/v1/segments", headers=SECRET).json()["items"]
    by_id = {item["segment_id"]: item for item in items}
    assert set(by_id) == {"rfm-champions", "rfm-dormant", "b1", "b2"}
    groups = [item for item in items if item["kind"] == "rfm"]
    assert (sum(item["customers"] for item in groups), sum(item["share"] for item in groups)) == (101, pytest.approx(1))
    climbers = by_id["b1"]
    assert (climbers["name"], climbers["customers"], climbers["share"]) == ("Climbers", 40, pytest.approx(40 / 101))
    members = [n for n in range(100) if n % 2 == 0 and n % 5 != 4]
    assert climbers["mean_spent_minor"] == pytest.approx(sum((1 + n % 7) * 2_000 for n in members) / 40)
    assert climbers["mean_churn_risk"] == pytest.approx(sum(n % 10 / 10 for n in members) / 40)
    assert climbers["mean_expected_value_90_minor"] == pytest.approx(1_200)


def test_a_retired_segment_is_told_on_request(service: Opened) -> None:
    items = service.client.get("/v1/segments?retired=true", headers=SECRET).json()["items"]
    gone = next(item for item in items if item["segment_id"] == "b3")
    assert (gone["customers"], gone["share"], gone["mean_spent_minor"]) == (0, 0.0, None)
    assert gone["retired_at"] is not None


def test_one_segment_has_its_sizes_over_time(service: Opened) -> None:
    found = service.client.get("/v1/segments/b1", headers=SECRET).json()
    assert found["sentence"] == "Climbers buy as nobody else does."
    assert [(point["version"], point["customers"]) for point in found["history"]] == [("r-1", 40)]
    unknown = service.client.get("/v1/segments/b99", headers=SECRET)
    assert (unknown.status_code, "b99" in unknown.json()["detail"]) == (404, True)


def test_customers_of_a_segment_come_in_pages(service: Opened) -> None:
    found, cursor = list[str](), None
    for _ in range(9):
        where = "/v1/segments/b1/customers?limit=9" + (f"&cursor={cursor}" if cursor else "")
        page = service.client.get(where, headers=SECRET).json()
        found += [item["customer_id"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert found == [f"c-{n:04d}" for n in range(100) if n % 2 == 0 and n % 5 != 4]
    first = service.client.get("/v1/segments/b1/customers?limit=1", headers=SECRET).json()["items"][0]
    assert first["segment"] == {
        "segment_id": "b1", "name": "Climbers", "membership": 0.9, "since": first["segment"]["since"]
    }  # fmt: skip
    assert (first["rfm"]["name"], first["orders"], first["spent_minor"]) == ("Dormant", 1, 2_000)


@pytest.mark.parametrize(
    ("query", "headers"), [("?format=csv", {}), ("", {"Accept": "text/csv"}), ("", {"Accept": "text/csv;q=0.9, */*"})]
)
def test_customers_of_a_segment_are_one_csv_file(service: Opened, query: str, headers: dict[str, str]) -> None:
    answer = service.client.get(f"/v1/segments/b2/customers{query}", headers={**SECRET, **headers})
    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.headers["content-disposition"] == 'attachment; filename="customers.csv"'
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert len(rows) == 41
    assert list(rows[0]) == CSV_COLUMNS


def test_no_cell_of_a_csv_file_is_a_formula(service: Opened) -> None:
    text = service.client.get("/v1/segments/b2/customers?format=csv", headers=SECRET).text
    row = next(row for row in csv.DictReader(io.StringIO(text)) if "HYPERLINK" in row["customer_id"])
    assert row["customer_id"] == "'=HYPERLINK(1)"
    assert row["segment"] == "'=Hosts"
    assert row["spent_minor"] == "-250", "a number stays a number"
    json = service.client.get("/v1/segments/b2/customers?limit=200", headers=SECRET).json()
    assert FORMULA in [item["customer_id"] for item in json["items"]], "JSON has ids as they are"


def test_a_csv_file_is_read_a_page_at_a_time(service: Opened) -> None:
    asked = list[int]()

    def read(after: CustomerId | None, limit: int) -> list[Standing]:
        asked.append(limit)
        return service.shop.standings.page(CLIMBERS, after, limit)

    text = "".join(csv_parts({}, read, at_once=15))
    assert asked == [15, 15, 15]
    assert len(text.splitlines()) == 41
    head = service.client.head("/v1/segments/b1/customers?format=csv", headers=SECRET)
    assert (head.status_code, head.content) == (200, b"")


def test_moves_are_told_newest_first_and_of_one_customer(service: Opened) -> None:
    now = system_now()
    for days, customer in ((3, "c-0001"), (2, "c-0003")):
        at = Micros(now - days * DAY)
        moved = msgspec.structs.replace(standing(int(customer[2:]), now), log_no=9)
        move = SegmentMove(
            customer_id=CustomerId(customer),
            kind=SegmentKind.BEHAVIOUR,
            from_segment=CLIMBERS,
            to_segment=HOSTS,
            cause="behaviour",
            moved_at=at,
        )
        service.shop.standings.put([moved], [move])
    every = service.client.get("/v1/segments/moves", headers=SECRET).json()["items"]
    assert [move["customer_id"] for move in every] == ["c-0003", "c-0001"]
    one = service.client.get("/v1/segments/moves?customer_id=c-0001", headers=SECRET).json()["items"]
    assert [(move["from_segment"], move["to_segment"], move["cause"]) for move in one] == [("b1", "b2", "behaviour")]


def test_refits_tell_what_they_changed_and_why(service: Opened) -> None:
    refits = service.client.get("/v1/segments/refits", headers=SECRET).json()["items"]
    first = next(item for item in refits if item["version"] == "r-1")
    assert (first["compared"], first["moved_behaviour"], first["moved_model"], first["held_back"]) == (80, 3, 1, False)
    assert first["flows"][1] == {"from_segment": None, "to_segment": "b1", "customers": 2}
    assert first["measures"] == {"value_mae": 0.7, "naive_mae": 0.9}, "what could not be measured is left out"


def test_a_refit_held_back_is_accepted_by_a_job(service: Opened) -> None:
    now = system_now()
    service.shop.standings.add_refit(refit("r-held", now, held_back=True, moved_model=40, note="Too many moved."))
    asked = service.client.post("/v1/segments/refits/r-held/accept", headers=SECRET)
    assert (asked.status_code, asked.json()["name"], asked.json()["state"]) == (202, "accept-segments", "queued")
    again = service.client.post("/v1/segments/refits/r-held/accept", headers=SECRET)
    assert (again.status_code, again.json()["job_id"]) == (200, asked.json()["job_id"])
    (job,) = [job for job in service.shop.jobs.recent() if job.name == "accept-segments"]
    assert job.arguments == {"version": "r-held"}
    for version, status in (("r-1", 409), ("r-none", 404)):
        refused = service.client.post(f"/v1/segments/refits/{version}/accept", headers=SECRET)
        assert (refused.status_code, version in refused.json()["detail"]) == (status, True)
    history = service.client.get("/v1/segments/b1", headers=SECRET).json()["history"]
    assert "r-held" not in [point["version"] for point in history], "it never served"


def test_a_refit_held_back_that_a_newer_one_follows_is_history(service: Opened) -> None:
    now = system_now()
    service.shop.standings.add_refit(refit("r-old", Micros(now + DAY), held_back=True))
    service.shop.standings.add_refit(refit("r-new", Micros(now + 2 * DAY)))
    refused = service.client.post("/v1/segments/refits/r-old/accept", headers=SECRET)
    assert (refused.status_code, "older" in refused.json()["detail"]) == (409, True)
    service.shop.standings.add_refit(refit("r-taken", Micros(now + 3 * DAY), held_back=True, accepted_at=now))
    refused = service.client.post("/v1/segments/refits/r-taken/accept", headers=SECRET)
    assert (refused.status_code, "was accepted" in refused.json()["detail"]) == (409, True)


def test_a_customer_is_told_with_their_standing_to_a_secret_key_alone(service: Opened) -> None:
    told = service.client.get("/v1/customers/c-0002", headers=SECRET).json()["standing"]
    assert (told["segment"]["name"], told["rfm"]["recency"], told["churn_risk"]) == ("Climbers", 3, 0.2)
    assert [(part["days"], part["orders"], part["value_minor"]) for part in told["expected"]] == [
        (30, 0.2, 400), (90, 0.6, 1_200), (365, 2.4, 4_800)
    ]  # fmt: skip
    assert told["accuracy"]["naive_mae"] == 0.9
    assert told["affinities"][0] == {"kind": "category", "subject": "Outdoor > Tents", "strength": 0.8}
    own = service.client.get("/v1/customers/c-0002", headers=service.token(customer_id="c-0002"))
    assert own.json()["standing"] is None
    assert service.client.get("/v1/customers/c-0002", headers=PUBLISHABLE).status_code == 403


def test_a_customer_without_standing_has_none(service: Opened) -> None:
    service.shop.standings.drop([CustomerId("c-0098")], "consent", system_now())
    assert service.client.get("/v1/customers/c-0098", headers=SECRET).json()["standing"] is None


def test_the_reasons_why_come_from_the_loaded_model(tmp_path_factory: pytest.TempPathFactory) -> None:
    reasons = [WhyReason("bulk", "6 per line, where the shop has 1.2", 0.5)]
    with opened_service(tmp_path_factory.mktemp("explained"), explain_standing=lambda _: reasons) as opened:
        populate(opened.shop.customers, opened.shop.standings, 4)
        told = opened.client.get("/v1/customers/c-0001", headers=SECRET).json()["standing"]
    assert told["why"] == [{"feature": "bulk", "text": "6 per line, where the shop has 1.2", "weight": 0.5}]


def test_a_shop_without_segments_answers_empty(tmp_path_factory: pytest.TempPathFactory) -> None:
    with opened_service(tmp_path_factory.mktemp("new")) as opened:
        for path in ("/v1/segments", "/v1/segments/refits", "/v1/segments/moves"):
            assert opened.client.get(path, headers=SECRET).json() == {"items": [], "next_cursor": None}
        assert opened.client.get(f"/v1/segments/{CHAMPIONS}", headers=SECRET).status_code == 404


def test_a_segment_is_renamed_by_the_shop(tmp_path: Path) -> None:
    with opened_service(tmp_path) as service:
        populate(service.shop.customers, service.shop.standings)

        def put(segment_id: str, name: object) -> tuple[int, str]:
            answer = service.client.put(f"/v1/segments/{segment_id}/name", json={"name": name}, headers=SECRET)
            return answer.status_code, answer.json().get("detail", answer.json().get("name"))

        assert put("b1", "  Summit club ") == (200, "Summit club")
        assert service.client.get("/v1/segments/b1", headers=SECRET).json()["name"] == "Summit club"
        page = service.client.get("/v1/segments/b1/customers?limit=1", headers=SECRET).json()
        assert page["items"][0]["segment"]["name"] == "Summit club"
        for segment_id, name, status, word in (
            ("b2", "SUMMIT CLUB", 409, "b1 is named"),
            ("rfm-champions", "Winners", 409, "RFM group"),
            ("b3", "Back again", 409, "ended"),
            ("b99", "x", 404, "b99"),
            ("b1", "   ", 422, "0 characters"),
            ("b1", "x" * 61, 422, "61 characters"),
            ("b1", "a\x07b", 422, "control"),
            ("b1", "a\u202eb", 422, "control"),
            ("b1", 7, 422, "expected str"),
        ):
            refused = put(segment_id, name)
            assert (refused[0], word in refused[1]) == (status, True), refused
        answer = service.client.put("/v1/segments/b1/name", json={"name": "x"}, headers=PUBLISHABLE)
        assert answer.status_code == 403
        assert service.client.get("/v1/segments/b1", headers=SECRET).json()["name"] == "Summit club"
