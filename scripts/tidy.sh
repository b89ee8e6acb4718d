#!/usr/bin/env bash
# clang-tidy over the C++ sources with the headers of this tree that they include; .clang-tidy has the rules. Each file is
# parsed alone, without precompiled headers, in a build folder of its own. Sources for CUDA's host side take part where nvcc is.
# Usage: scripts/tidy.sh [PATH...]     files or folders; without any, the whole tree
#        scripts/tidy.sh --quick      the whole tree, the sources of a module at once: no headers on
#                                     their own, nor the rule on using-declarations, which looks at one file only
# Prints each offence once and a summary; exit 1 when there is an offence.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/lib.sh
. scripts/lib.sh
scripts/setup.sh --tidy >&2
tidy=$(pinned clang-tidy 16.0.6)
folder=build/tidy
preset=dev
sources="$PWD/(app|lib|kernels|scripts|tests)/.*\.cpp"
rules=""
if [ "${1:-}" = --quick ]; then
  shift
  [ $# -eq 0 ] || { echo "tidy: --quick is for the whole tree" >&2; exit 2; }
  folder=build/tidy-quick
  preset=host
  sources="$sources|.*/Unity/.*\.cxx"
  rules="-bugprone-suspicious-include"
fi
cuda=OFF
command -v nvcc >/dev/null && cuda=ON

mkdir -p "$folder"
cmake --preset "$preset" -B "$folder" -DCMAKE_DISABLE_PRECOMPILE_HEADERS=ON -DSYMMBENCH_CUDA=$cuda >"$folder/cmake.log" 2>&1 ||
  { cat "$folder/cmake.log" >&2; exit 1; }
cmake --build "$folder" --target symmbench_version_header >"$folder/cmake.log" 2>&1 ||
  { cat "$folder/cmake.log" >&2; exit 1; }

# What is compiled of the tree itself, and below the paths asked for; a header is checked where it is named.
mapfile -t files < <(jq -r '.[].file' "$folder/compile_commands.json" |
  grep -E "^($sources)$" | sed "s|^$PWD/||" | sort -u |
  if [ $# -gt 0 ]; then grep -E "^($(printf '%s|' "${@%/}" | sed 's/|$//'))(/|$)" || true; else cat; fi
  printf '%s\n' "$@" | grep -E '\.hpp$' || true)
if [ "${#files[@]}" -eq 0 ]; then
  echo "tidy: no source of the build is below $*" >&2
  exit 2
fi

# One file: its offences, or, when clang-tidy failed without naming any, why. Some of GCC's options clang does not know.
check() {
  local log
  log=$(mktemp "$3/XXXXXX.log")
  "$1" -p "$2" --quiet --checks="$5" --extra-arg=-Wno-unknown-warning-option \
    --extra-arg=-Wno-ignored-optimization-argument --extra-arg=-Wno-unused-command-line-argument \
    "--header-filter=^$PWD/(app|lib|kernels|scripts|tests)/" "$4" \
    >"$log" 2>"$log.errors" || grep -qE ': (error|warning): ' "$log" ||
    { echo "$4: error: clang-tidy failed"; cat "$log.errors"; } >>"$log"
}
export -f check
logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT
printf '%s\0' "${files[@]}" | xargs -0 -P "$(nproc)" -I{} bash -c 'check "$@"' check "$tidy" "$folder" "$logs" {} "$rules"

# A header's offences are reported by each source that includes it: shown once.
cat "$logs"/*.log | awk '/: (error|warning): / { show = !seen[$0]++ } show' | sed "s|^$PWD/||" >"$folder/offences"
cat "$folder/offences"
offences=$(grep -cE ': (error|warning): ' "$folder/offences" || true)
echo "tidy: $offences offences in ${#files[@]} sources"
[ "$offences" -eq 0 ]
