#include "kernels/cuda/collectives.hpp"
#include "kernels/cuda/cuda_loops.cuh"
#include "kernels/cuda/launch.cuh"
#include "kernels/protocol/fill.hpp"
#include "kernels/protocol/verify.hpp"

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
                                   int world_size) {
  __shared__ double scratch[32];
  CheckOps ops;
  fill_inputs<T>(ops, CheckLoops(scratch), batch, iteration_of(batch), iterations, rank, world_size);
}

template <class T>
__global__ void fill_constants_kernel(const __grid_constant__ BatchView batch, std::uint64_t hidden, int world_size) {
  __shared__ double scratch[32];
  CheckOps ops;
  fill_constants<T>(ops, CheckLoops(scratch), batch, hidden, world_size);
}

template <class T>
__global__ void check_sums_kernel(const __grid_constant__ CheckArgs given) {
  __shared__ double scratch[32];
  CheckOps ops;
  CheckArgs args = given;
  args.first_iteration = iteration_of(args.batch);
  check_sums<T>(ops, CheckLoops(scratch), args);
  check_guards(ops, CheckLoops(scratch), args);
}

template <class T>
__global__ void check_norms_kernel(const __grid_constant__ CheckArgs given) {
  __shared__ double scratch[32];
  CheckOps ops;
  CheckArgs args = given;
  args.first_iteration = iteration_of(args.batch);
  check_norms<T>(ops, CheckLoops(scratch), args);
}

__global__ void advance_kernel(BatchView batch, std::uint64_t advance) {
  reinterpret_cast<BatchState*>(batch.state)->iteration += advance;
}

template <class F>
int with_type(DType dtype, F&& f) {
  switch (dtype) {
    case DType::fp16:
      return f(Fp16{});
    case DType::bf16:
      return f(Bf16{});
    default:
      return f(float{});
  }
}

}  // namespace

int launch_fill_inputs(void* stream, const BatchView& batch, const CheckCall& call) {
  return with_type(call.shape.dtype, [&]<class T>(T) {
    return launch(fill_inputs_kernel<T>, kLoops, stream, batch, call.iterations, call.rank, call.shape.world_size);
  });
}

int launch_fill_constants(void* stream, const BatchView& batch, const CheckCall& call) {
  return with_type(call.shape.dtype, [&]<class T>(T) {
    return launch(fill_constants_kernel<T>, kLoops, stream, batch, call.shape.hidden, call.shape.world_size);
  });
}

int launch_check(void* stream, const BatchView& batch, const CheckCall& call, std::uint64_t advance) {
  const CheckArgs args{.batch = batch,
                       .first_iteration = 0,  // read from BatchState when the kernel runs
                       .iterations = call.iterations,
                       .world_size = call.shape.world_size,
                       .packets = call.shape.packets(),
                       .hidden = call.shape.hidden,
                       .fused = call.shape.pattern != Pattern::allreduce,
                       .rounds_partial_sums = !sums_in_rank_order(call.shape.algorithm),
                       .epsilon = call.epsilon,
                       .weight_bias = call.weight_bias};
  const int result = with_type(call.shape.dtype, [&]<class T>(T) {
    const int sums = launch(check_sums_kernel<T>, kLoops, stream, args);
    return sums == cudaSuccess && args.fused ? launch(check_norms_kernel<T>, kLoops, stream, args) : sums;
  });
  if (result != cudaSuccess) return result;
  return launch(advance_kernel, {.blocks = 1, .threads = 1}, stream, batch, advance);
}

}  // namespace symmbench::cuda
