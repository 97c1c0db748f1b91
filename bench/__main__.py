"""`make bench`: every figure with its protocol, the machine it was measured on, and a JSON file of all of it."""

import argparse
import json
import subprocess
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.data import measure_first_start, measure_history, measure_import, measure_installation
from bench.feeds import measure_feeds
from bench.figures import Figure
from bench.ingest import measure_ingest
from bench.live import measure_live
from bench.machine import describe_machine
from bench.recommendation import measure_recommendation
from bench.segments import measure_segments
from bench.service import run_command
from bench.shops import make_large_shop
from bench.slates import measure_slates
from bench.training import measure_training
from bench.vast_slates import measure_vast_slates

PARTS = (
    "installation",
    "history",
    "ingest",
    "feeds",
    "slates",
    "slates-large",
    "import",
    "segments",
    "training",
    "recommendation",
    "first-start",
)
SLOW = ("training", "recommendation")
"""Ten million interactions; twelve thousand products evaluated three times: half an hour, not minutes."""
QUICK = tuple(part for part in PARTS if part not in SLOW)
GENERATOR = "bench/load.py: asyncio, one process on the same machine, keep-alive HTTP/1.1 over loopback"


def main() -> None:
    arguments = _arguments()
    console = Console()
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        machine = describe_machine(folder)
        for part in arguments.parts:
            console.print(f"  measuring {part} …")
            found = _measure(part, folder, arguments)
            figures.extend(found)
            console.print(_table(part, found))
    _write(arguments.output, machine, figures)
    console.print(f"  {machine}\n  written to {arguments.output}", highlight=False, soft_wrap=True)


def _measure(part: str, folder: Path, arguments: argparse.Namespace) -> list[Figure]:
    measures: dict[str, Callable[[], list[Figure]]] = {
        "installation": measure_installation,
        "history": measure_history,
        "ingest": lambda: measure_ingest(_new(folder / "ingest"), arguments.seconds),
        "feeds": lambda: measure_feeds(_new(folder / "feeds"), min(arguments.seconds, 20.0)),
        "slates": lambda: _slates_and_live(_new(folder / "slates"), min(arguments.seconds, 20.0)),
        "slates-large": lambda: measure_vast_slates(_new(folder / "slates-large"), min(arguments.seconds, 20.0)),
        "import": lambda: measure_import(arguments.online_retail) if arguments.online_retail.exists() else [],
        "segments": lambda: measure_segments(arguments.online_retail),
        "recommendation": lambda: measure_recommendation(
            arguments.amazon_beauty, arguments.online_retail, arguments.seeds, arguments.cuts, arguments.output.parent
        ),
        "training": measure_training,
        "first-start": measure_first_start,
    }
    return measures[part]()


def _slates_and_live(folder: Path, seconds: float) -> list[Figure]:
    shop = make_large_shop(folder)
    run_command(["train", "--data-dir", str(folder)])
    return measure_slates(folder, shop, seconds) + measure_live(folder, shop)


def _new(folder: Path) -> Path:
    folder.mkdir()
    return folder


def _table(part: str, figures: list[Figure]) -> Table:
    table = Table(title=part, title_justify="left")
    for column in ("figure", "value", "unit", "wanted", "protocol"):
        table.add_column(column, justify="right" if column == "value" else "left")
    colours = {True: "green", False: "red", None: ""}
    for figure in figures:
        value = f"{figure.value:,.4f}" if abs(figure.value) < 1 else f"{figure.value:,.2f}"
        colour = colours[figure.met]
        table.add_row(figure.name, f"[{colour}]{value}[/]" if colour else value, figure.unit, figure.wanted, figure.how)
    return table


def _write(path: Path, machine: dict[str, object], figures: list[Figure]) -> None:
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    report = {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit.stdout.strip(),
        "machine": machine,
        "load_generator": GENERATOR,
        "figures": [figure.as_json() for figure in figures],
    }
    path.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    known = ", ".join(PARTS)
    parser.add_argument("parts", nargs="*", default=QUICK, help=f"any of {known}; all but {SLOW} when none is named")
    parser.add_argument("--seconds", type=float, default=60.0, help="length of the long runs")
    parser.add_argument("--output", type=Path, default=Path("bench-output/figures.json"))
    parser.add_argument(
        "--online-retail", type=Path, default=Path("../shared/data/online_retail/online_retail.parquet")
    )
    parser.add_argument(
        "--amazon-beauty", type=Path, default=Path("../shared/data/amazon_beauty/amazon2014_beauty_5core.parquet")
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2], help="of recommendation on amazon_beauty")
    parser.add_argument("--cuts", nargs="+", default=["2011-04-01", "2011-06-01"], help="of online_retail's baskets")
    found = parser.parse_args()
    if unknown := set(found.parts) - set(PARTS):
        parser.error(f"there is no part {sorted(unknown)[0]!r}; there are {', '.join(PARTS)}")
    return found


main()
