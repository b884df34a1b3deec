# shellcheck shell=bash
# Sourced by up.sh: the network, the cgroup and the processes of the cluster's one node, node-1.
# shellcheck disable=SC2154 # run, log, name, here and started are set by who sources this.

# The node's network has no way out, so its addresses can be the same in every cluster.
enter_node() {
  ip netns add "$name"
  ip -n "$name" link set lo up
  ip -n "$name" link add node type bridge
  ip -n "$name" address add 10.99.0.1/24 dev node
  ip -n "$name" link set node up
  # Packets to a Service must have a route, or they are dropped before kube-proxy's rules see them.
  ip -n "$name" route add 10.96.0.0/16 dev node
  make_cgroups
  # In a mount namespace of their own, containerd and kubelet leave no mounts: these go with the last process.
  FM_CLUSTER_STARTED=$started nsenter --net="/run/netns/$name" \
    unshare --mount --propagation private "$here/up.sh" node "$run" >/dev/null
}

# One cgroup for the pods and for the processes that run them: down.sh ends all that is in it.
make_cgroups() {
  local root=/sys/fs/cgroup hierarchy file
  if [ -e $root/cgroup.controllers ]; then
    mkdir -p "$root/$name/daemons"
    echo "+cpu +cpuset +memory +pids" >"$root/$name/cgroup.subtree_control"
    echo "$root/$name/daemons" >"$run/daemons"
    return
  fi
  while read -r hierarchy; do
    mkdir "$hierarchy/$name" 2>/dev/null || continue
    # A new cpuset is empty, and nothing runs in it.
    for file in cpuset.cpus cpuset.mems; do
      [ ! -e "$hierarchy/$file" ] || cat "$hierarchy/$file" >"$hierarchy/$name/$file"
    done
  done < <(awk '$3 == "cgroup" { print $2 }' /proc/mounts)
  mkdir "$root/pids/$name/daemons"
  echo "$root/pids/$name/daemons" >"$run/daemons"
}

# Some paths of containerd and kubelet cannot be configured: they get folders in RUN in their places. kubelet would also
# set six kernel parameters of the whole machine, and leave them: it finds them as it wants them.
cover_paths() {
  local folder entry
  mount --make-rshared /
  for folder in /run /var/lib /var/log; do
    case $run/ in "$folder"/*)
      echo "RUN may not lie in $folder for the node size." >&2
      exit 1
      ;;
    esac
    mkdir -p "$run/node$folder"
    mount --bind "$run/node$folder" "$folder"
  done
  mkdir "$run/sysctl"
  for entry in vm/overcommit_memory=1 vm/panic_on_oom=0 kernel/panic=10 kernel/panic_on_oops=1 \
    kernel/keys/root_maxkeys=1000000 kernel/keys/root_maxbytes=25000000; do
    folder=/proc/sys/${entry%=*}
    if [ -e "$folder" ]; then
      echo "${entry#*=}" >"$run/sysctl/${folder##*/}"
      mount --bind "$run/sysctl/${folder##*/}" "$folder"
    fi
  done
}

start_containerd() {
  mkdir -p "$run"/{containerd,cni}
  cat >"$run/containerd.toml" <<CONFIG
version = 3
root = "$run/containerd/root"
state = "$run/containerd/state"
disabled_plugins = [
  "io.containerd.nri.v1.nri", "io.containerd.snapshotter.v1.blockfile", "io.containerd.snapshotter.v1.erofs",
  "io.containerd.internal.v1.opt",
]
[grpc]
  address = "$run/containerd/socket"
[ttrpc]
  address = "$run/containerd/socket.ttrpc"
[plugins."io.containerd.cri.v1.images".pinned_images]
  sandbox = "localhost/pause:1"
[plugins."io.containerd.cri.v1.runtime"]
  # Root in a container often may not lower it.
  restrict_oom_score_adj = true
  netns_mounts_under_state_dir = true
  [plugins."io.containerd.cri.v1.runtime".cni]
    bin_dirs = ["$run/bin"]
    conf_dir = "$run/cni"
  [plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc.options]
      BinaryName = "$(command -v runc)"
      SystemdCgroup = false
[plugins."io.containerd.grpc.v1.cri"]
  stream_server_address = "127.0.0.1"
CONFIG
  cat >"$run/cni/10-pods.conflist" <<CONFIG
{
  "cniVersion": "1.0.0", "name": "pods",
  "plugins": [
    {
      "type": "bridge", "bridge": "pods", "isGateway": true, "hairpinMode": true, "ipMasq": false,
      "ipam": {
        "type": "host-local", "dataDir": "$run/node/addresses",
        "ranges": [[{ "subnet": "10.244.0.0/24" }]], "routes": [{ "dst": "0.0.0.0/0" }]
      }
    },
    { "type": "loopback" }
  ]
}
CONFIG
  start containerd env PATH="$run/bin:$PATH" "$run/bin/containerd" --config "$run/containerd.toml"
}

start_kubelet() {
  cat >"$run/kubelet.yaml" <<CONFIG
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
address: $address
readOnlyPort: 0
healthzBindAddress: 127.0.0.1
containerRuntimeEndpoint: unix://$run/containerd/socket
cgroupDriver: cgroupfs
cgroupRoot: /$name
# The first version of cgroups will do for tests.
failCgroupV1: false
enforceNodeAllocatable: []
authentication: { anonymous: { enabled: false }, webhook: { enabled: true }, x509: { clientCAFile: $run/pki/ca.crt } }
authorization: { mode: Webhook }
tlsCertFile: $run/pki/kubelet.crt
tlsPrivateKeyFile: $run/pki/kubelet.key
clusterDomain: cluster.local
clusterDNS: [10.96.0.10]
# There is no other DNS to ask.
resolvConf: ""
failSwapOn: false
# Images come from archives, and nothing could bring them back.
imageGCHighThresholdPercent: 100
imageGCLowThresholdPercent: 99
evictionHard: { nodefs.available: 100Mi, imagefs.available: 100Mi, memory.available: 100Mi }
volumePluginDir: $run/kubelet/volume-plugins
# How soon a pod sees that a Secret has changed.
syncFrequency: 5s
CONFIG
  start kubelet "$run/bin/kubelet" --config="$run/kubelet.yaml" --kubeconfig="$run/kubelet.kubeconfig" \
    --root-dir="$run/kubelet" --hostname-override=node-1 --node-ip="$address"
}

start_proxy() {
  cat >"$run/kube-proxy.yaml" <<CONFIG
apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
bindAddress: $address
healthzBindAddress: 127.0.0.1:10256
metricsBindAddress: 127.0.0.1:10249
mode: nftables
clusterCIDR: 10.244.0.0/16
hostnameOverride: node-1
clientConnection: { kubeconfig: $run/proxy.kubeconfig }
# Zero leaves the kernel's parameters alone.
conntrack: { maxPerCore: 0, min: 0, tcpEstablishedTimeout: 0s, tcpCloseWaitTimeout: 0s }
CONFIG
  start kube-proxy "$run/bin/kube-proxy" --config="$run/kube-proxy.yaml"
}

start_dns() {
  cat >"$run/Corefile" <<CONFIG
.:53 {
  bind $address
  errors
  ready $address:8181
  kubernetes cluster.local {
    kubeconfig $run/dns.kubeconfig
  }
}
CONFIG
  start coredns "$run/bin/coredns" -conf "$run/Corefile"
}

# volumes: a claim is bound to a folder of this machine that every user may write to.
volumes() {
  local number
  cat "$here/storage.yaml"
  for number in 1 2 3 4 5 6 7 8; do
    mkdir -p "$run/volumes/$number"
    chmod 777 "$run/volumes/$number"
    cat <<VOLUME
---
apiVersion: v1
kind: PersistentVolume
metadata: { name: volume-$number }
spec:
  storageClassName: test
  capacity: { storage: 10Gi }
  accessModes: [ReadWriteOnce]
  persistentVolumeReclaimPolicy: Retain
  local: { path: $run/volumes/$number }
  nodeAffinity:
    required:
      nodeSelectorTerms:
        - matchExpressions: [{ key: kubernetes.io/hostname, operator: In, values: [node-1] }]
VOLUME
  done
}

# node: the whole cluster, from within its namespaces. What does not wait for each other starts at once.
node() {
  address=10.99.0.1 name=$(cat "$run/name")
  echo $$ >"$(cat "$run/daemons")/cgroup.procs"
  cover_paths
  start_containerd
  etcd
  apiserver 6443
  mkdir "$run/pause"
  cc -O2 -static "$here/pause.c" -o "$run/pause/pause"
  "$here/image.sh" localhost/pause:1 "$run/pause" /pause "$run/pause.tar"
  must_be_ready containerd "$run/bin/ctr" --address "$run/containerd/socket" version
  "$here/load-image.sh" "$run" "$run/pause.tar"
  must_be_ready apiserver admin get --raw /readyz
  controllers
  start_kubelet
  start_proxy
  volumes | cat "$here/dns.yaml" - | admin create --validate=false -f - >/dev/null
  start_dns
  must_be_ready coredns http_ok $address 8181 /ready
  must_be_ready kube-proxy http_ok 127.0.0.1 10256 /healthz
  must_be_ready kubelet admin wait --for=condition=Ready node/node-1 --timeout=1s
  controllers_ready
}
