#include "kernels/cuda/collectives.cuh"

namespace symmbench::cuda {

int launch_barrier_fp32(const LaunchShape& shape, void* stream, const AllreduceCall& call) {
  return launch_barrier_of<float>(shape, stream, call);
}

}  // namespace symmbench::cuda
