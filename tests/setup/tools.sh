#!/usr/bin/env bash
# tools.sh [GROUP...]   Builds the programs of others that the tests run, from Go modules at fixed versions.
#   tests        promtool and prometheus, which judge and scrape /metrics; versitygw, an S3 server on a folder (the default)
#   kubernetes   etcd, kube-apiserver, kube-controller-manager, kube-scheduler, kubectl, helm, kubeconform
#   node         kubelet, kube-proxy, containerd with its shim and ctr, the CNI plugins bridge, host-local and loopback,
#                coredns; installs Debian's packages that a node needs when it is run by root
#   load         kwok, which plays nodes and pods
#   monitoring   prometheus, alertmanager, amtool, prometheus-operator, prometheus-config-reloader
#   collector    otelcol, an OpenTelemetry collector that prints what it receives
# What is installed is used as it is; programs.sh says where it is looked for and which exceptions there are. The rest
# goes into the cache that all checkouts share. Prints that folder.
set -euo pipefail
cd "$(dirname "$0")"
source ./programs.sh

PROMETHEUS=0.316.0 VERSITYGW=1.8.0 ETCD=3.6.8 KUBECONFORM=0.8.0 CONTAINERD=2.4.2 CNI=1.9.1 COREDNS=1.15.0 KWOK=0.8.0
COLLECTOR=0.165.0 COLLECTOR_STABLE=1.71.0
# Later releases lack the built pages as a part of their module.
ALERTMANAGER=0.31.1

bin=$cache_bin
mkdir -p "$bin"
work=$(mktemp -d "$bin/.work-XXXXXX")
# Modules are unpacked without write permission.
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
export CGO_ENABLED=0

# alone GROUP: two checkouts must not build the same programs at once.
alone() {
  exec 9>"$bin/.lock-$1"
  flock 9
}

# there MODULE@VERSION TAGS NAME...: whether none of these programs is to be built. A Go program knows the modules and
# the tags that it was built from.
there() {
  local module=${1%@*} version=${1#*@} tags=$2 name facts
  shift 2
  for name in "$@"; do
    if installed "$name" >/dev/null; then
      continue
    fi
    facts=$(go version -m "$bin/$name" 2>/dev/null) || return 1
    grep -qE "^\s+(mod|dep)\s+$module\s+$version(\s|$)" <<<"$facts" || return 1
    [ -z "$tags" ] || grep -qF -- "-tags=$tags" <<<"$facts" || return 1
  done
}

say() { # WHAT TIME
  echo "Building $1 into $bin ($2 on 2 cores, once)" >&2
}

# keep: moves what was built into the cache. A program that runs is replaced, never written to.
keep() {
  mv -f "$work"/out/* "$bin/"
}

# tool MODULE@VERSION PACKAGE TIME [TAGS]: a program whose module can be installed as it is.
tool() {
  local module=${1%@*} version=${1#*@} package=$2 time=$3 tags=${4:-} name
  name=${2##*/}
  [ "$package" = . ] && name=${module##*/} package=
  there "$1" "$tags" "$name" && return
  say "$name ${version#v}" "$time"
  CGO_ENABLED=0 GOBIN=$work/out go install -trimpath -ldflags "-s -w" -tags "$tags" "$module${package:+/$package}@$version"
  keep
}

# module_of MODULE@VERSION: the path of its go.mod.
module_of() {
  mkdir -p "$work/look"
  (cd "$work/look" && { [ -e go.mod ] || go mod init look 2>/dev/null; } && go mod download -json "$1") |
    sed -n 's/^.*"GoMod": "\(.*\)",$/\1/p'
}

# build LDFLAGS TAGS PACKAGE...: programs of modules that go does not install by themselves, because they replace
# modules by folders beside them. They are built from a module of our own, whose go.mod comes on standard input.
build() {
  local ldflags=$1 tags=$2 folder
  shift 2
  folder=$(mktemp -d "$work/module-XXXXXX")
  mkdir -p "$work/out"
  { printf 'module tools\n\ngo 1.26\n\n'; cat; } >"$folder/go.mod"
  (cd "$folder" && go build -mod=mod -trimpath -tags "$tags" -ldflags "-s -w $ldflags" -o "$work/out/" "$@")
}

# A part of two groups, so it is built alone too.
prometheus() (
  alone prometheus
  # Kubernetes is the one place where Prometheus itself looks for targets in the tests: without the clients of every
  # cloud it builds faster.
  tool github.com/prometheus/prometheus@v$PROMETHEUS cmd/prometheus "about 3 minutes" remove_all_sd,enable_kubernetes_sd
)

tests() {
  tool github.com/prometheus/prometheus@v$PROMETHEUS cmd/promtool "about 2 minutes"
  prometheus
  tool github.com/versity/versitygw@v$VERSITYGW cmd/versitygw "about 2 minutes"
}

# kubernetes_programs TIME NAME...: the modules that Kubernetes keeps beside its own are also published by themselves.
kubernetes_programs() {
  local time=$1
  shift
  there k8s.io/kubernetes@v$KUBERNETES "" "$@" && return
  say "$* $KUBERNETES" "$time"
  {
    echo "require k8s.io/kubernetes v$KUBERNETES"
    awk -v version="v0.${KUBERNETES#1.}" '/=> \.\/staging\// { print "replace " $1 " => " $1 " " version }' \
      "$(module_of k8s.io/kubernetes@v$KUBERNETES)"
  } | build "-X k8s.io/component-base/version.gitVersion=v$KUBERNETES" "" "${@/#/k8s.io/kubernetes/cmd/}"
  keep
}

kubernetes() {
  kubernetes_programs "about 6 minutes" kube-apiserver kube-controller-manager kube-scheduler kubectl
  if ! there go.etcd.io/etcd/server/v3@v$ETCD "" etcd; then
    say "etcd $ETCD" "about half a minute"
    build "" "" go.etcd.io/etcd/server/v3 <<<"require go.etcd.io/etcd/server/v3 v$ETCD"
    mv "$work/out/server" "$work/out/etcd" 2>/dev/null || mv "$work/out/v3" "$work/out/etcd"
    keep
  fi
  tool helm.sh/helm/v4@v$HELM cmd/helm "about 2 minutes"
  tool github.com/yannh/kubeconform@v$KUBECONFORM cmd/kubeconform "a few seconds"
}

node() {
  local missing=() entry reason
  for entry in runc:runc nft:nftables ip:iproute2 nsenter:util-linux; do
    command -v "${entry%:*}" >/dev/null || missing+=("${entry#*:}")
  done
  if [ ${#missing[@]} -gt 0 ] && [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
    echo "Installing Debian's ${missing[*]}, which a node needs" >&2
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "${missing[@]}"; } >&2
  fi
  if ! reason=$(../cluster/can-node.sh); then
    echo "The programs of a node are not built: $reason" >&2
    return
  fi
  kubernetes_programs "about 2 minutes" kubelet kube-proxy
  local containerd=(containerd containerd-shim-runc-v2 ctr) cni=(bridge host-local loopback)
  if ! there github.com/containerd/containerd/v2@v$CONTAINERD "" "${containerd[@]}"; then
    say "${containerd[*]} $CONTAINERD" "about 1 minute"
    build "" "no_btrfs no_devmapper no_zfs" "${containerd[@]/#/github.com/containerd/containerd/v2/cmd/}" \
      <<<"require github.com/containerd/containerd/v2 v$CONTAINERD"
    keep
  fi
  if ! there github.com/containernetworking/plugins@v$CNI "" "${cni[@]}"; then
    say "the CNI plugins ${cni[*]} $CNI" "about half a minute"
    build "" "" github.com/containernetworking/plugins/plugins/{main/bridge,main/loopback,ipam/host-local} \
      <<<"require github.com/containernetworking/plugins v$CNI"
    keep
  fi
  tool github.com/coredns/coredns@v$COREDNS . "about 2 minutes"
}

load() {
  tool sigs.k8s.io/kwok@v$KWOK cmd/kwok "about 1 minute"
}

monitoring() {
  prometheus
  tool github.com/prometheus/alertmanager@v$ALERTMANAGER cmd/alertmanager "about 1 minute"
  tool github.com/prometheus/alertmanager@v$ALERTMANAGER cmd/amtool "a few seconds"
  local module=github.com/prometheus-operator/prometheus-operator
  if ! there $module@v$PROMETHEUS_OPERATOR "" prometheus-operator prometheus-config-reloader; then
    say "prometheus-operator, prometheus-config-reloader $PROMETHEUS_OPERATOR" "about 2 minutes"
    build "" "" $module/cmd/{operator,prometheus-config-reloader} <<MODULE
require $module v$PROMETHEUS_OPERATOR
replace $module/pkg/apis/monitoring => $module/pkg/apis/monitoring v$PROMETHEUS_OPERATOR
replace $module/pkg/client => $module/pkg/client v$PROMETHEUS_OPERATOR
MODULE
    mv "$work/out/operator" "$work/out/prometheus-operator"
    keep
  fi
}

collector() {
  local module=go.opentelemetry.io/collector
  there $module/otelcol@v$COLLECTOR "" otelcol && return
  say "otelcol $COLLECTOR" "about 1 minute"
  # The same program that the collector's own builder would write for these two parts.
  mkdir -p "$work/otelcol"
  cat >"$work/otelcol/go.mod" <<MODULE
module tools/otelcol

go 1.26

require (
	$module/confmap/provider/envprovider v$COLLECTOR_STABLE
	$module/confmap/provider/fileprovider v$COLLECTOR_STABLE
	$module/confmap/provider/yamlprovider v$COLLECTOR_STABLE
	$module/exporter/debugexporter v$COLLECTOR
	$module/otelcol v$COLLECTOR
	$module/receiver/otlpreceiver v$COLLECTOR
	$module/service v$COLLECTOR
)
MODULE
  cp otelcol.go "$work/otelcol/main.go"
  mkdir -p "$work/out"
  (cd "$work/otelcol" && go build -mod=mod -trimpath -ldflags "-s -w -X main.version=$COLLECTOR" -o "$work/out/otelcol" .)
  keep
}

[ $# -gt 0 ] || set -- tests
for group in "$@"; do
  case $group in
    tests | kubernetes | node | load | monitoring | collector) ;;
    *)
      echo "tools.sh: there is no group $group; there are tests, kubernetes, node, load, monitoring and collector" >&2
      exit 2
      ;;
  esac
done
for group in "$@"; do
  alone "$group"
  "$group"
done
echo "$bin"
