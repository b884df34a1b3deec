#!/usr/bin/env bash
# load-image.sh RUN ARCHIVE...   Gives images to the node of the cluster in RUN. Pods use them with the imagePullPolicy Never,
# or IfNotPresent and a tag other than latest.
set -euo pipefail
run=$(realpath "${1:?usage: load-image.sh RUN ARCHIVE...}")
shift
for archive in "$@"; do
  # What it warns of is no concern of a test that goes well.
  said=$("$run/bin/ctr" --address "$run/containerd/socket" --namespace k8s.io images import "$archive" 2>&1) || {
    echo "$said" >&2
    exit 1
  }
done
