#!/usr/bin/env bash
# down.sh RUN   Ends the cluster that up.sh started in the folder RUN, and removes what it made: its processes, its network
# namespace, its cgroup and everything in RUN but the logs. Nothing else on the machine is touched.
set -euo pipefail

run=$(realpath -m "${1:?usage: down.sh RUN}")
if [ ! -e "$run/name" ] || [ ! -d "$run/log" ]; then
  echo "$run holds no cluster." >&2
  exit 2
fi
name=$(cat "$run/name")

# The cluster is thrown away, so nothing has to end in good order. What is left in it:
# - the processes that were written down, each the leader of a group, as far as they still belong to this cluster: when
#   they have ended, their pids can be given to others;
# - those in the cluster's cgroup: pods, and what containerd started.
cgroups=()
for group in /sys/fs/cgroup/"$name" /sys/fs/cgroup/*/"$name"; do
  [ ! -d "$group" ] || cgroups+=("$group")
done
left() {
  local file pid
  for file in "$run"/pid/*; do
    if pid=$(cat "$file" 2>/dev/null) && grep -qzF -- "$run" "/proc/$pid/cmdline" 2>/dev/null; then
      echo "-$pid"
    fi
  done
  [ ${#cgroups[@]} -eq 0 ] || find "${cgroups[@]}" -name cgroup.procs -exec cat {} + 2>/dev/null | sort -un || true
}

deadline=$((SECONDS + 30))
while mapfile -t processes < <(left) && [ ${#processes[@]} -gt 0 ]; do
  # Fails when one has ended meanwhile, which is what is wanted.
  kill -9 -- "${processes[@]}" 2>/dev/null || true
  if [ $SECONDS -ge $deadline ]; then
    echo "These processes of the cluster in $run do not end: ${processes[*]}" >&2
    exit 1
  fi
  sleep 0.05
done

# The mounts have gone with the last process. A cgroup may stay busy for a moment after that.
for group in "${cgroups[@]}"; do
  until ! [ -d "$group" ] || find "$group" -depth -type d -exec rmdir {} + 2>/dev/null; do
    if [ $SECONDS -ge $deadline ]; then
      echo "The cgroup $group cannot be removed." >&2
      exit 1
    fi
    sleep 0.05
  done
done
if [ -e "/run/netns/$name" ]; then
  ip netns delete "$name"
fi
find "$run" -mindepth 1 -maxdepth 1 ! -name log -exec rm -rf --one-file-system {} +
