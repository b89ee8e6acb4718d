# shellcheck shell=bash
# Shared by the scripts beside it; to be sourced from the repository root.
# mpirun as root, and with more ranks than cores, needs to be told that this is meant.
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_rmaps_base_oversubscribe=1

step() { printf '\n== %s\n' "$*"; }

# pinned TOOL VERSION: the name under which exactly this version is installed. What such a tool says depends on its version.
pinned() {
  local name found other=""
  for name in "$1-${2%%.*}" "$1"; do
    found=$("$name" --version 2>/dev/null | grep -oE -m 1 '[0-9]+\.[0-9]+\.[0-9]+' || true)
    if [ "$found" = "$2" ]; then
      echo "$name"
      return
    fi
    other=${other:-$found}
  done
  echo "$1 $2 is needed (package $1-${2%%.*}, see scripts/setup.sh), found: ${other:-none}" >&2
  return 1
}

# build PRESET [TARGET...]: configures and builds one preset quietly; on failure the compiler's words are shown.
build() {
  local preset=$1
  shift
  cmake --preset "$preset" >"build-$preset.log" 2>&1 || { cat "build-$preset.log" >&2; return 1; }
  cmake --build --preset "$preset" "${@/#/--target=}" >"build-$preset.log" 2>&1 ||
    { tail -n 60 "build-$preset.log" >&2; return 1; }
  rm -f "build-$preset.log"
}

# build_meanwhile: runs build_rest, which the caller defines, at the lowest priority with one job until end_meanwhile. That it
# is through is not promised, nor that it succeeds: a head start for builds that come later in any case.
build_meanwhile() {
  set -m  # a process group of its own, which can be ended as a whole
  (CMAKE_BUILD_PARALLEL_LEVEL=1; export CMAKE_BUILD_PARALLEL_LEVEL; renice -n 19 -p "$BASHPID"; build_rest) >/dev/null 2>&1 &
  meanwhile=$!
  set +m
}
end_meanwhile() {
  [ -n "${meanwhile:-}" ] || return 0
  kill -- "-$meanwhile" 2>/dev/null || true
  wait "$meanwhile" 2>/dev/null || true
  for _ in $(seq 600); do  # ninja ends its compilers
    kill -0 -- "-$meanwhile" 2>/dev/null || break
    sleep 0.1
  done
  kill -KILL -- "-$meanwhile" 2>/dev/null || true
  meanwhile=""
}
