#!/usr/bin/env bash
# Feeds mutated input to readers of outside data (tests/fuzz), under the address and undefined-behaviour
# sanitizers. What breaks a reader is kept in build/host-fuzz/found. Usage: scripts/fuzz.sh [--minutes N] [TARGET...]
#   --minutes N  for all targets together, beside the build; 0.5 unless given
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/lib.sh
. scripts/lib.sh
minutes=0.5
if [ "${1:-}" = --minutes ]; then
  minutes=${2:?"--minutes needs a number"}
  shift 2
fi
targets=("$@")
if [ "${#targets[@]}" -eq 0 ]; then
  for folder in tests/fuzz/corpus/*/; do targets+=("$(basename "$folder")"); done
fi
seconds=$(awk -v minutes="$minutes" -v targets="${#targets[@]}" \
  'BEGIN { each = int(minutes * 60 / targets + 0.5); print each < 1 ? 1 : each }')
build host-fuzz "${targets[@]/#/fuzz_}"
found=build/host-fuzz/found
mkdir -p "$found"
broken=()
for target in "${targets[@]}"; do
  seen=$(mktemp -d)
  if ! build/host-fuzz/bin/fuzz_"$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -malloc_limit_mb=512 \
    -artifact_prefix="$found/$target-" -print_final_stats=1 "$seen" "tests/fuzz/corpus/$target" >"$found/$target.log" 2>&1; then
    tail -n 40 "$found/$target.log" >&2
    broken+=("$target")
  fi
  rm -rf "$seen"
  echo "fuzz: $target: $(awk '/number_of_executed_units/ { print $2 }' "$found/$target.log") inputs in $seconds s"
done
if [ "${#broken[@]}" -gt 0 ]; then
  echo "fuzz: broken: ${broken[*]}; the inputs are in $found" >&2
  exit 1
fi
