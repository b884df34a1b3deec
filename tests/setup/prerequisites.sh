#!/usr/bin/env bash
# prerequisites.sh NEED...   Looks for what a make target cannot fetch by itself: rust, go, python, node, chromium.
# Says everything that is missing in one go, with the version that is needed, and then fails.
set -uo pipefail
cd "$(dirname "$0")/../.."

missing=()

# need WHAT FOUND WANTED ADVICE: FOUND is a version, or empty when the program is not there.
need() {
  local what=$1 found=$2 wanted=$3 advice=$4
  if [ -z "$found" ]; then
    missing+=("$what $wanted or newer is not on PATH. $advice")
  elif [ "$(printf '%s\n' "$wanted" "$found" | sort -V | head -n 1)" != "$wanted" ]; then
    missing+=("$what is $found, and $wanted or newer is needed. $advice")
  fi
}

first_version() { grep -oE '[0-9]+\.[0-9]+(\.[0-9]+)?' | head -n 1; }

[ "$(uname -s)" = Linux ] || missing+=("This runs on Linux; $(uname -s) is not supported.")

for name in "$@"; do
  case $name in
    rust)
      wanted=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
      need Rust "$(rustc --version 2>/dev/null | first_version)" "$wanted" "Get it from https://rustup.rs, or run \`rustup update stable\`."
      command -v cargo >/dev/null || missing+=("cargo is not on PATH; it comes with Rust.")
      command -v cc >/dev/null || missing+=("A C compiler (cc) is not on PATH; Rust links with it. Debian and Ubuntu: apt-get install build-essential.")
      ;;
    go)
      need Go "$(go version 2>/dev/null | first_version)" 1.26 "It builds Prometheus, an S3 server and Kubernetes for the tests. Get it from https://go.dev/dl."
      ;;
    python)
      python=${PYTHON:-python3}
      need Python "$("$python" --version 2>/dev/null | first_version)" 3.11 "If it has another name, say so: make PYTHON=python3.12 …"
      if command -v "$python" >/dev/null && ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        missing+=("$python cannot make virtual environments. Debian and Ubuntu: apt-get install python3-venv.")
      fi
      ;;
    node)
      need Node "$(node --version 2>/dev/null | first_version)" 20.0 "Get it from https://nodejs.org."
      ;;
    chromium)
      command -v "${CHROMIUM:-chromium}" >/dev/null ||
        missing+=("Chromium is not on PATH. If it has another name, say so: make CHROMIUM=google-chrome …")
      ;;
    *)
      echo "prerequisites.sh: I know nothing about $name" >&2
      exit 2
      ;;
  esac
done

[ ${#missing[@]} -eq 0 ] && exit 0
echo "Before this can start:" >&2
printf '  - %s\n' "${missing[@]}" >&2
exit 1
