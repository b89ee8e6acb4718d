#include "bench/device_sample.hpp"

namespace symmbench {

Json to_json(const DeviceSample& sample) {
  return {{"temperature_c", json_or_null(sample.temperature_c)},
          {"sm_clock_mhz", json_or_null(sample.sm_clock_mhz)},
          {"power_mw", json_or_null(sample.power_mw)},
          {"throttle", json_or_null(sample.throttle)},
          {"nvlink_errors", json_or_null(sample.nvlink_errors)}};
}

Json to_json(const DeviceErrors& errors) {
  const bool told = errors.unknown.empty() || !errors.xids.empty();
  return {{"xids", told ? Json(errors.xids) : Json(nullptr)},
          {"cut", errors.cut},
          {"unknown", errors.unknown.empty() ? Json(nullptr) : Json(errors.unknown)}};
}

}  // namespace symmbench
