#!/bin/sh
# build-without-engine.sh [FOLDER]: build the image with Buildah, where no Docker engine runs, and reproduce the paper in it.
# FOLDER receives the results (default: results/container).
#
# Environment, all optional:
#   BASE       the image to start from; if not given, a Debian trixie is made by debootstrap (as root)
#   MIRROR     the Debian mirror for debootstrap; if not given, its own default
#   CA_BUNDLE  a certificate file, for a proxy that has its own; the build uses it, the image does not get it
#   TORCH      what pip is given in place of the pinned torch (docker/README.md)
#   IMAGE      the image's name (default: hybrid)
#   RANKS      MPI ranks of the run (default: 1)
set -eu

fail() {
  echo "build-without-engine: $1" >&2
  exit 2
}

[ $# -le 1 ] || fail "one folder for the results at most, not $# words"
results=${1:-results/container}
image=${IMAGE:-hybrid}
source=$(cd "$(dirname "$0")/.." && pwd)

# Both programs are in Debian packages of the same name.
needed=buildah
[ -n "${BASE:-}" ] || needed="buildah debootstrap"
missing=
for tool in $needed; do
  command -v "$tool" >/dev/null || missing="$missing $tool"
done
[ -z "$missing" ] || fail "missing:$missing; install it (Debian: apt-get install$missing)"
[ -n "${BASE:-}" ] || [ "$(id -u)" -eq 0 ] || fail "debootstrap needs root; be root, or name an image in BASE"
[ -z "${CA_BUNDLE:-}" ] || [ -r "$CA_BUNDLE" ] || fail "CA_BUNDLE: cannot read '$CA_BUNDLE'"

# Neither namespaces nor an overlay file system is needed this way, so it works inside a container too.
export BUILDAH_ISOLATION="${BUILDAH_ISOLATION:-chroot}"
export STORAGE_DRIVER="${STORAGE_DRIVER:-vfs}"

container=
scratch=$(mktemp -d)
clean() {
  if [ -n "$container" ]; then
    buildah rm "$container" >/dev/null || true
  fi
  rm -rf "$scratch"
}
trap clean EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

id_of() {
  buildah images --quiet "$1" 2>/dev/null || true
}
# An image that lost its name to a new one would go on taking its gigabytes. One that another image needs stays.
drop() {
  if [ -n "$1" ]; then
    buildah rmi "$1" >/dev/null 2>&1 || true
  fi
}

if [ -z "${BASE:-}" ]; then
  BASE=localhost/$image-base
  echo "== base: Debian trixie by debootstrap, as $BASE"
  container=$(buildah from scratch)
  # Straight into the container's file system: one copy less, and owners and modes stay as they are.
  root=$(buildah mount "$container")
  debootstrap --variant=minbase trixie "$root" ${MIRROR:+"$MIRROR"}
  buildah umount "$container" >/dev/null
  buildah config --cmd /bin/bash "$container"
  old=$(id_of "$BASE")
  buildah commit --quiet --rm "$container" "$BASE" >/dev/null
  container=
  drop "$old"
fi

set -- --build-arg "BASE=$BASE" --build-arg "TORCH=${TORCH:-}"
# This machine's settings of how apt reaches the mirror (a proxy, a clock that is off) hold in the build too.
# They are mounted, not copied: an empty file is all that stays in the image.
if command -v apt-config >/dev/null; then
  apt-config dump | grep -E '^Acquire::(Check-|Retries|https?::(Proxy|Timeout))' >"$scratch/apt.conf" || true
fi
if [ -n "${CA_BUNDLE:-}" ]; then
  set -- "$@" -v "$(realpath "$CA_BUNDLE"):/ca.crt:ro" --build-arg PIP_CERT=/ca.crt
  echo 'Acquire::https::CaInfo "/ca.crt";' >>"$scratch/apt.conf"
fi
if [ -s "$scratch/apt.conf" ]; then
  set -- "$@" -v "$scratch/apt.conf:/etc/apt/apt.conf.d/99build:ro"
fi

echo "== image: $image"
old=$(id_of "$image")
buildah bud "$@" --tag "$image" --file "$source/Dockerfile" "$source"
[ "$old" = "$(id_of "$image")" ] || drop "$old"

container=$(buildah from --pull-never "$image")
# `buildah run` passes over the entry point of the image, so name it.
in_image() {
  buildah run "$container" -- env RANKS="${RANKS:-1}" sh /opt/src/entrypoint.sh "$@"
}
echo "== run: hybrid cases"
in_image cases
echo "== run: hybrid reproduce --preset fast, on ${RANKS:-1} rank(s)"
in_image reproduce --preset fast

mkdir -p "$results"
buildah run "$container" -- tar -C /work/results -cf - . >"$scratch/results.tar"
tar -C "$results" --no-same-owner -xf "$scratch/results.tar"
echo "== results: $results"
