"""What must hold of the whole checkout: no trace of one machine, every module in use, docs in step with the code."""

import re
import subprocess
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grimp
import pytest

from tools.reference_pages import stale_pages

# Put together from parts, so that this file is not its own finding.
REGISTRIES = ("pypi" + ".org", "python" + "hosted.org", "registry.npm" + "js.org", "registry.yarn" + "pkg.com")
INDEX_OPTIONS = ("index" + "-url", "index" + "_url", "find" + "-links =")
MACHINE_FOLDERS = ("work", "farm", "home", "root", "Users", "opt/wheels", "opt/pypi")
MACHINE_PATH = re.compile(rf"(?:^|[\s\"'`(=:])/(?:{'|'.join(MACHINE_FOLDERS)})/")
RESOLVED_ADDRESS = re.compile(r'"resolved":\s*"http')

ENTRY_MODULES = ("smartshop.cli", "smartshop.__main__")
"""The command line, by both its names."""
CONCRETE_STORE = re.compile(r"smartshop\.data_collection\.connectors\.(?!(ports|ownership|reads)$)")
WORLD_IMPORT = re.compile(r"^from (smartshop\.simulator\.\w+) import", re.MULTILINE)
RUN_BY_PATH = re.compile(r"\.migrations(\.|$)")
"""Alembic loads migrations from their folder; nothing imports them."""


@pytest.fixture(scope="module")
def tracked_texts(repository: Path) -> dict[str, str]:
    """Path → text of every tracked file that is text."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=repository, capture_output=True, text=True, check=True)
    return {name: text for name in listed.stdout.split("\0") if name and (text := _text(repository / name))}


@pytest.fixture(scope="module")
def imports() -> grimp.ImportGraph:
    return grimp.build_graph("smartshop", cache_dir=None)


def test_no_file_names_a_registry(tracked_texts: dict[str, str], repository: Path) -> None:
    hosts = (*REGISTRIES, *_configured_registry_hosts(repository))
    assert _findings(tracked_texts, lambda line: any(host in line for host in hosts)) == []


def test_no_file_says_where_packages_are_fetched(tracked_texts: dict[str, str]) -> None:
    allowed = {
        "tools/pin_versions.sh",
        "tools/set_up_python.sh",
    }  # they leave the registry out, or hand on the user's own
    others = {name: text for name, text in tracked_texts.items() if name not in allowed}
    found = _findings(others, lambda line: any(o in line for o in INDEX_OPTIONS) or bool(RESOLVED_ADDRESS.search(line)))
    assert found == []
    assert [name for name in tracked_texts if name.endswith("uv.lock")] == []


def test_no_file_names_a_folder_of_one_machine(tracked_texts: dict[str, str]) -> None:
    assert _findings(tracked_texts, lambda line: bool(MACHINE_PATH.search(line))) == []


def test_every_module_is_reached_from_the_command_line(imports: grimp.ImportGraph, repository: Path) -> None:
    """Worlds that only measurements live in are reached from the bench."""
    worlds = {name for path in (repository / "bench").glob("*.py") for name in WORLD_IMPORT.findall(path.read_text())}
    entries = {*ENTRY_MODULES, *worlds}
    reached = set(entries)
    for entry in imports.modules & entries:
        reached |= imports.find_upstream_modules(entry)
    packages = {parent for module in reached for parent in _parents(module)}
    unreached = imports.modules - reached - packages
    assert sorted(module for module in unreached if not RUN_BY_PATH.search(module)) == []


def test_every_folder_of_code_is_a_package(repository: Path) -> None:
    folders = {path.parent for path in (repository / "src" / "smartshop").rglob("*.py")}
    bare = [folder for folder in folders if not (folder / "__init__.py").exists()]
    assert sorted(str(folder) for folder in bare if "migrations" not in folder.parts) == []


def test_package_files_hold_no_code(repository: Path) -> None:
    with_code = [path for path in (repository / "src").rglob("__init__.py") if path.read_text(encoding="utf-8").strip()]
    assert with_code == []


def test_every_agent_is_kept_apart_by_the_import_contracts(repository: Path) -> None:
    contracts = _project(repository)["tool"]["importlinter"]["contracts"]
    rows = next(contract["layers"] for contract in contracts if contract["id"] == "agents-room")
    kept_apart = set(re.findall(r"\w+", next(row for row in rows if "|" in row)))
    folders = (repository / "src" / "smartshop" / "ai_agents").glob("*/__init__.py")
    assert {path.parent.name for path in folders} <= kept_apart


def test_only_the_entry_points_and_the_wiring_name_a_concrete_store(imports: grimp.ImportGraph) -> None:
    concrete = {module for module in imports.modules if CONCRETE_STORE.match(module)}
    importers = {importer for store in concrete for importer in imports.find_modules_that_directly_import(store)}
    entry_points = {module for module in imports.modules if module.count(".") == 1}
    assert sorted(importers - concrete - entry_points) == []


def test_the_reference_pages_say_what_the_code_says(repository: Path) -> None:
    assert stale_pages(repository / "docs") == []


def test_the_readme_begins_with_the_two_commands(repository: Path) -> None:
    beginning = (repository / "README.md").read_text(encoding="utf-8")[:400]
    assert re.search(r"^make run\b", beginning, re.MULTILINE)
    assert re.search(r"^make test\b", beginning, re.MULTILINE)


def test_every_requirement_has_an_exact_version(repository: Path) -> None:
    project = _project(repository)["project"]
    wanted = [
        *project["dependencies"],
        *(line for extra in project["optional-dependencies"].values() for line in extra),
    ]
    pins = (repository / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pinned = {line.partition("==")[0] for line in pins if "==" in line}
    assert [line for line in wanted if re.split(r"[\[<>=]", line)[0] not in pinned | {project["name"]}] == []


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (UnicodeDecodeError, FileNotFoundError):  # a picture, or a file that was just deleted
        return ""


def _findings(texts: dict[str, str], is_forbidden: Callable[[str], bool]) -> list[str]:
    return [
        f"{name}:{number}: {line.strip()[:120]}"
        for name, text in texts.items()
        for number, line in enumerate(text.splitlines(), start=1)
        if is_forbidden(line)
    ]


def _configured_registry_hosts(repository: Path) -> set[str]:
    """Hosts that this machine's pip and npm fetch from, whatever they are called."""
    said = [["python", "-m", "pip", "config", "list"], ["npm", "config", "get", "registry"]]
    texts = [_output(command, repository) for command in said]
    hosts = re.findall(r"https?://(?:[^/\s'\"@]*@)?([^/\s'\"]+)", "\n".join(texts))
    return {host for host in hosts if not host.startswith(("127.", "localhost"))}


def _output(command: list[str], folder: Path) -> str:
    try:
        return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False).stdout
    except FileNotFoundError:  # a machine without that program fetches nothing by it
        return ""


def _parents(module: str) -> list[str]:
    parts = module.split(".")
    return [".".join(parts[:length]) for length in range(1, len(parts))]


def _project(repository: Path) -> dict[str, Any]:  # Any: a parsed TOML file
    return tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))
