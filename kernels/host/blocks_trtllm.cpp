#include "kernels/host/host_blocks.hpp"

namespace symmbench::host {

std::span<const BlockRow> trtllm_rows() {
  static constexpr auto kRows = joined(trtllm_rows_of_type<HostOps, Fp16>(), trtllm_rows_of_type<HostOps, Bf16>(),
                                       trtllm_rows_of_type<HostOps, float>());
  return kRows;
}

}  // namespace symmbench::host
