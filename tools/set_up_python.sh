#!/bin/sh
# Makes .venv and installs the package with the extras named: tools/set_up_python.sh storefront,dev
# Only Python 3.11+ is needed. uv is taken where it installs, because it is ten times faster; pip does the same.
set -eu
cd "$(dirname "$0")/.."
extras=$1
python=.venv/bin/python

make_environment() {
    found=$(sh tools/find_python.sh)
    echo "Making .venv with $found"
    if "$found" -c 'import ensurepip' >/dev/null 2>&1; then
        "$found" -m venv .venv
        return
    fi
    # Debian keeps ensurepip in python3-venv; the machine's own pip can fill an environment as well.
    if "$found" -m pip --version >/dev/null 2>&1; then
        "$found" -m venv --without-pip .venv
        "$found" -m pip --python "$python" install --quiet pip
        return
    fi
    echo "$found has neither ensurepip nor pip; on Debian and Ubuntu: apt-get install python3-venv" >&2
    exit 1
}

works() { "$@" >/dev/null 2>&1; }

works "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { rm -rf .venv; make_environment; }
works "$python" -m uv --version || works "$python" -m pip install --quiet --disable-pip-version-check uv || true

# uv does not read pip's configuration: give it the registry, folders and certificates that pip was told to use.
pip_setting() { "$python" -m pip config get "global.$1" 2>/dev/null || true; }
index=${UV_DEFAULT_INDEX:-${PIP_INDEX_URL:-$(pip_setting index-url)}}
certificates=${SSL_CERT_FILE:-${PIP_CERT:-$(pip_setting cert)}}
folders=${UV_FIND_LINKS:-$(pip_setting find-links | tr '\n' ' ' | sed 's/^ *//; s/ *$//; s/  */,/g')}
[ -z "$index" ] || export UV_DEFAULT_INDEX="$index"
[ -z "$folders" ] || export UV_FIND_LINKS="$folders"
[ -z "$certificates" ] || export SSL_CERT_FILE="$certificates"

echo "Installing smartshop[$extras] at the versions of constraints.txt"
if works "$python" -m uv --version &&
    "$python" -m uv pip install --quiet --python "$python" --constraint constraints.txt --editable ".[$extras]"; then
    :
else
    "$python" -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable ".[$extras]"
fi
"$python" tools/link_node.py
