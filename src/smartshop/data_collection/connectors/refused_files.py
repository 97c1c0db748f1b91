"""Rows that imports refused: a file of JSON lines per import, beside the database."""

import os
from collections.abc import Iterator
from pathlib import Path

from smartshop.data_collection.connectors.named_ids import Named, cells_in

FOLDER = "quarantine"
"""In the shop's folder."""


def lines_naming(folder: Path, named: Named) -> Iterator[bytes]:
    for path in sorted(folder.glob("*.jsonl")):
        with path.open("rb") as file:
            yield from (line for line in file if _is_theirs(line, named))


def remove_lines(folder: Path, named: Named) -> int:
    """Write the files anew without the lines that name these ids; how many lines those were."""
    removed = 0
    for path in sorted(folder.glob("*.jsonl")):
        with path.open("rb") as file:
            theirs = sum(_is_theirs(line, named) for line in file)
        if not theirs:
            continue
        rest = path.with_suffix(".rest")
        with path.open("rb") as file, rest.open("wb") as kept:
            kept.writelines(line for line in file if not _is_theirs(line, named))
            kept.flush()
            os.fsync(kept.fileno())
        rest.replace(path)
        removed += theirs
    return removed


def _is_theirs(line: bytes, named: Named) -> bool:
    return named.is_in(line) or not named.ids.isdisjoint(cells_in(line))
