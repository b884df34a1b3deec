#!/usr/bin/env bash
# Installs Grafana's components, which draw the boards, unless they are there, and builds the page that draws; prints the
# folder of the built page. Packages lie outside the checkout, under a name that changes with the lock file, so that every
# checkout shares them; no script of a package is run.
set -euo pipefail
cd "$(dirname "$0")/../boards/page"

cache=${XDG_CACHE_HOME:-$HOME/.cache}/feature-monitor
packages=$cache/packages-$({ cat package-lock.json; node --version; } | sha256sum | cut -c1-12)

mkdir -p "$cache"
exec 9>"$cache/packages.lock"
flock 9
if [ ! -e "$packages/complete" ]; then
  echo "Installing Grafana's components into $packages (about 2 minutes, once)" >&2
  rm -rf "$packages"
  mkdir "$packages"
  cp package.json package-lock.json "$packages/"
  (cd "$packages" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error) >&2
  touch "$packages/complete"
fi
ln -sfn "$packages/node_modules" node_modules

page=$cache/page-$(cat package-lock.json index.html vite.config.mjs $(find src -type f | LC_ALL=C sort) | sha256sum | cut -c1-12)
if [ ! -e "$page/index.html" ]; then
  echo "Building the page that draws the boards (about 1 minute)" >&2
  node node_modules/vite/bin/vite.js build --outDir "$page.new" >&2
  rm -rf "$page"
  # What Grafana serves beside its code.
  mkdir -p "$page.new/public/fonts/inter" "$page.new/public/build"
  cp -r node_modules/@grafana/ui/dist/public/img "$page.new/public/build/img"
  for style in Regular:400-normal Medium:500-normal Italic:400-italic MediumItalic:500-italic; do
    cp "node_modules/@fontsource/inter/files/inter-latin-${style#*:}.woff2" "$page.new/public/fonts/inter/Inter-${style%:*}.woff2"
  done
  mkdir -p "$page.new/public/fonts/roboto"
  cp node_modules/@fontsource/roboto-mono/files/roboto-mono-latin-400-normal.woff2 \
    "$page.new/public/fonts/roboto/L0xTDF4xlVMF-BfR8bXMIhJHg45mwgGEFl0_3vrtSM1J-gEPT5Ese6hmHSh0mQ.woff2"
  mv "$page.new" "$page"
fi
echo "$page"
