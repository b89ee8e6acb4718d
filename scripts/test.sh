#!/usr/bin/env bash
# Every check that needs no GPU, as CI runs it: style, headers, unit and mpirun tests, sanitizers, CUDA compilation.
# Usage: scripts/test.sh [--quick]     --quick: the host preset only
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/lib.sh
. scripts/lib.sh
quick=0
[ "${1:-}" = --quick ] && quick=1

modules=(core journal comm device memory workspace supervise)
build_asan() { build host-asan "${modules[@]/#/unit_}"; }
build_tsan() { build host-tsan unit_kernels unit_comm unit_device tsan_weak_barrier; }
build_cuda() { build cuda symmbench gpu_conformance gpu_kernels unit_cuda_device unit_cuda_kernels fake_libcuda; }
has_cuda() { command -v nvcc >/dev/null; }
build_rest() { build_asan && build_tsan && has_cuda && build_cuda; }

step "Installing what is missing"
setup=(--check)
[ "$quick" -eq 1 ] || setup+=(--fuzz)
scripts/setup.sh "${setup[@]}"

step "Format, shell scripts, structure"
scripts/check_style.sh

step "Host: build, unit and mpirun tests, each header alone"
build host
build host header_check
# Tests under mpirun wait more than they compute.
trap end_meanwhile EXIT
[ "$quick" -eq 1 ] || build_meanwhile
ctest --preset host -j 2
end_meanwhile

if [ "$quick" -eq 0 ]; then
  step "AddressSanitizer and UndefinedBehaviorSanitizer"
  build_asan
  ctest --preset host-asan -j 2 -R "^($(IFS='|'; echo "${modules[*]}")): "

  step "ThreadSanitizer: protocol templates, communicators, streams"
  build_tsan
  ctest --preset host-tsan -j 2 -R '^(kernels|comm|device): '
  ctest --preset host-tsan -L tsan

  step "Fuzzing: what reads outside data"
  scripts/fuzz.sh

  if has_cuda; then
    step "CUDA: 90a, 100a and 103a compile and link"
    build_cuda
    ctest --preset cuda -j 2 -L cuda
  else
    step "CUDA: not compiled, no nvcc on this machine"
  fi
fi
step "All checks passed"
