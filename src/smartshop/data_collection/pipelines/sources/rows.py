"""Rows of a CSV, JSON Lines or Parquet file as text by column name, with their line."""

import csv
import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import polars as pl

from smartshop.data_collection.pipelines.sources.source import RejectedRow
from smartshop.errors import SourceError

FORMATS = ".csv, .tsv, .jsonl, .ndjson or .parquet"


class Row(NamedTuple):
    line: int
    values: dict[str, str]
    """Column → text, trimmed; empty and null cells are absent. Nested JSON stays JSON text."""


def read_rows(path: Path, aliases: dict[str, str], needs: tuple[str, ...]) -> Iterator[Row | RejectedRow]:
    """Yield the rows; columns are lower-cased and renamed by `aliases`.

    Raises:
        SourceError: no such file, an ending we do not know, or a needed column that is not there.
    """
    if not path.is_file():
        raise SourceError(f"There is no file {path}; give the path of a {FORMATS} file.")
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


def count_rows(path: Path) -> int | None:
    """Rows of the file for a progress bar; None where counting would cost as much as reading."""
    if path.suffix.lower() == ".parquet":
        return int(pl.scan_parquet(path).select(pl.len()).collect().item())
    if path.suffix.lower() in (".jsonl", ".ndjson", ".csv", ".tsv"):
        with path.open("rb") as file:
            lines = sum(chunk.count(b"\n") for chunk in iter(lambda: file.read(1 << 20), b""))
        return max(lines - (path.suffix.lower() in (".csv", ".tsv")), 0)
    return None


def batched_rows(rows: Iterator[Row | RejectedRow], size: int) -> Iterator[list[Row | RejectedRow]]:
    while batch := list(islice(rows, size)):
        yield batch


def _check_columns(path: Path, found: list[str], needs: tuple[str, ...]) -> None:
    for need in needs:
        if not set(need.split("|")) & set(found):
            wanted = need.replace("|", " or ")
            raise SourceError(f"{path.name} has no column {wanted}; it has {', '.join(found)[:200]}.")


def _name(column: str, aliases: dict[str, str]) -> str:
    name = column.strip().lower().replace(" ", "_")
    return aliases.get(name, name)


def _read_csv(
    path: Path, delimiter: str, aliases: dict[str, str], needs: tuple[str, ...]
) -> Iterator[Row | RejectedRow]:
    csv.field_size_limit(1 << 20)
    # Bytes that are no UTF-8 become U+FFFD: one odd sign must not lose a row.
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        reader = csv.reader((line.replace("\0", "") for line in file), delimiter=delimiter)
        try:
            columns = [_name(column, aliases) for column in next(reader)]
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
                yield RejectedRow(reader.line_num, reason, delimiter.join(cells)[:2_000])
                continue
            named = zip(columns, cells, strict=True)
            yield Row(reader.line_num, {column: text for column, cell in named if (text := cell.strip())})


def _read_json_lines(path: Path, aliases: dict[str, str]) -> Iterator[Row | RejectedRow]:
    with path.open("rb") as file:
        for line, raw in enumerate(file, start=1):
            if not raw.strip():
                continue
            try:
                found = json.loads(raw)
            except (ValueError, RecursionError):
                found = None
            if not isinstance(found, dict):
                shown = raw[:2_000].decode(errors="replace").strip()
                yield RejectedRow(line, "unreadable: The line is no JSON object.", shown)
                continue
            yield Row(line, {_name(k, aliases): text for k, v in found.items() if (text := _as_text(v))})


def _read_parquet(path: Path, aliases: dict[str, str], needs: tuple[str, ...]) -> Iterator[Row | RejectedRow]:
    try:
        frame = pl.read_parquet(path)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise SourceError(f"{path.name} cannot be read as Parquet: {error}.") from None
    columns = [_name(column, aliases) for column in frame.columns]
    _check_columns(path, columns, needs)
    for line, cells in enumerate(frame.iter_rows(), start=1):
        yield Row(line, {c: text for c, cell in zip(columns, cells, strict=True) if (text := _as_text(cell))})


def _as_text(value: object) -> str:
    match value:
        case None:
            return ""
        case str():
            return value.strip()
        case bool():
            return "true" if value else "false"
        case dict() | list():
            return json.dumps(value, ensure_ascii=False, default=str)
        case float() if value.is_integer() and abs(value) < 1e15:
            return str(int(value))
    return str(value)
