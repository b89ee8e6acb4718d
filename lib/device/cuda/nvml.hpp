#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "device/driver.hpp"

namespace symmbench {

/// Registration of a GPU with its NVLink fabric. (nvmlDeviceGetGpuFabricInfoV, nvmlGpuFabricInfo_v2_t)
struct NvmlFabric {
  int state = 0;              ///< 0 not supported, 1 not started, 2 in progress, 3 completed
  std::optional<int> status;  ///< NVML return code of the registration; known only when completed
  std::uint32_t clique_id = 0;
  std::optional<std::string> cluster_uuid;  ///< nullopt when all zero: the GPU belongs to no cluster
  std::uint32_t health_mask = 0;            ///< 2-bit fields, 1 = problem, 2 = none (NVML_GPU_FABRIC_HEALTH_MASK_*)
};

/// What NVML says once; each nullopt is unknown.
struct NvmlFacts {
  std::optional<std::string> driver_version;  ///< "580.65.06"
  std::optional<NvmlFabric> fabric;
  std::optional<int> nvlinks_active;
};

/// What NVML says now; each nullopt is unknown.
struct NvmlSample {
  std::optional<std::uint32_t> temperature_c;
  std::optional<std::uint32_t> sm_clock_mhz;
  std::optional<std::uint32_t> power_mw;
  std::optional<std::uint64_t> throttle_reasons;  ///< bit mask, see throttle_names()
};

std::string_view fabric_state_name(int state);
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

  std::unique_ptr<Api> api_;
  void* device_ = nullptr;
  std::string problem_;
};

}  // namespace symmbench
