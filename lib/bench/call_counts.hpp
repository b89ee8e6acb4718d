#pragma once
#include <span>
#include <vector>

#include "core/json.hpp"
#include "device/observed_driver.hpp"

namespace symmbench {

/// Each as {call, count, failures, total_us}.
inline std::vector<Json> to_json(std::span<const CallCount> counts) {
  std::vector<Json> calls;
  for (const auto& call : counts) {
    calls.push_back(
        Json{{"call", call.call}, {"count", call.count}, {"failures", call.failures}, {"total_us", call.total_us}});
  }
  return calls;
}

}  // namespace symmbench
