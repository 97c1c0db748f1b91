"""Customers of a segment or an audience, as a page of JSON or as a whole CSV file, read a page at a time."""

import csv
import io
from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Literal

import msgspec
from msgspec import Meta
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from smartshop.backend_api.services.standing_views import CustomerInList, in_list
from smartshop.backend_api.utils.wire import MAX_PAGE
from smartshop.data_collection.pipelines.clock import format_rfc3339
from smartshop.data_collection.schemas.ids import ID_PATTERN, CustomerId, Micros
from smartshop.data_collection.schemas.segments import SegmentId, Standing

CSV_MEDIA_TYPE = "text/csv"
CSV_AT_ONCE = 5_000
"""Customers read and sent together: about half a megabyte."""
CSV_COLUMNS = (
    "customer_id segment_id segment membership rfm_group recency_score frequency_score monetary_score orders "
    "spent_minor first_order_at last_order_at last_seen_at p_alive churn_risk expected_orders_30 expected_orders_90 "
    "expected_orders_365 expected_value_30_minor expected_value_90_minor expected_value_365_minor next_order_at"
).split()
FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r")
"""With one of these in front a spreadsheet computes a cell instead of showing it."""
ReadPage = Callable[[CustomerId | None, int], list[Standing]]
"""Customers by customer_id behind this one, at most so many."""


class CustomersQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    limit: Annotated[int, Meta(ge=1, le=MAX_PAGE)] = 50
    cursor: (
        Annotated[str, Meta(pattern=ID_PATTERN, description="`next_cursor` of the page before; CSV has no pages.")]
        | None
    ) = None
    format: Literal["json", "csv"] | None = None


def wants_csv(request: Request, query: CustomersQuery) -> bool:
    """What the query says, else what the client likes best."""
    if query.format is not None:
        return query.format == "csv"
    return request.headers.get("accept", "").partition(",")[0].partition(";")[0].strip().lower() == CSV_MEDIA_TYPE


def json_page(
    query: CustomersQuery, names: Mapping[SegmentId, str], read: ReadPage
) -> tuple[list[CustomerInList], str | None]:
    """One page and the cursor behind it."""
    after = None if query.cursor is None else CustomerId(query.cursor)
    found = read(after, query.limit + 1)
    page = found[: query.limit]
    return [in_list(standing, names) for standing in page], page[-1].customer_id if len(found) > len(page) else None


def csv_file(
    request: Request, names: Mapping[SegmentId, str], read: ReadPage, headers: Mapping[str, str] | None = None
) -> Response:
    """All of them, sent while they are read. A text that a spreadsheet would compute gets a `'` in front."""
    told = {
        "content-disposition": 'attachment; filename="customers.csv"',
        "x-content-type-options": "nosniff",
        "cache-control": "no-store",
        **(headers or {}),
    }
    if request.method == "HEAD":
        return Response(headers=told, media_type=CSV_MEDIA_TYPE)
    return StreamingResponse(csv_parts(names, read), headers=told, media_type=CSV_MEDIA_TYPE)


def csv_parts(names: Mapping[SegmentId, str], read: ReadPage, at_once: int = CSV_AT_ONCE) -> Iterator[str]:
    """The file in parts, its head first; at most `at_once` customers are in memory."""
    yield _csv([CSV_COLUMNS])
    after: CustomerId | None = None
    while True:
        page = read(after, at_once)
        if page:
            yield _csv([_cells(standing, names) for standing in page])
        if len(page) < at_once:
            return
        after = page[-1].customer_id


def _csv(rows: list[list[object]] | list[list[str]]) -> str:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue()


def _cells(standing: Standing, names: Mapping[SegmentId, str]) -> list[object]:
    segment_id = standing.segment_id
    return [
        _shown(standing.customer_id),
        _shown(segment_id or ""),
        _shown(names.get(segment_id, "") if segment_id is not None else ""),
        f"{standing.membership:.3f}" if segment_id is not None else "",
        _shown(standing.rfm_group),
        standing.recency_score,
        standing.frequency_score,
        standing.monetary_score,
        standing.orders,
        standing.spent_minor,
        _moment(standing.first_order_at),
        _moment(standing.last_order_at),
        _moment(standing.last_seen_at),
        _chance(standing.p_alive),
        _chance(standing.churn_risk),
        *(f"{orders:.3f}" for orders in standing.expected_orders),
        *standing.expected_value_minor,
        _moment(standing.next_order_at),
    ]


def _shown(text: str) -> str:
    return f"'{text}" if text.startswith(FORMULA_SIGNS) else text


def _moment(micros: Micros | None) -> str:
    return "" if micros is None else format_rfc3339(micros)


def _chance(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"
