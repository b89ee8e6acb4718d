#include "bench/device_sample.hpp"

namespace symmbench {

Json to_json(const DeviceSample& sample) {
  std::optional<std::uint64_t> all;
  for (const auto& [kind, errors] : sample.nvlink_errors) all = all.value_or(0) + errors;
  return {{"temperature_c", json_or_null(sample.temperature_c)},
          {"sm_clock_mhz", json_or_null(sample.sm_clock_mhz)},
          {"power_mw", json_or_null(sample.power_mw)},
          {"throttle", json_or_null(sample.throttle)},
          {"nvlink_errors", json_or_null(all)},
          {"nvlink_errors_by_kind", all ? Json(sample.nvlink_errors) : Json(nullptr)}};
}

Json to_json(const DeviceErrors& errors) {
  const bool told = errors.unknown.empty() || !errors.xids.empty();
  return {{"xids", told ? Json(errors.xids) : Json(nullptr)},
          {"cut", errors.cut},
          {"unknown", errors.unknown.empty() ? Json(nullptr) : Json(errors.unknown)}};
}

}  // namespace symmbench
