#include "kernels/host/host_blocks.hpp"

namespace symmbench::host {

template <>
std::span<const BlockRow> rows_of_type<DType::fp16>() {
  return kRowsOfType<HostOps, Fp16>;
}

}  // namespace symmbench::host
