#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/json.hpp"

namespace symmbench {

/// What a device says of itself now; each nullopt is unknown.
struct DeviceSample {
  std::optional<std::uint32_t> temperature_c, sm_clock_mhz, power_mw;
  std::optional<std::vector<std::string>> throttle;  ///< reasons in force, by name; empty: none
  std::map<std::string, std::uint64_t>
      nvlink_errors;  ///< of all links since start-up, by kind; one without a count is unknown
};
Json to_json(const DeviceSample& sample);

/// What a driver reported of a device since it was last asked.
struct DeviceErrors {
  std::vector<std::uint32_t> xids;  ///< in their order, as NVIDIA's Xid catalogue numbers them
  bool cut = false;                 ///< there were more
  std::string unknown;              ///< why none is told of; empty: they would be
};
Json to_json(const DeviceErrors& errors);

}  // namespace symmbench
