#!/bin/sh
# Make the virtual environment: install.sh PYTHON VENV. Every failure ends with one sentence that says what to do.
set -u

python=$1
venv=$2

fail() {
    printf '%s\n' "$1" >&2
    exit 1
}

command -v git >/dev/null 2>&1 || fail "git is not installed: install it (apt-get install git), then run the same command again."

# The name python3.11 is not everywhere: any interpreter of that version will do.
version() { "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null; }
for candidate in "$python" python3 python; do
    if [ "$(version "$candidate")" = "3.11" ]; then
        found=$candidate
        break
    fi
done
[ -n "${found:-}" ] || fail "Ratchet needs Python 3.11, and found $(version python3 || echo none): install it (apt-get install python3.11 python3.11-venv, or pyenv install 3.11), or say where it is: make PYTHON=/path/to/python3.11 run"

if [ "$(version "$venv/bin/python")" != "3.11" ]; then
    echo "making $venv with Python 3.11"
    rm -rf "$venv"
    "$found" -m venv "$venv" || fail "The module venv is missing: install it (apt-get install python3.11-venv), then run the same command again."
fi

echo "installing the pinned requirements into $venv (minutes with a slow network)"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-virtualenv "$(grep "^uv==" requirements.txt)" 2>"$venv/install.log" \
    || fail "The package index cannot be reached: check the network or pip's settings (pip config list), then run the same command again. The details are in $venv/install.log"

# uv takes an index and find-links from pip's own settings, so that a mirror or a private index is honoured.
setting() { "$venv/bin/python" -m pip config get "$1" 2>/dev/null | tr '\n' ' '; }
[ -n "${UV_DEFAULT_INDEX:-}" ] || { index=$(setting global.index-url); [ -z "$index" ] || export UV_DEFAULT_INDEX="${index% }"; }
[ -z "${PIP_INDEX_URL:-}" ] || export UV_DEFAULT_INDEX="$PIP_INDEX_URL"
links=${PIP_FIND_LINKS:-$(setting global.find-links)}
set -- ; for link in $links; do set -- "$@" --find-links "$link"; done

"$venv/bin/uv" pip install --quiet --python "$venv/bin/python" --compile-bytecode "$@" -r requirements.txt 2>>"$venv/install.log" \
    || "$venv/bin/python" -m pip install --quiet --disable-pip-version-check -r requirements.txt 2>>"$venv/install.log" \
    || fail "The requirements cannot be installed: see the end of $venv/install.log, mend the network or make room on the disk, then run the same command again."

"$venv/bin/uv" pip install --quiet --python "$venv/bin/python" --no-deps --no-build-isolation --editable . 2>>"$venv/install.log" \
    || fail "The project itself cannot be installed: see the end of $venv/install.log."
"$venv/bin/python" -m compileall -q include plugins dags
