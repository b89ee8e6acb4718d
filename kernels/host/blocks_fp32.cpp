#include "kernels/host/host_blocks.hpp"

namespace symmbench::host {

template <>
std::span<const BlockRow> rows_of_type<DType::fp32>() {
  return kRowsOfType<HostOps, float>;
}

}  // namespace symmbench::host
