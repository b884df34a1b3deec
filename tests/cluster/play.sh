#!/usr/bin/env bash
# play.sh RUN [NODES]   Plays nodes (one, if no number is given) in the cluster of size control in RUN: pods are scheduled
# to them and become ready at once, though nothing runs. For many resources, and for rollouts without images.
set -euo pipefail

here=$(dirname "$(realpath "$0")")
run=$(realpath "${1:?usage: play.sh RUN [NODES]}") count=${2:-1}
log=$run/log started=$EPOCHREALTIME
source "$here/processes.sh"

if [ ! -x "$run/bin/kwok" ]; then
  echo "There was no kwok when this cluster started: \`tests/setup/tools.sh load\` builds it (needs Go)." >&2
  exit 1
fi
admin() {
  "$run/enter" kubectl --kubeconfig="$run/admin.kubeconfig" "$@"
}
for number in $(seq "$count"); do
  cat <<NODE
---
apiVersion: v1
kind: Node
metadata:
  name: played-$number
  labels: { kubernetes.io/hostname: played-$number, kubernetes.io/os: linux }
status:
  allocatable: { cpu: "10000", memory: 100Ti, pods: "100000", ephemeral-storage: 100Ti }
  capacity: { cpu: "10000", memory: 100Ti, pods: "100000", ephemeral-storage: 100Ti }
NODE
done | admin create --validate=false -f - >/dev/null
# A node whose lease nobody renews is taken for dead within a minute, and its pods with it.
start kwok "$run/enter" "$run/bin/kwok" --kubeconfig="$run/admin.kubeconfig" --manage-all-nodes=true \
  --node-lease-duration-seconds=40 --config="$here/kwok-stages.yaml"
must_be_ready kwok admin wait --for=condition=Ready node/played-"$count" --timeout=1s
