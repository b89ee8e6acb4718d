#pragma once
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "bench/device_sample.hpp"
#include "comm/communicator.hpp"
#include "journal/records.hpp"

namespace symmbench {

/// Whether this rank's GPU was slowed down (power, heat) from construction to answer(): a reason was in force at either
/// end, or the time that the driver counts grew in between. Asks `slowdown` once each; where that is empty, nobody.
class SlowdownWatch {
 public:
  explicit SlowdownWatch(const std::function<DeviceSlowdown()>& slowdown);
  std::optional<bool> answer() const;  ///< nullopt: the device does not tell

 private:
  const std::function<DeviceSlowdown()>& slowdown_;
  DeviceSlowdown before_;
};

/// Samples of a block as all ranks took them, and what each rank took in all, added to `rank_total_us` by group rank.
/// Collective; the same on every rank. `mine`: this rank's times, one per batch; `slowed`: whether its GPU was slowed down
/// meanwhile. @throws Error{comm, ...}
SampleBlock gather_block(Communicator& comm, SampleBlock which, std::span<const double> mine,
                         std::optional<bool> slowed, std::vector<double>& rank_total_us);

}  // namespace symmbench
