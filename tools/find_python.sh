#!/bin/sh
# Prints the path of a Python 3.11 or newer: $PYTHON if set, else the first that fits on PATH.
set -u

fits() {
    command -v "$1" >/dev/null 2>&1 &&
        "$1" -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

if [ -n "${PYTHON:-}" ]; then
    if fits "$PYTHON"; then
        command -v "$PYTHON"
        exit 0
    fi
    echo "PYTHON is '$PYTHON', which is no Python 3.11 or newer with its venv module; try PYTHON=python3.12" >&2
    exit 1
fi
for name in python3 python3.13 python3.12 python3.11 python3.14 python; do
    if fits "$name"; then
        command -v "$name"
        exit 0
    fi
done
echo "No Python 3.11 or newer was found on PATH; install one, or name it: make run PYTHON=/path/to/python3.12" >&2
exit 1
