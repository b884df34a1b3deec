#!/usr/bin/env bash
# up.sh SIZE [RUN [PID]]   Starts a real Kubernetes on this machine alone and prints its folder. SIZE is one of
#   api       etcd and kube-apiserver on 127.0.0.1: no garbage collection, no Deployments           (any user)
#   control   also the controllers and the scheduler; nodes and pods can be played, by play.sh      (any user)
#   node      also containerd, kubelet, kube-proxy and cluster DNS: real pods, in a network of its own without a way
#             out (root; where this machine cannot, code 3 and one sentence that says why)
# RUN is a new folder for everything that the cluster writes; without it one is made. When process PID ends, the cluster
# ends too. down.sh RUN ends it at any time. Several clusters run beside each other.
set -euo pipefail

here=$(dirname "$(realpath "$0")")
source "$here/../setup/programs.sh"

usage() {
  sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "$0" >&2
  exit 2
}

size=${1:-}
case $size in api | control | node) ;; *) usage ;; esac
if [ "$size" = node ] && [ -z "${FM_CLUSTER_STARTED:-}" ] && ! reason=$("$here/can-node.sh"); then
  echo "$reason" >&2
  exit 3
fi
run=$(realpath -m "${2:-$(mktemp -d "${TMPDIR:-/tmp}/feature-monitor-cluster-XXXXXX")}")
owner=${3:-}
log=$run/log
# The second half of a node cluster runs in its namespaces (see enter_node), and counts from the same moment.
started=${FM_CLUSTER_STARTED:-$EPOCHREALTIME}

source "$here/keys.sh"
source "$here/processes.sh"
source "$here/control.sh"
source "$here/node.sh"

if [ -n "${FM_CLUSTER_STARTED:-}" ]; then
  node
  exit
fi

refuse() {
  echo "$*" >&2
  exit 1
}

# What runs is known by its path in RUN/bin: down.sh ends nothing else.
link_programs() {
  local name path groups=kubernetes missing=()
  local needed=(etcd kube-apiserver kubectl)
  if [ "$size" != api ]; then
    needed+=(kube-controller-manager kube-scheduler)
  fi
  if [ "$size" = node ]; then
    needed+=(kubelet kube-proxy containerd containerd-shim-runc-v2 ctr bridge host-local loopback coredns)
    groups="kubernetes node"
  fi
  mkdir -p "$run/bin"
  for name in "${needed[@]}"; do
    if path=$(program "$name"); then
      ln -s "$path" "$run/bin/$name"
    else
      missing+=("$name")
    fi
  done
  [ ${#missing[@]} -eq 0 ] ||
    refuse "There is no ${missing[*]}: \`tests/setup/tools.sh $groups\` builds what is missing (needs Go)."
  # For those who use the cluster, and for play.sh.
  for name in helm kubeconform kwok; do
    if path=$(program "$name"); then
      ln -s "$path" "$run/bin/$name"
    fi
  done
}

[ ! -e "$run/name" ] || refuse "$run holds a cluster already: take a new folder, or end that one with down.sh."
# Sockets lie in it, and the system allows their paths 107 characters.
[ ${#run} -le 70 ] || refuse "The path $run has more than 70 characters, too many for the sockets in it."
command -v openssl >/dev/null ||
  refuse "openssl, which makes the cluster's keys, is not on PATH (Debian and Ubuntu: apt-get install openssl)."
mkdir -p "$run"/{log,pid,pki}
# One name for what lies outside RUN: the network namespace and the cgroup.
name=fm-$(od -An -N4 -tx4 /dev/urandom | tr -d ' ')
echo "$name" >"$run/name"
trap '[ $? -eq 0 ] || "$here/down.sh" "$run"' EXIT
trap 'exit 1' INT TERM
link_programs

# kubectl remembers what an API server serves by its address, and another cluster can have that next.
export KUBECACHEDIR=$run/discovery
cat >"$run/enter" <<SCRIPT
#!/bin/sh
# enter PROGRAM...   Runs a program where it reaches this cluster, with the cluster's own kubectl on PATH.
export PATH="$run/bin:\$PATH" KUBECACHEDIR="$run/discovery"
exec $([ "$size" != node ] || echo "nsenter --net=/run/netns/$name") "\$@"
SCRIPT
chmod +x "$run/enter"

keys
if [ "$size" = node ]; then
  enter_node
else
  address=127.0.0.1
  etcd
  apiserver_on_a_free_port
  if [ "$size" = control ]; then
    controllers
    controllers_ready
  fi
fi

if [ -n "$owner" ]; then
  start guard "$here/guard.sh" "$run" "$owner"
fi
{
  echo "The $size cluster is ready after $(seconds) s. To use it:"
  echo "  export KUBECONFIG=$run/admin.kubeconfig"
  echo "  $run/enter kubectl get all --all-namespaces"
  echo "  $here/down.sh $run"
} >&2
echo "$run"
