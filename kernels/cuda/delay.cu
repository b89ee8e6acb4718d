#include "kernels/cuda/cuda_memory.cuh"
#include "kernels/cuda/delay.hpp"
#include "kernels/cuda/launch.cuh"

namespace symmbench::cuda {
namespace {

__global__ void delay_kernel(std::uint64_t ns) {
  const std::uint64_t start = ptx::globaltimer();
  while (ptx::globaltimer() - start < ns) {
  }
}

}  // namespace

int launch_delay(void* stream, std::uint64_t ns) {
  return launch(delay_kernel, {.blocks = 1, .threads = 1}, stream, ns);
}

}  // namespace symmbench::cuda
