#pragma once
#include <string>
#include <vector>

#include "supervise/work.hpp"

namespace symmbench {

using Names = std::vector<std::string>;

/// One worker life: each case with each allocator.
inline WorkRequest pair_request(const Names& cases, const Names& allocators = {"a", "b"}) {
  WorkRequest request{.task = "group", .label = "g", .settings = {}};
  for (const auto& name : cases) request.items.push_back({.case_id = name, .allocators = allocators});
  return request;
}

}  // namespace symmbench
