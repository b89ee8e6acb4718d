# shellcheck shell=bash
# Shared by the scripts beside it; to be sourced from the repository root.
# mpirun as root, and with more ranks than cores, needs to be told that this is meant.
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_rmaps_base_oversubscribe=1

step() { printf '\n== %s\n' "$*"; }

# build PRESET [TARGET...]: configures and builds one preset quietly; on failure the compiler's words are shown.
build() {
  local preset=$1
  shift
  cmake --preset "$preset" >"build-$preset.log" 2>&1 || { cat "build-$preset.log" >&2; return 1; }
  cmake --build --preset "$preset" "${@/#/--target=}" >"build-$preset.log" 2>&1 ||
    { tail -n 60 "build-$preset.log" >&2; return 1; }
  rm -f "build-$preset.log"
}
