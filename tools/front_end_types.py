"""Keeps the front end's API types in step with the service: `python -m tools.front_end_types [--check]`.

`smartshop openapi` says what the service publishes; the front end's own `types` script makes TypeScript of it.
"""

import json
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
FRONT_END = REPOSITORY / "frontend"
DOCUMENT = "hooks/src/api/openapi.json"
TYPES = "hooks/src/api/schema.d.ts"


def write_types(front_end: Path) -> None:
    """Replace both committed files with what the service says now."""
    (front_end / DOCUMENT).write_text(published_document(), encoding="utf-8")
    _make_types(front_end, front_end / DOCUMENT, front_end / TYPES)


def stale_files(front_end: Path) -> list[str]:
    """The committed files that differ from what the service says now; nothing is written."""
    with tempfile.TemporaryDirectory() as folder:
        document, types = Path(folder) / "openapi.json", Path(folder) / "schema.d.ts"
        document.write_text(published_document(), encoding="utf-8")
        _make_types(front_end, document, types)
        fresh = {DOCUMENT: document.read_bytes(), TYPES: types.read_bytes()}
    return [name for name, content in fresh.items() if _content(front_end / name) != content]


def published_document() -> str:
    """The service's OpenAPI document, its keys in a fixed order so that a change shows as a small difference."""
    command = [str(Path(sys.executable).parent / "smartshop"), "openapi"]
    printed = subprocess.run(command, check=True, capture_output=True, text=True, cwd=REPOSITORY).stdout
    return json.dumps(json.loads(printed), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _make_types(front_end: Path, document: Path, types: Path) -> None:
    """Run the front end's own `types` script, on these two files in place of its own."""
    script: str = json.loads((front_end / "package.json").read_text(encoding="utf-8"))["scripts"]["types"]
    program, *arguments = shlex.split(script)
    places = {DOCUMENT: str(document), TYPES: str(types)}
    command = [str(front_end / "node_modules" / ".bin" / program), *(places.get(word, word) for word in arguments)]
    subprocess.run(command, check=True, capture_output=True, cwd=front_end)


def _content(path: Path) -> bytes:
    return path.read_bytes() if path.exists() else b""


def main(arguments: list[str]) -> int:
    """Write the files, or with `--check` end with 1 when they are stale."""
    if arguments != ["--check"]:
        write_types(FRONT_END)
        return 0
    stale = stale_files(FRONT_END)
    for name in stale:
        print(f"frontend/{name} is not what the service publishes; run `make types` and commit it.", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
