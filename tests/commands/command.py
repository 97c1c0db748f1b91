"""`smartshop …` with nothing of this machine's settings, in this process or in one of its own."""

import json
import os
import subprocess
import sys
from contextlib import chdir
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from smartshop.cli import app


@dataclass(frozen=True)
class Ended:
    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:  # noqa: ANN401  whatever the command printed
        return json.loads(self.out)


def environment(**settings: str) -> dict[str, str]:
    """This machine's environment without its settings, plus those given."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SMARTSHOP_")}
    return {**kept, "COLUMNS": "200", **settings}


def smartshop(folder: Path, *arguments: str, **settings: str) -> Ended:
    """Run a command in this process with `folder` as the working directory, where the default data dir lies.

    An error that no command expects is raised here, and fails the test.
    """
    forgotten: dict[str, str | None] = dict.fromkeys(name for name in os.environ if name.startswith("SMARTSHOP_"))
    with chdir(folder):
        result = CliRunner().invoke(app, arguments, env={**forgotten, **settings}, catch_exceptions=False)
    return Ended(result.exit_code, result.stdout, result.stderr)


def smartshop_process(folder: Path, *arguments: str, **settings: str) -> Ended:
    """The same as a process of its own, as people run it."""
    ended = subprocess.run(
        [sys.executable, "-m", "smartshop", *arguments],
        cwd=folder,
        env=environment(**settings),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return Ended(ended.returncode, ended.stdout, ended.stderr)


def children_of(parent: int) -> dict[int, str]:
    """Process id → command line of the living children, from the process table."""
    found = {}
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            state, ppid = (folder / "stat").read_text().rpartition(")")[2].split()[:2]
            line = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except (OSError, ValueError):
            continue  # it ended while we looked
        if int(ppid) == parent and state != "Z":
            found[int(folder.name)] = line
    return found


def is_alive(process_id: int) -> bool:
    try:
        return Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
