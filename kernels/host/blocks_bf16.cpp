#include "kernels/host/host_blocks.hpp"

namespace symmbench::host {

template <>
std::span<const BlockRow> rows_of_type<DType::bf16>() {
  return kRowsOfType<HostOps, Bf16>;
}

}  // namespace symmbench::host
