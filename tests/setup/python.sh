#!/usr/bin/env bash
# Makes the virtual environment of requirements.txt unless it is there, and prints the path of its Python.
# It lies outside the checkout, under a name that changes with the requirements, so that every checkout shares it.
set -euo pipefail
cd "$(dirname "$0")/.."

python=${PYTHON:-python3}
cache=${XDG_CACHE_HOME:-$HOME/.cache}/feature-monitor
key=$({ cat requirements.txt; "$python" --version; } | sha256sum | cut -c1-12)
venv=$cache/venv-$key

if [ ! -e "$venv/complete" ]; then
  mkdir -p "$cache"
  exec 9>"$cache/venv.lock"
  flock 9
fi
if [ ! -e "$venv/complete" ]; then
  echo "Installing the Python packages into $venv (about 1 minute, once)" >&2
  rm -rf "$venv"
  "$python" -m venv "$venv" >&2
  "$venv/bin/pip" install --quiet --disable-pip-version-check --requirement requirements.txt >&2
  touch "$venv/complete"
fi
echo "$venv/bin/python"
