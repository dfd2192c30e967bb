#!/bin/sh
# The image's entry point: the words after the image's name are those of the `hybrid` command.
# RANKS=N (environment) runs it on N MPI ranks. sh, bash, python and mpiexec are executed as they are.
set -eu

case ${1:-} in
  sh | bash | python | mpiexec) exec "$@" ;;
esac

ranks=${RANKS:-1}
case $ranks in
  *[!0-9]* | 0*)
    echo "entrypoint: RANKS must be a positive whole number, not '$ranks'" >&2
    exit 2
    ;;
esac

if [ "$ranks" -eq 1 ]; then
  exec hybrid "$@"
fi
exec mpiexec -n "$ranks" hybrid "$@"
