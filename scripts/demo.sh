#!/usr/bin/env bash
# From a fresh machine to a report: installs what is missing, builds, runs the main job with 4 ranks on the emulated
# device and shows the result. Usage: scripts/demo.sh [more options for symmbench run]
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/lib.sh
. scripts/lib.sh

step "Installing what is missing"
scripts/setup.sh
step "Building (preset host)"
build host symmbench
step "Running configuration quick on 4 ranks"
report=build/demo-report.json
mpirun -n 4 build/host/bin/symmbench run --device host --config quick --report "$report" "$@"
step "Checking the report against its schema"
build/host/bin/symmbench validate "$report"
echo "The report is $report; jq '.comparison' $report compares the allocators case by case."
