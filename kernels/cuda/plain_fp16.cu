#include "kernels/cuda/collectives.cuh"

namespace symmbench::cuda {

int launch_plain_fp16(const LaunchShape& shape, void* stream, const AllreduceCall& call) {
  return launch_plain_of<Fp16>(shape, stream, call);
}

}  // namespace symmbench::cuda
