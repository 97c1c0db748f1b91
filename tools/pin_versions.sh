#!/bin/sh
# Writes constraints.txt anew: one exact version of everything, for every platform and Python from 3.11 on.
set -eu
cd "$(dirname "$0")/.."
resolved=$(mktemp)
trap 'rm -f "$resolved"' EXIT
# No line may say where a package was found: everyone installs from their own registry.
python -m uv pip compile --quiet --upgrade --universal --python-version 3.11 --all-extras \
    --no-emit-index-url --no-emit-find-links --no-header --no-annotate pyproject.toml --output-file "$resolved"
{
    echo '# Exact versions for every install; `make constraints` makes this file anew from pyproject.toml.'
    cat "$resolved"
} >constraints.txt
