#include "kernels/host/launch_table.hpp"

#include <vector>

namespace symmbench::host {

std::span<const BlockRow> launch_table() {
  static const std::vector<BlockRow> rows = [] {
    std::vector<BlockRow> all;
    for (const auto part : {rows_of_type<DType::fp16>(), rows_of_type<DType::bf16>(), rows_of_type<DType::fp32>()}) {
      all.insert(all.end(), part.begin(), part.end());
    }
    return all;
  }();
  return rows;
}

}  // namespace symmbench::host
