#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "device/driver.hpp"

namespace symmbench {

/// What NVML says once; each nullopt is unknown. Newer layouts are asked for first, so that health is there where it can
/// be.
struct NvmlFacts {
  std::optional<std::string> driver_version;  ///< "580.65.06"
  std::optional<FabricFacts> fabric;
  std::string fabric_unknown;  ///< why `fabric` is nullopt; empty when it is there
  std::optional<int> nvlinks_active;
  std::optional<bool> confidential_computing;  ///< the feature is on, for the whole system
};

/// What NVML says now; each nullopt is unknown.
struct NvmlSample {
  std::optional<std::uint32_t> temperature_c;
  std::optional<std::uint32_t> sm_clock_mhz;
  std::optional<std::uint32_t> power_mw;
  std::optional<std::uint64_t> nvlink_errors;     ///< replays, recoveries and CRC errors of all links since start-up
  std::optional<std::uint64_t> throttle_reasons;  ///< bit mask, see throttle_names()
};

/// "sw_power_cap", ...; a bit without a name is "bit_N".
std::vector<std::string> throttle_names(std::uint64_t reasons);

inline constexpr const char* kNvmlLibrary = "libnvidia-ml.so.1";

/// One GPU as NVML sees it; optional everywhere, so nothing here throws. Found by PCI bus id or UUID, never by ordinal:
/// NVML does not know CUDA_VISIBLE_DEVICES. Not thread-safe. Calls may take milliseconds: not inside a measurement.
class NvmlDevice {
 public:
  explicit NvmlDevice(const DeviceFacts& device, const std::string& library = kNvmlLibrary);
  NvmlDevice(const NvmlDevice&) = delete;
  NvmlDevice& operator=(const NvmlDevice&) = delete;
  ~NvmlDevice();

  /// Why nothing can be known; empty when NVML found the GPU.
  const std::string& problem() const { return problem_; }

  NvmlFacts facts() const;
  NvmlSample sample() const;

 private:
  struct Api;

  bool start(const DeviceFacts& device, const std::string& library);
  void read_fabric(NvmlFacts& facts) const;

  std::unique_ptr<Api> api_;
  void* device_ = nullptr;
  std::string problem_;
};

}  // namespace symmbench
