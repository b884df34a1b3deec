# shellcheck shell=bash
# Sourced by up.sh: etcd, the API server, the controllers and the scheduler.
# shellcheck disable=SC2154 # run, log, size and address are set by who sources this.

# etcd listens on sockets in RUN: no port to choose, and nobody else on the machine reaches it. It wants its peers' address,
# which is its own, in the form host:port even so, and takes that for a file in its working directory.
etcd() {
  start etcd env --chdir="$run" "$run/bin/etcd" --data-dir="$run/etcd" --unsafe-no-fsync --log-level=warn \
    --listen-client-urls="unix://$run/etcd.sock" --advertise-client-urls="unix://client:0" \
    --listen-peer-urls="unix://peer:0" --initial-advertise-peer-urls="unix://peer:0" --initial-cluster="default=unix://peer:0"
  must_be_ready etcd test -S "$run/etcd.sock"
}

# apiserver PORT: the plugins that the API server has by default, Pod Security among them, and a log of every request.
apiserver() {
  local port=$1 pki=$run/pki reconciler=none kubelet=()
  if [ "$size" = node ]; then
    # The Service `kubernetes` is how pods reach it.
    reconciler=lease
    kubelet=(--kubelet-certificate-authority="$pki/ca.crt" --kubelet-client-certificate="$pki/kubelet-client.crt"
      --kubelet-client-key="$pki/kubelet-client.key" --kubelet-preferred-address-types=InternalIP)
  fi
  cat >"$run/audit-policy.yaml" <<POLICY
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules: [{ level: Metadata }]
POLICY
  kubeconfigs "https://$address:$port"
  start apiserver "$run/bin/kube-apiserver" --bind-address="$address" --secure-port="$port" \
    --advertise-address="$address" --endpoint-reconciler-type=$reconciler --etcd-servers="unix://$run/etcd.sock" \
    --client-ca-file="$pki/ca.crt" --tls-cert-file="$pki/apiserver.crt" --tls-private-key-file="$pki/apiserver.key" \
    --service-account-issuer=https://kubernetes.default.svc --service-account-signing-key-file="$pki/service-account.key" \
    --service-account-key-file="$pki/service-account.pub" --service-cluster-ip-range=10.96.0.0/16 \
    --authorization-mode=Node,RBAC --enable-admission-plugins=NodeRestriction --allow-privileged=true \
    --audit-policy-file="$run/audit-policy.yaml" --audit-log-path="$log/audit.jsonl" "${kubelet[@]}"
}

admin() {
  "$run/bin/kubectl" --kubeconfig="$run/admin.kubeconfig" "$@"
}

# Another may take a port between our look and the server's bind: then the server ends, and the next port is tried.
apiserver_on_a_free_port() {
  local port
  for _ in 1 2 3 4 5; do
    # Below the range that the system takes outgoing connections' ports from.
    port=$((20000 + RANDOM % 10000))
    if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
      continue
    fi
    apiserver $port
    wait_for apiserver admin get --raw /readyz && return
    grep -q "address already in use" "$log/apiserver.log" || break
  done
  give_up apiserver
}

# controllers: the tests make resources by the thousand, so the controllers may ask as fast as they like.
controllers() {
  local common=(--bind-address=127.0.0.1 --secure-port=0 --leader-elect=false --kube-api-qps=500 --kube-api-burst=1000)
  start controller-manager "$run/bin/kube-controller-manager" --kubeconfig="$run/controller-manager.kubeconfig" \
    --service-account-private-key-file="$run/pki/service-account.key" --root-ca-file="$run/pki/ca.crt" \
    --use-service-account-credentials=true "${common[@]}"
  start scheduler "$run/bin/kube-scheduler" --kubeconfig="$run/scheduler.kubeconfig" "${common[@]}"
}

controllers_ready() {
  must_be_ready controller-manager admin --namespace=default get serviceaccount default
}
