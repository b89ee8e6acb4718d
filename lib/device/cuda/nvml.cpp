#include "device/cuda/nvml.hpp"

#include <fmt/format.h>

#include <array>
#include <bit>

#include "core/names.hpp"
#include "device/cuda/shared_library.hpp"

namespace symmbench {
namespace {

// Declared here and not taken from nvml.h, which a machine with a driver but no toolkit lacks. NVML keeps these stable.
using NvmlReturn = int;
constexpr NvmlReturn kNvmlSuccess = 0;
constexpr int kTemperatureOfGpu = 0;
constexpr int kClockOfSm = 1;
constexpr unsigned kFabricInfo2 = 2, kFabricInfo3 = 3;
// What drivers answer to a version that they do not have; the second before there was a code for it.
constexpr NvmlReturn kVersionMismatch = 25;
constexpr NvmlReturn kInvalidArgument = 2;
constexpr unsigned kMaxLinks = 18;
constexpr int kLinkErrorCounters = 4;  // replay, recovery, CRC of flits, CRC of data
constexpr unsigned kVersionTextBytes = 80;

constexpr auto kThrottleNames = name_table<unsigned>({{0, "gpu_idle"},
                                                      {1, "application_clocks"},
                                                      {2, "sw_power_cap"},
                                                      {3, "hw_slowdown"},
                                                      {4, "sync_boost"},
                                                      {5, "sw_thermal_slowdown"},
                                                      {6, "hw_thermal_slowdown"},
                                                      {7, "hw_power_brake"},
                                                      {8, "display_clocks"}});

}  // namespace

std::vector<std::string> throttle_names(std::uint64_t reasons) {
  std::vector<std::string> names;
  for (; reasons != 0; reasons &= reasons - 1) {
    const auto bit = static_cast<unsigned>(std::countr_zero(reasons));
    const std::string_view name = kThrottleNames.name(bit);
    names.push_back(name == "?" ? fmt::format("bit_{}", bit) : std::string(name));
  }
  return names;
}

/// Functions that only newer drivers have stay null.
struct NvmlDevice::Api {
  /// nvmlGpuFabricInfo_v3_t; _v2_t is the same without the last member.
  struct FabricInfo {
    unsigned version = 0;
    ClusterUuid cluster_uuid{};
    NvmlReturn status = 0;
    unsigned clique_id = 0;
    unsigned char state = 0;
    unsigned health_mask = 0;
    unsigned char health_summary = 0;
  };
  static_assert(sizeof(FabricInfo) == 40);
  static constexpr unsigned kFabricInfo2Bytes = 36;
  /// nvmlConfComputeSystemState_t.
  struct ConfidentialState {
    unsigned environment = 0, feature = 0, dev_tools = 0;
  };

  explicit Api(const std::string& name) : library(name) {}

  template <class F>
  void find(F& member, const char* function) {
    member = library.symbol<F>(function);
  }

  std::string problem_of(const char* call, NvmlReturn result) const {
    const char* why = error_string != nullptr ? error_string(result) : nullptr;
    return fmt::format("{}: {} ({})", call, why != nullptr ? why : "NVML error", result);
  }

  SharedLibrary library;
  NvmlReturn (*init)() = nullptr;
  NvmlReturn (*shutdown)() = nullptr;
  const char* (*error_string)(NvmlReturn) = nullptr;
  NvmlReturn (*by_pci)(const char*, void**) = nullptr;
  NvmlReturn (*by_uuid)(const char*, void**) = nullptr;
  NvmlReturn (*driver_version)(char*, unsigned) = nullptr;
  NvmlReturn (*fabric_info)(void*, FabricInfo*) = nullptr;
  NvmlReturn (*confidential_state)(ConfidentialState*) = nullptr;
  NvmlReturn (*link_state)(void*, unsigned, unsigned*) = nullptr;
  NvmlReturn (*link_errors)(void*, unsigned, int, unsigned long long*) = nullptr;
  NvmlReturn (*temperature)(void*, int, unsigned*) = nullptr;
  NvmlReturn (*clock)(void*, int, unsigned*) = nullptr;
  NvmlReturn (*power)(void*, unsigned*) = nullptr;
  NvmlReturn (*throttle)(void*, unsigned long long*) = nullptr;
  bool started = false;
};

NvmlDevice::NvmlDevice(const DeviceFacts& device, const std::string& library) {
  if (!start(device, library)) device_ = nullptr;
}

NvmlDevice::~NvmlDevice() {
  if (api_->started && api_->shutdown != nullptr) api_->shutdown();
}

bool NvmlDevice::start(const DeviceFacts& device, const std::string& library) {
  api_ = std::make_unique<Api>(library);
  if (!api_->library) {
    problem_ = "no NVML: " + api_->library.error();
    return false;
  }
  api_->find(api_->init, "nvmlInit_v2");
  api_->find(api_->shutdown, "nvmlShutdown");
  api_->find(api_->error_string, "nvmlErrorString");
  api_->find(api_->by_pci, "nvmlDeviceGetHandleByPciBusId_v2");
  api_->find(api_->by_uuid, "nvmlDeviceGetHandleByUUID");
  api_->find(api_->driver_version, "nvmlSystemGetDriverVersion");
  api_->find(api_->fabric_info, "nvmlDeviceGetGpuFabricInfoV");
  api_->find(api_->confidential_state, "nvmlSystemGetConfComputeState");
  api_->find(api_->link_state, "nvmlDeviceGetNvLinkState");
  api_->find(api_->link_errors, "nvmlDeviceGetNvLinkErrorCounter");
  api_->find(api_->temperature, "nvmlDeviceGetTemperature");
  api_->find(api_->clock, "nvmlDeviceGetClockInfo");
  api_->find(api_->power, "nvmlDeviceGetPowerUsage");
  api_->find(api_->throttle, "nvmlDeviceGetCurrentClocksEventReasons");
  if (api_->throttle == nullptr) api_->find(api_->throttle, "nvmlDeviceGetCurrentClocksThrottleReasons");

  if (api_->init == nullptr) {
    problem_ = library + " has no nvmlInit_v2";
    return false;
  }
  if (const NvmlReturn result = api_->init(); result != kNvmlSuccess) {
    problem_ = api_->problem_of("nvmlInit_v2", result);
    return false;
  }
  api_->started = true;

  const auto found_by = [&](const auto& lookup, const std::optional<std::string>& id, const char* call) {
    if (!id || lookup == nullptr) return false;
    const NvmlReturn result = lookup(id->c_str(), &device_);
    if (result == kNvmlSuccess) return true;
    problem_ += (problem_.empty() ? "" : "; ") + api_->problem_of(call, result);
    return false;
  };
  if (found_by(api_->by_pci, device.pci_bus_id, "nvmlDeviceGetHandleByPciBusId_v2") ||
      found_by(api_->by_uuid, device.uuid, "nvmlDeviceGetHandleByUUID")) {
    problem_.clear();
    return true;
  }
  if (problem_.empty()) problem_ = "the device has neither a PCI bus id nor a UUID";
  return false;
}

NvmlFacts NvmlDevice::facts() const {
  NvmlFacts facts;
  if (device_ == nullptr) {
    facts.fabric_unknown = problem_;
    return facts;
  }
  std::array<char, kVersionTextBytes> version{};
  if (api_->driver_version != nullptr && api_->driver_version(version.data(), kVersionTextBytes) == kNvmlSuccess) {
    facts.driver_version = version.data();
  }
  read_fabric(facts);
  Api::ConfidentialState confidential;
  if (api_->confidential_state != nullptr && api_->confidential_state(&confidential) == kNvmlSuccess) {
    facts.confidential_computing = confidential.feature != 0;
  }
  for (unsigned link = 0, active = 0; api_->link_state != nullptr && link < kMaxLinks; ++link) {
    if (api_->link_state(device_, link, &active) != kNvmlSuccess) break;
    facts.nvlinks_active = facts.nvlinks_active.value_or(0) + (active != 0 ? 1 : 0);
  }
  return facts;
}

void NvmlDevice::read_fabric(NvmlFacts& facts) const {
  constexpr const char* kCall = "nvmlDeviceGetGpuFabricInfoV";
  if (api_->fabric_info == nullptr) {
    facts.fabric_unknown = fmt::format("{} has no {}", api_->library.name(), kCall);
    return;
  }
  Api::FabricInfo info;
  const auto ask = [&](unsigned version, std::size_t bytes) {
    info = {.version = static_cast<unsigned>(bytes) | (version << 24)};
    return api_->fabric_info(device_, &info);
  };
  unsigned version = kFabricInfo3;
  NvmlReturn result = ask(version, sizeof(info));
  if (result == kVersionMismatch || result == kInvalidArgument) {
    version = kFabricInfo2;
    result = ask(version, Api::kFabricInfo2Bytes);
  }
  if (result != kNvmlSuccess) {
    facts.fabric_unknown = api_->problem_of(kCall, result);
    return;
  }
  const bool completed = info.state == kFabricCompleted;
  facts.fabric =
      FabricFacts{.state = info.state,
                  .status = completed ? std::optional(info.status) : std::nullopt,
                  .cluster_uuid = info.cluster_uuid,
                  .clique_id = info.clique_id,
                  .health_mask = info.health_mask,
                  .health_summary = version == kFabricInfo3 ? std::optional<int>(info.health_summary) : std::nullopt};
}

NvmlSample NvmlDevice::sample() const {
  NvmlSample sample;
  if (device_ == nullptr) return sample;
  unsigned value = 0;
  if (api_->temperature != nullptr && api_->temperature(device_, kTemperatureOfGpu, &value) == kNvmlSuccess) {
    sample.temperature_c = value;
  }
  if (api_->clock != nullptr && api_->clock(device_, kClockOfSm, &value) == kNvmlSuccess) sample.sm_clock_mhz = value;
  if (api_->power != nullptr && api_->power(device_, &value) == kNvmlSuccess) sample.power_mw = value;
  for (unsigned link = 0; api_->link_errors != nullptr && link < kMaxLinks; ++link) {
    for (int counter = 0; counter < kLinkErrorCounters; ++counter) {
      unsigned long long errors = 0;
      if (api_->link_errors(device_, link, counter, &errors) != kNvmlSuccess) continue;
      sample.nvlink_errors = sample.nvlink_errors.value_or(0) + errors;
    }
  }
  unsigned long long reasons = 0;
  if (api_->throttle != nullptr && api_->throttle(device_, &reasons) == kNvmlSuccess) sample.throttle_reasons = reasons;
  return sample;
}

}  // namespace symmbench
