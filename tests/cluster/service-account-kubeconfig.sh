#!/usr/bin/env bash
# service-account-kubeconfig.sh NAMESPACE NAME [DURATION]   Prints a kubeconfig file for a service account of the cluster
# that KUBECONFIG names, with a token of its own: what runs with it may do what a pod of that account may do.
set -euo pipefail
namespace=${1:?usage: service-account-kubeconfig.sh NAMESPACE NAME [DURATION]} name=$2 duration=${3:-12h}
token=$(kubectl --namespace="$namespace" create token "$name" --duration="$duration")
cluster() {
  kubectl config view --raw --flatten --minify --output=jsonpath="{.clusters[0].cluster.$1}"
}
cat <<CONFIG
apiVersion: v1
kind: Config
clusters:
  - { name: test, cluster: { server: "$(cluster server)", certificate-authority-data: "$(cluster certificate-authority-data)" } }
users: [{ name: "$name", user: { token: "$token" } }]
contexts: [{ name: test, context: { cluster: test, user: "$name", namespace: "$namespace" } }]
current-context: test
CONFIG
