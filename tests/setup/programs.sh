# shellcheck shell=bash
# Sourced by those who build or run the programs of others: where such a program is.
# FM_BIN_DIR comes first and is taken at its word. Then KUBEBUILDER_ASSETS and PATH, where what is there is used as it
# is, with two exceptions: Kubernetes' own programs and helm must be of the version line that the tests are written for,
# and the parts of a node are never taken from there: they must fit each other, and iproute2 has a `bridge` of its own.
# Last comes the cache, where tools.sh builds.

# Read by those who source this.
# shellcheck disable=SC2034
KUBERNETES=1.36.3 HELM=4.3.1 PROMETHEUS_OPERATOR=0.85.0
cache_bin=${XDG_CACHE_HOME:-$HOME/.cache}/feature-monitor/bin

# installed NAME: prints the path of a program that somebody installed and that will do, or fails.
installed() {
  local name=$1 folder line
  if [ -n "${FM_BIN_DIR:-}" ] && [ -x "$FM_BIN_DIR/$name" ]; then
    echo "$FM_BIN_DIR/$name"
    return
  fi
  case $name in
    kubelet | kube-proxy | containerd | containerd-shim-runc-v2 | ctr | bridge | host-local | loopback | coredns) return 1 ;;
    kubectl) line="v${KUBERNETES%.*}." ;;
    kube-*) line=" v${KUBERNETES%.*}." ;;
    helm) line="v${HELM%%.*}." ;;
    *) line= ;;
  esac
  local -a folders
  IFS=: read -ra folders <<<"${KUBEBUILDER_ASSETS:-}:$PATH"
  for folder in "${folders[@]}"; do
    if [ -z "$folder" ] || [ "$folder" -ef "$cache_bin" ] || [ ! -f "$folder/$name" ] || [ ! -x "$folder/$name" ]; then
      continue
    fi
    if [ -n "$line" ]; then
      case $(version_of "$folder/$name") in
        *"$line"*) ;;
        *) continue ;;
      esac
    fi
    echo "$folder/$name"
    return
  done
  return 1
}

# version_of PATH: what a program of Kubernetes or helm says of its version.
version_of() {
  case ${1##*/} in
    kubectl) "$1" version --client ;;
    helm) "$1" version --short ;;
    *) "$1" --version ;;
  esac 2>/dev/null </dev/null
}

# program NAME: prints the path of the program that the tests use, or fails.
program() {
  installed "$1" && return
  [ -x "$cache_bin/$1" ] && echo "$cache_bin/$1"
}
