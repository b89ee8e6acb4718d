#include "kernels/cuda/cuda_ops.cuh"
#include "kernels/cuda/cuda_partition.cuh"
#include "kernels/cuda/launch.cuh"
#include "kernels/cuda/service_kernels.hpp"
#include "kernels/protocol/barrier.hpp"

namespace symmbench::cuda {
namespace {

struct Addresses {
  DevicePtr address[kMaxRanks];
};

__global__ void device_barrier_kernel(const __grid_constant__ FlagsView view) {
  CudaOps<FlagsView, Trigger::after_push> ops(view);
  device_barrier(ops, CudaGrid{}, view);
}

__global__ void scan_kernel(const std::uint32_t* data, std::uint64_t words, std::uint32_t pattern,
                            unsigned long long* count) {
  unsigned differing = 0;
  CudaGrid{}.for_each_index(words, [&](std::uint64_t i) { differing += data[i] != pattern ? 1 : 0; });
  differing = __reduce_add_sync(0xFFFFFFFFu, differing);
  if (threadIdx.x % 32 == 0 && differing != 0) atomicAdd(count, static_cast<unsigned long long>(differing));
}

__global__ void write_word_kernel(DevicePtr to, std::uint32_t value) { ptx::store_word_release_sys(to, value); }

__global__ void read_words_kernel(const __grid_constant__ Addresses from, std::uint32_t count, std::uint32_t* to) {
  for (std::uint32_t i = threadIdx.x; i < count; i += blockDim.x) to[i] = ptx::load_word_acquire_sys(from.address[i]);
}

}  // namespace

int launch_device_barrier(void* stream, const RankView& view, const SegmentView& flags) {
  return launch(device_barrier_kernel, {.blocks = 1, .threads = 96, .pdl = true}, stream, FlagsView(view, flags));
}

int launch_scan(void* stream, DevicePtr data, std::uint64_t words, std::uint32_t pattern, DevicePtr count) {
  return launch(scan_kernel, {.blocks = 528, .threads = 512}, stream, reinterpret_cast<const std::uint32_t*>(data),
                words, pattern, reinterpret_cast<unsigned long long*>(count));
}

int launch_write_word(void* stream, DevicePtr to, std::uint32_t value) {
  return launch(write_word_kernel, {.blocks = 1, .threads = 1}, stream, to, value);
}

int launch_read_words(void* stream, const DevicePtr* from, std::uint32_t count, DevicePtr to) {
  Addresses addresses{};
  for (std::uint32_t i = 0; i < count; ++i) addresses.address[i] = from[i];
  return launch(read_words_kernel, {.blocks = 1, .threads = 96}, stream, addresses, count,
                reinterpret_cast<std::uint32_t*>(to));
}

}  // namespace symmbench::cuda
