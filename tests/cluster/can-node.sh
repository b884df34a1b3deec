#!/usr/bin/env bash
# Whether this machine can be a node of a cluster. If it cannot, prints why in one sentence and ends with code 3.
set -uo pipefail

no() {
  echo "$*"
  exit 3
}

[ "$(uname -s)" = Linux ] || no "A node needs Linux."
[ "$(id -u)" -eq 0 ] || no "Only root can make network namespaces and run containers, and this is $(id -un)."
for entry in runc:runc nft:nftables ip:iproute2 nsenter:util-linux unshare:util-linux; do
  command -v "${entry%:*}" >/dev/null || no "${entry%:*} is not on PATH (Debian and Ubuntu: apt-get install ${entry#*:})."
done
unshare --net --mount true 2>/dev/null || no "Root may not make network and mount namespaces here."
unshare --net nft add table inet probe 2>/dev/null || no "This kernel has no nf_tables, which Services need."

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir "$folder"/{lower,upper,work,merged}
unshare --mount mount -t overlay overlay "$folder/merged" \
  -o "lowerdir=$folder/lower,upperdir=$folder/upper,workdir=$folder/work" 2>/dev/null ||
  no "The file system of $folder cannot hold an overlay, which containers need; set TMPDIR to one that can."

root=/sys/fs/cgroup
if [ -e "$root/cgroup.controllers" ]; then
  groups=("$root")
  for controller in cpu cpuset memory pids; do
    grep -qw "$controller" "$root/cgroup.controllers" || no "The cgroup controller $controller is not available."
    grep -qw "$controller" "$root/cgroup.subtree_control" || echo "+$controller" >"$root/cgroup.subtree_control" ||
      no "The cgroup controller $controller cannot be given to groups of ours."
  done 2>/dev/null
else
  groups=("$root"/{cpu,cpuset,memory,pids})
fi
for group in "${groups[@]}"; do
  probe=$(mktemp -d "$group/feature-monitor-probe-XXXXXX" 2>/dev/null) || no "No cgroup can be made in $group."
  rmdir "$probe"
done
