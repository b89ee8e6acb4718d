#include "kernels/cuda/collectives.cuh"

namespace symmbench::cuda {

int launch_fused_fp16(const LaunchShape& shape, void* stream, const AllreduceCall& call) {
  return launch_fused_of<Fp16>(shape, stream, call);
}

}  // namespace symmbench::cuda
