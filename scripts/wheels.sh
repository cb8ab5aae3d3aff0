#!/bin/sh
# Build the distributions `ratchet` and `ratchet-airflow`, offline: wheels.sh PYTHON FOLDER. They are built from a copy, because
# setuptools leaves its build folder beside the sources, and packs from there what a later commit has deleted.
set -eu

python=$1
mkdir -p "$2"
target=$(cd "$2" && pwd)
cd "$(dirname "$0")/.."

copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT INT TERM
mkdir "$copy/include"
cp -R pyproject.toml README.md LICENSE plugins "$copy"
cp LICENSE "$copy/plugins"
cp -R include/ratchet "$copy/include"

for project in "$copy" "$copy/plugins"; do
    "$python" -m pip wheel --quiet --disable-pip-version-check --no-deps --no-build-isolation --wheel-dir "$target" "$project"
done
ls "$target"
