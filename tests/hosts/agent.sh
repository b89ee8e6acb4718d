#!/usr/bin/env bash
# Open MPI's way to another host, where hosts are namespaces of this machine: AGENT ADDRESS COMMAND...
# $SYMMBENCH_HOSTS/ADDRESS.pid names a process that lives there.
set -euo pipefail
host=$1
shift
exec nsenter --target "$(cat "$SYMMBENCH_HOSTS/$host.pid")" --net --uts --mount --pid -- sh -c "$*"
