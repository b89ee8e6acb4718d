#include "kernels/cuda/collectives.cuh"

namespace symmbench::cuda {

int launch_fused_bf16(const LaunchShape& shape, void* stream, const AllreduceCall& call) {
  return launch_fused_of<Bf16>(shape, stream, call);
}

}  // namespace symmbench::cuda
