#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "device/driver.hpp"
#include "device/recorded_facts.hpp"

namespace symmbench {

struct NvmlApi;

/// What NVML says once; each nullopt is unknown. Newer layouts are asked for first, so that health is there where it can
/// be.
struct NvmlFacts {
  std::optional<std::string> driver_version;  ///< "580.65.06"
  std::optional<FabricFacts> fabric;
  std::string fabric_unknown;  ///< why `fabric` is nullopt; empty when it is there
  std::optional<int> nvlinks_active;
  std::optional<bool> confidential_computing;  ///< the feature is on, for the whole system
  CliqueList cliques;
  std::optional<OrdinalLookup> by_ordinal;  ///< nullopt: NVML was not asked by number, or refused
};

/// What NVML says now; each nullopt is unknown.
struct NvmlSample {
  std::optional<std::uint32_t> temperature_c;
  std::optional<std::uint32_t> sm_clock_mhz;
  std::optional<std::uint32_t> power_mw;
  std::optional<std::uint64_t> throttle_reasons;  ///< bit mask, see throttle_names()
  /// Of all links since start-up: of "replay", "recovery", "crc_flit" and "crc_data" those that the driver counts.
  std::map<std::string, std::uint64_t> nvlink_errors;
};

/// Xids of a GPU, in their order, since watch_xids() or the last call.
struct NvmlXids {
  std::vector<std::uint32_t> codes;
  bool cut = false;     ///< there are more, for the next call
  std::string unknown;  ///< why NVML tells of none; empty when it would
};

/// Whether one of these reasons makes a GPU slower than it could be: an idle one, and clocks that somebody has set, do not.
bool slows_down(std::uint64_t throttle_reasons);

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
  MigMode mig() const;
  NvmlSample sample() const;
  /// Whether a reason is in force now by which the GPU is slower than it could be; nullopt: NVML does not tell.
  std::optional<bool> slowed_down() const;
  /// From now on the driver's Xids of this GPU are kept for xids().
  void watch_xids();
  NvmlXids xids();

 private:
  bool start(const DeviceFacts& device, const std::string& library);
  std::string ask_for_fabric(void* device, std::optional<FabricFacts>& fabric) const;
  void read_cliques(NvmlFacts& facts) const;
  std::optional<OrdinalLookup> look_up_by_ordinal() const;

  std::unique_ptr<NvmlApi> api_;
  bool started_ = false;
  void* device_ = nullptr;
  std::optional<int> ordinal_;
  std::optional<std::string> pci_bus_id_;
  std::string problem_;
  void* xid_events_ = nullptr;
  std::string no_xids_ = "not watched";
};

}  // namespace symmbench
