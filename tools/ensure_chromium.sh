#!/bin/sh
# Sees to a Chromium for the browser tests: $CHROMIUM, one on PATH, or (as root on Debian) the distribution's package.
# Without one it says so and ends well: the tests then skip with a word, or fail where CI is set.
set -u

if [ -n "${CHROMIUM:-}" ]; then
    [ -x "$CHROMIUM" ] && exit 0
    echo "CHROMIUM is '$CHROMIUM', which is no program; give the path of a Chromium, like /usr/bin/chromium" >&2
    exit 1
fi
for name in chromium chromium-browser google-chrome google-chrome-stable; do
    command -v "$name" >/dev/null 2>&1 && exit 0
done
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "Installing Chromium for the browser tests"
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium >/dev/null && exit 0
    echo "Chromium could not be installed from the distribution's packages." >&2
fi
echo "No Chromium here: the browser tests cannot run. Install one, or set CHROMIUM to its path." >&2
exit 0
