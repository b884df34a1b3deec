#!/usr/bin/env bash
# guard.sh RUN PID   Waits for the end of a process, and then ends and removes the cluster that was started for it. A test
# that is killed has no chance to do so itself.
set -euo pipefail
tail --pid="$2" -f /dev/null
rm "$1/pid/guard"
"$(dirname "$0")/down.sh" "$1"
rm -rf --one-file-system "$1"
