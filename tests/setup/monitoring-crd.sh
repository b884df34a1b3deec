#!/usr/bin/env bash
# monitoring-crd.sh NAME   Prints the path of a CustomResourceDefinition of the Prometheus operator, such as servicemonitors.
set -euo pipefail
source "$(dirname "$0")/programs.sh"

module=github.com/prometheus-operator/prometheus-operator
# Outside of any module of ours.
cd /
folder=$(go mod download -json "$module@v$PROMETHEUS_OPERATOR" | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p')
file=$folder/example/prometheus-operator-crd/monitoring.coreos.com_$1.yaml
if [ ! -f "$file" ]; then
  echo "$module v$PROMETHEUS_OPERATOR has no file $file" >&2
  exit 1
fi
echo "$file"
