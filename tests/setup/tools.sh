#!/usr/bin/env bash
# Builds the programs of others that the tests run, from Go modules at fixed versions:
# promtool and prometheus judge and scrape /metrics, versitygw is an S3 server on a folder.
# What is on PATH is used as it is; the rest goes into the cache that all checkouts share. Prints that folder.
set -euo pipefail

bin=${XDG_CACHE_HOME:-$HOME/.cache}/feature-monitor/bin
mkdir -p "$bin"
# Two checkouts must not build the same program at once.
exec 9>"$bin/.lock"
flock 9

# tool MODULE@VERSION PACKAGE MINUTES [TAGS]
tool() {
  local module=${1%@*} version=${1#*@} package=$2 minutes=$3 tags=${4:-} name=${2##*/}
  if command -v "$name" >/dev/null; then
    return
  fi
  # A Go program knows the module it was built from.
  if go version -m "$bin/$name" 2>/dev/null | grep -qE "^\s+mod\s+$module\s+$version\s"; then
    return
  fi
  echo "Building $name $version into $bin (about $minutes minutes on 2 cores, once)" >&2
  CGO_ENABLED=0 GOBIN=$bin go install -trimpath -ldflags "-s -w" -tags "$tags" "$module/$package@$version"
}

tool github.com/prometheus/prometheus@v0.316.0 cmd/promtool 2
# The tests scrape fixed addresses: without the clients of every cloud, Prometheus builds in half the time.
tool github.com/prometheus/prometheus@v0.316.0 cmd/prometheus 2 remove_all_sd
tool github.com/versity/versitygw@v1.8.0 cmd/versitygw 2
echo "$bin"
