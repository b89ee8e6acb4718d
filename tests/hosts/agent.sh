#!/usr/bin/env bash
# Open MPI's way to another host, where hosts are network and UTS namespaces of this machine: AGENT ADDRESS COMMAND...
# $SYMMBENCH_HOSTS holds ADDRESS.net and ADDRESS.uts.
set -euo pipefail
host=$1
shift
exec nsenter --net="$SYMMBENCH_HOSTS/$host.net" --uts="$SYMMBENCH_HOSTS/$host.uts" -- sh -c "$*"
