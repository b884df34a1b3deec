#!/usr/bin/env bash
# image.sh NAME FOLDER ENTRYPOINT ARCHIVE   Packs a folder as the one layer of an image, without a container engine, into
# an archive that `ctr images import` and `docker load` read. It runs as user 65532. Images that are released come from a
# Dockerfile; this is for tests.
set -euo pipefail
name=${1:?usage: image.sh NAME FOLDER ENTRYPOINT ARCHIVE} folder=$2 entrypoint=$3 archive=$(realpath -m "$4")
case $(uname -m) in
  x86_64) architecture=amd64 ;;
  aarch64) architecture=arm64 ;;
  *) architecture=$(uname -m) ;;
esac
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tar -C "$folder" -cf "$work/layer.tar" --sort=name --owner=0 --group=0 --mtime=@0 .
digest=$(sha256sum "$work/layer.tar" | cut -d' ' -f1)
# Without the architecture and the system, containerd takes the image for one of another machine.
cat >"$work/config.json" <<CONFIG
{
  "architecture": "$architecture", "os": "linux",
  "config": { "Entrypoint": ["$entrypoint"], "User": "65532:65532" },
  "rootfs": { "type": "layers", "diff_ids": ["sha256:$digest"] },
  "history": [{ "created_by": "image.sh" }]
}
CONFIG
printf '[{"Config":"config.json","RepoTags":["%s"],"Layers":["layer.tar"]}]' "$name" >"$work/manifest.json"
tar -C "$work" -cf "$archive" manifest.json config.json layer.tar
