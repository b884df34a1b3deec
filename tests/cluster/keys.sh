# shellcheck shell=bash
# Sourced by up.sh: the keys, certificates and kubeconfig files of a cluster.
# shellcheck disable=SC2154 # run is set by who sources this.

# Elliptic curves: keys are made in milliseconds.
curve=(-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes)

# certificate NAME SUBJECT USAGE [ALTERNATIVE-NAMES]
certificate() {
  openssl req "${curve[@]}" -subj "$2" -keyout "$1.key" -out "$1.csr" 2>/dev/null
  printf 'keyUsage=digitalSignature\nextendedKeyUsage=%s\n%s\n' "$3" "${4:+subjectAltName=$4}" >"$1.extensions"
  openssl x509 -req -in "$1.csr" -CA ca.crt -CAkey ca.key -days 365 -out "$1.crt" -extfile "$1.extensions" 2>/dev/null
}

keys() {
  local names=DNS:localhost,DNS:node-1,DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc
  names+=,IP:127.0.0.1,IP:10.99.0.1,IP:10.96.0.1
  (
    umask 077
    cd "$run/pki" || exit
    openssl req -x509 "${curve[@]}" -days 365 -subj /CN=ca -keyout ca.key -out ca.crt \
      -addext keyUsage=critical,keyCertSign,digitalSignature 2>/dev/null
    certificate apiserver /CN=kube-apiserver serverAuth "$names"
    certificate admin /O=system:masters/CN=admin clientAuth
    openssl ecparam -name prime256v1 -genkey -noout -out service-account.key
    openssl ec -in service-account.key -pubout -out service-account.pub 2>/dev/null
    [ "$size" = api ] && exit
    certificate controller-manager /CN=system:kube-controller-manager clientAuth
    certificate scheduler /CN=system:kube-scheduler clientAuth
    [ "$size" = control ] && exit
    certificate kubelet /O=system:nodes/CN=system:node:node-1 clientAuth,serverAuth "$names"
    certificate kubelet-client /O=system:masters/CN=kubelet-client clientAuth
    certificate proxy /CN=system:kube-proxy clientAuth
    certificate dns /CN=dns clientAuth
  )
}

# kubeconfigs URL: one for each user that has a certificate.
kubeconfigs() {
  local user
  for user in admin controller-manager scheduler kubelet proxy dns; do
    [ -e "$run/pki/$user.crt" ] || continue
    cat >"$run/$user.kubeconfig" <<CONFIG
apiVersion: v1
kind: Config
clusters: [{ name: test, cluster: { server: "$1", certificate-authority: $run/pki/ca.crt } }]
users: [{ name: $user, user: { client-certificate: $run/pki/$user.crt, client-key: $run/pki/$user.key } }]
contexts: [{ name: test, context: { cluster: test, user: $user } }]
current-context: test
CONFIG
  done
}
