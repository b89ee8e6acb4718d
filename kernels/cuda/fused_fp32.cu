#include "kernels/cuda/collectives.cuh"

namespace symmbench::cuda {

int launch_fused_fp32(const LaunchShape& shape, void* stream, const AllreduceCall& call) {
  return launch_fused_of<float>(shape, stream, call);
}

}  // namespace symmbench::cuda
