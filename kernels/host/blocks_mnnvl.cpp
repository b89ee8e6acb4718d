#include "kernels/host/host_blocks.hpp"

namespace symmbench::host {

std::span<const BlockRow> mnnvl_rows() {
  static constexpr auto kRows =
      joined(kTokenRows<HostOps, Fp16>, kTokenRows<HostOps, Bf16>, kTokenRows<HostOps, float>);
  return kRows;
}

}  // namespace symmbench::host
