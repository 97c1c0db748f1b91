"""Setting up works on a bare machine, and says what is missing where it cannot."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tools.link_node import link_node

OLD_PYTHON = "#!/bin/sh\nexit 1\n"
"""Answers every question with no, as a Python 3.9 does when asked whether it is 3.11."""


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """A PATH folder with nothing but the shell."""
    folder = tmp_path / "programs"
    folder.mkdir()
    (folder / "sh").symlink_to(str(shutil.which("sh")))
    return folder


def find_python(repository: Path, programs: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    command = ["/bin/sh", str(repository / "tools" / "find_python.sh")]
    return subprocess.run(
        command, env={"PATH": str(programs), **environment}, capture_output=True, text=True, check=False
    )


def test_a_newer_python_is_taken_when_the_first_is_too_old(repository: Path, programs: Path) -> None:
    _write_program(programs / "python3", OLD_PYTHON)
    (programs / "python3.12").symlink_to(sys.executable)
    assert find_python(repository, programs).stdout.strip() == str(programs / "python3.12")


def test_a_machine_without_a_fitting_python_is_told_so(repository: Path, programs: Path) -> None:
    _write_program(programs / "python3", OLD_PYTHON)
    found = find_python(repository, programs)
    assert found.returncode == 1
    assert "No Python 3.11 or newer" in found.stderr


def test_a_named_python_that_does_not_fit_is_named_back(repository: Path, programs: Path) -> None:
    found = find_python(repository, programs, PYTHON="python2.7")
    assert found.returncode == 1
    assert "'python2.7'" in found.stderr


def test_node_and_npm_work_on_a_machine_without_node(tmp_path: Path, programs: Path) -> None:
    link_node(tmp_path)
    link_node(tmp_path)  # a second set-up replaces what the first wrote
    bare = {"PATH": str(programs), "HOME": str(tmp_path)}
    for name in ("node", "npm", "npx"):
        answer = subprocess.run([tmp_path / name, "--version"], env=bare, capture_output=True, text=True, check=True)
        assert answer.stdout.lstrip("v")[0].isdigit()


def test_a_browser_that_is_named_but_missing_stops_the_set_up(repository: Path, tmp_path: Path) -> None:
    script = str(repository / "tools" / "ensure_chromium.sh")
    environment = {**os.environ, "CHROMIUM": str(tmp_path / "chromium")}
    ended = subprocess.run(["/bin/sh", script], env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert str(tmp_path / "chromium") in ended.stderr


def _write_program(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)
