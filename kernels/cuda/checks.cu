#include "kernels/cuda/cuda_loops.cuh"
#include "kernels/cuda/launch.cuh"
#include "kernels/cuda/service_kernels.hpp"
#include "kernels/pattern_code.hpp"
#include "kernels/patterns.hpp"
#include "kernels/protocol/fill.hpp"
#include "kernels/visit_dtype.hpp"

namespace symmbench::cuda {
namespace {

/// What the fill and check texts do to memory.
struct CheckOps {
  __device__ __forceinline__ Packet load_local(std::uint64_t address) { return ptx::load(address); }
  __device__ __forceinline__ void store_local(std::uint64_t address, const Packet& packet) {
    ptx::store(address, packet);
  }
  __device__ __forceinline__ std::uint64_t add64(std::uint64_t* count, std::uint64_t value) {
    return atomicAdd(reinterpret_cast<unsigned long long*>(count), static_cast<unsigned long long>(value));
  }
  __device__ __forceinline__ std::uint32_t add32(std::uint32_t* count, std::uint32_t value) {
    return atomicAdd(count, value);
  }
  __device__ __forceinline__ void max32(std::uint32_t* largest, std::uint32_t value) { atomicMax(largest, value); }
  __device__ __forceinline__ double square_root(double value) { return sqrt(value); }
};
static_assert(ReportOps<CheckOps>);

// Two blocks per SM of an H200; each thread adds to the report once.
constexpr LaunchShape kLoops{.blocks = 264, .threads = 256};

__device__ std::uint64_t iteration_of(const BatchView& batch) {
  return reinterpret_cast<const BatchState*>(batch.state)->iteration;
}

template <class T>
__global__ void fill_inputs_kernel(const __grid_constant__ BatchView batch, std::uint32_t iterations, int rank,
                                   int summands) {
  __shared__ double scratch[32];
  CheckOps ops;
  fill_inputs<T>(ops, CheckLoops(scratch), batch, iteration_of(batch), iterations, rank, summands);
}

template <class T>
__global__ void fill_constants_kernel(const __grid_constant__ BatchView batch,
                                      const __grid_constant__ ConstantValues values) {
  __shared__ double scratch[32];
  CheckOps ops;
  fill_constants<T>(ops, CheckLoops(scratch), batch, values);
}

template <class T, class Pass>
__global__ void check_kernel(const __grid_constant__ CheckArgs args, const __grid_constant__ Pass pass) {
  __shared__ double scratch[32];
  CheckOps ops;
  pass.template run<T>(ops, CheckLoops(scratch), args, iteration_of(args.batch));
}

__global__ void advance_kernel(BatchView batch, std::uint64_t advance) {
  reinterpret_cast<BatchState*>(batch.state)->iteration += advance;
}

/// Enqueues the passes until one fails.
template <class T>
int launch_checks(void* stream, const BatchView& batch, const CheckCall& call) {
  const CheckArgs args = check_args(batch, call);
  int result = cudaSuccess;
  for_each_check(call, [&]<class Pass>(const Pass& pass) {
    if (result == cudaSuccess) result = launch(check_kernel<T, Pass>, kLoops, stream, args, pass);
  });
  return result;
}

}  // namespace

int launch_fill_inputs(void* stream, const BatchView& batch, const CheckCall& call) {
  return visit_dtype(call.shape.dtype, [&]<class T>() {
    return launch(fill_inputs_kernel<T>, kLoops, stream, batch, call.iterations, call.rank, exact_summands(call.shape));
  });
}

int launch_fill_constants(void* stream, const BatchView& batch, const CheckCall& call) {
  return visit_dtype(call.shape.dtype, [&]<class T>() {
    return launch(fill_constants_kernel<T>, kLoops, stream, batch, constant_values(call.shape));
  });
}

int launch_check(void* stream, const BatchView& batch, const CheckCall& call, std::uint64_t advance) {
  const int result = visit_dtype(call.shape.dtype, [&]<class T>() { return launch_checks<T>(stream, batch, call); });
  if (result != cudaSuccess) return result;
  return launch(advance_kernel, {.blocks = 1, .threads = 1}, stream, batch, advance);
}

}  // namespace symmbench::cuda
