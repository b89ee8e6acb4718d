#!/usr/bin/env bash
# Format of the C++ sources, shell scripts, structure of the tree: what can be said without compiling, in seconds.
# Usage: scripts/check_style.sh [--fix]     --fix: formats the sources instead of naming those that are not
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/lib.sh
. scripts/lib.sh
how=(--dry-run --Werror)
[ "${1:-}" = --fix ] && how=(-i)

formatter=$(pinned clang-format 14.0.6)
find app lib kernels scripts tests -name '*.[ch]pp' -o -name '*.cu' -o -name '*.cuh' | sort |
  xargs -P "$(nproc)" -n 40 "$formatter" "${how[@]}" ||
  { echo "the files named above are not formatted: scripts/check_style.sh --fix does it" >&2; exit 1; }
shellcheck -x .ci/run scripts/*.sh tests/mpi/*.sh
scripts/check_layers
