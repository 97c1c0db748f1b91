"""Rows of a CSV, JSON Lines or Parquet file as text by column name, with their line."""

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from io import TextIOWrapper
from itertools import islice
from pathlib import Path
from typing import BinaryIO, NamedTuple, TypeVar

import polars as pl

from smartshop.data_collection.pipelines.sources.source import RejectedRow
from smartshop.errors import InvalidValue, SourceError

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
SHOWN_CHARACTERS = 2_000
"""Of a refused row."""
FORMATS = ".csv, .tsv, .jsonl, .ndjson or .parquet"
Read = TypeVar("Read")


class Row(NamedTuple):
    line: int
    values: dict[str, str]
    """Column → text, trimmed; empty and null cells are absent. Nested JSON stays JSON text."""


def read_rows(path: Path, aliases: dict[str, str], needs: tuple[str, ...]) -> Iterator[Row | RejectedRow]:
    """Yield the rows; columns are lower-cased and renamed by `aliases`.

    Raises:
        SourceError: no such file, an ending we do not know, or a needed column that is not there.
    """
    check_file(path)
    match path.suffix.lower():
        case ".csv":
            rows = _read_csv(path, ",", aliases, needs)
        case ".tsv":
            rows = _read_csv(path, "\t", aliases, needs)
        case ".jsonl" | ".ndjson":
            rows = _read_json_lines(path, aliases)
        case ".parquet":
            rows = _read_parquet(path, aliases, needs)
        case ending:
            raise SourceError(f"{path.name} ends in {ending or 'nothing'}; we read {FORMATS}.")
    yield from rows


def check_file(path: Path) -> None:
    """
    Raises:
        SourceError: there is no such file.
    """
    if not path.is_file():
        raise SourceError(f"There is no file {path}; give the path of a {FORMATS} file.")


def refuse(row: Row, error: InvalidValue) -> RejectedRow:
    """The row with the reason why it cannot be taken."""
    return RejectedRow(row.line, f"{error.code}: {error}", _shown(row))


def _shown(row: Row) -> str:
    return json.dumps(row.values, ensure_ascii=False)[:SHOWN_CHARACTERS]


def count_rows(path: Path) -> int | None:
    """About how many rows the file has, for a progress bar; None where that cannot be told: reading it says why."""
    ending = path.suffix.lower()
    try:
        if ending == ".parquet":
            return int(pl.scan_parquet(path).select(pl.len()).collect().item())
        with path.open("rb") as file:
            lines = sum(chunk.count(b"\n") for chunk in iter(lambda: file.read(1 << 20), b""))
    except (OSError, pl.exceptions.PolarsError):
        return None
    return max(lines - (ending in (".csv", ".tsv")), 0)


def batched_rows(rows: Iterator[Row | RejectedRow], size: int) -> Iterator[list[Row | RejectedRow]]:
    while batch := list(islice(rows, size)):
        yield batch


def each_read(
    rows: Iterable[Row | RejectedRow], read: Callable[[Row], Read], rejected: list[RejectedRow]
) -> Iterator[tuple[Read, RejectedRow]]:
    """What each row says, and the row itself should it be refused later (no reason yet). Those that cannot be taken
    go to `rejected`.
    """
    for row in rows:
        if isinstance(row, RejectedRow):
            rejected.append(row)
            continue
        try:
            said = read(row)
        except InvalidValue as error:
            rejected.append(refuse(row, error))
            continue
        yield said, RejectedRow(row.line, "", _shown(row))


def _check_columns(path: Path, found: list[str], needs: tuple[str, ...]) -> None:
    for need in needs:
        if not set(need.split("|")) & set(found):
            wanted = need.replace("|", " or ")
            raise SourceError(f"{path.name} has no column {wanted}; it has {', '.join(found)[:200]}.")


def rename(columns: Sequence[str], aliases: dict[str, str]) -> list[str]:
    """Columns by the format's own names. An alias never takes a name that the file itself uses.

    >>> rename(["Item ID", "sku", "Colour"], {"item_id": "product_id", "sku": "product_id"})
    ['product_id', 'sku', 'colour']
    """
    given = [column.strip().lower().replace(" ", "_") for column in columns]
    taken = set(given)
    names = []
    for name in given:
        own = aliases.get(name, name)
        names.append(name if own in taken else own)
        taken.add(names[-1])
    return names


def _read_csv(
    path: Path, delimiter: str, aliases: dict[str, str], needs: tuple[str, ...]
) -> Iterator[Row | RejectedRow]:
    csv.field_size_limit(1 << 20)
    # Bytes that are no UTF-8 become U+FFFD: one odd sign must not lose a row.
    with _opened(path) as raw, TextIOWrapper(raw, encoding="utf-8-sig", errors="replace", newline="") as file:
        reader = csv.reader((line.replace("\0", "") for line in file), delimiter=delimiter)
        try:
            columns = rename(next(reader), aliases)
        except StopIteration:
            raise SourceError(f"{path.name} is empty; its first line must name the columns.") from None
        _check_columns(path, columns, needs)
        while True:
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield RejectedRow(reader.line_num, f"unreadable: The line is no CSV ({error}).", "")
                continue
            if not cells:
                continue
            if len(cells) != len(columns):
                reason = f"ragged: The line has {len(cells)} cells; the header has {len(columns)}."
                yield RejectedRow(reader.line_num, reason, delimiter.join(cells)[:SHOWN_CHARACTERS])
                continue
            named = zip(columns, cells, strict=True)
            yield Row(reader.line_num, {column: text for column, cell in named if (text := cell.strip())})


def _read_json_lines(path: Path, aliases: dict[str, str]) -> Iterator[Row | RejectedRow]:
    names_of: dict[tuple[str, ...], list[str]] = {}
    with _opened(path) as file:
        for line, raw in enumerate(file, start=1):
            if not raw.strip():
                continue
            found = _json_object(raw)
            if found is None:
                shown = raw[:SHOWN_CHARACTERS].decode(errors="replace").strip()
                yield RejectedRow(line, "unreadable: The line is no JSON object.", shown)
                continue
            given = tuple(found)
            names = names_of.get(given) or names_of.setdefault(given, rename(given, aliases))
            cells = zip(names, found.values(), strict=True)
            yield Row(line, {name: text for name, cell in cells if (text := _as_text(cell))})


def _json_object(raw: bytes) -> dict[str, object] | None:
    try:
        found = json.loads(raw.removeprefix(BYTE_ORDER_MARK).decode(errors="replace"))
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    try:
        file = path.open("rb")
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror}.") from None
    with file:
        yield file


def _read_parquet(path: Path, aliases: dict[str, str], needs: tuple[str, ...]) -> Iterator[Row | RejectedRow]:
    try:
        frame = pl.read_parquet(path)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise SourceError(f"{path.name} cannot be read as Parquet: {error}.") from None
    columns = rename(frame.columns, aliases)
    _check_columns(path, columns, needs)
    for line, cells in enumerate(frame.iter_rows(), start=1):
        yield Row(line, {c: text for c, cell in zip(columns, cells, strict=True) if (text := _as_text(cell))})


def _as_text(value: object) -> str:
    match value:
        case None:
            return ""
        case str():
            return _clean(value)
        case bool():
            return "true" if value else "false"
        case dict() | list():
            return _clean(json.dumps(value, ensure_ascii=False, default=str))
        case float() if value.is_integer() and abs(value) < 1e15:
            return str(int(value))
    return str(value)


def _clean(text: str) -> str:
    """Without what no store can keep: null bytes, and halves of characters that JSON can write."""
    if text.isascii():
        return text.replace("\0", "").strip()
    return text.replace("\0", "").encode(errors="replace").decode().strip()
