#include "kernels/host/launch_table.hpp"

#include <vector>

#include "kernels/protocol/number.hpp"

namespace symmbench::host {

std::span<const BlockRow> launch_table() {
  static const std::vector<BlockRow> rows = [] {
    std::vector<BlockRow> all;
    for (const auto part :
         {rows_of_type<Fp16>(), rows_of_type<Bf16>(), rows_of_type<float>(), mnnvl_rows(), trtllm_rows()}) {
      all.insert(all.end(), part.begin(), part.end());
    }
    return all;
  }();
  return rows;
}

}  // namespace symmbench::host
