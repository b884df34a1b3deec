#!/usr/bin/env bash
# program-image.sh NAME PROGRAM ARCHIVE   Packs a program of this machine as an image (see image.sh), with the shared libraries
# that it is linked with, if any: they lie where they lie here, so that the loader finds them.
set -euo pipefail
name=${1:?usage: program-image.sh NAME PROGRAM ARCHIVE} program=$(realpath "$2") archive=$3
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
# A folder made for one user is closed to the image's user.
chmod 755 "$root"
# Where images of the Prometheus Operator have their programs, and it asks for them there.
mkdir "$root/bin"
install -m 755 "$program" "$root/bin/${program##*/}"
while read -r library; do
  cp -L --parents "$library" "$root"
  case ${library##*/} in
    # A C library older than 2.34 loads what resolves names when it is first asked; a newer one is all of it.
    libc.so.*)
      for part in libnss_files.so.2 libnss_dns.so.2 libresolv.so.2; do
        [ ! -e "${library%/*}/$part" ] || cp -L --parents "${library%/*}/$part" "$root"
      done
      ;;
  esac
done < <(ldd "$program" 2>/dev/null | grep -oE '/[^ ]+' | sort -u)
mkdir -p "$root/etc" "$root/tmp"
echo 'hosts: files dns' >"$root/etc/nsswitch.conf"
"$(dirname "$0")/image.sh" "$name" "$root" "/bin/${program##*/}" "$archive"
