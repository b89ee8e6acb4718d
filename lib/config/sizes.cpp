#include "config/sizes.hpp"

#include <algorithm>

namespace symmbench {

std::vector<std::uint64_t> sizes_of(const Sweep& sweep) {
  std::vector<std::uint64_t> sizes;
  for (auto size = sweep.min_bytes; size <= sweep.max_bytes && sizes.size() < kMaxSizes;) {
    sizes.push_back(size);
    if (sweep.step_bytes) {
      size += sweep.step_bytes;
      continue;
    }
    const double next = static_cast<double>(size) * sweep.step_factor;
    if (next > static_cast<double>(sweep.max_bytes)) break;
    size = std::max(size + 1, static_cast<std::uint64_t>(next));
  }
  return sizes;
}

}  // namespace symmbench
