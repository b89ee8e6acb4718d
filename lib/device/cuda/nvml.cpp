#include "device/cuda/nvml.hpp"

#include <fmt/format.h>

#include <algorithm>
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
constexpr int kFabricCompleted = 3;
constexpr unsigned kMaxLinks = 18;
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

constexpr auto kFabricStates =
    name_table<int>({{0, "not_supported"}, {1, "not_started"}, {2, "in_progress"}, {3, "completed"}});

std::optional<std::string> cluster_uuid_text(const unsigned char (&uuid)[16]) {
  if (std::all_of(std::begin(uuid), std::end(uuid), [](unsigned char byte) { return byte == 0; })) return std::nullopt;
  std::string text;
  for (std::size_t i = 0; i < sizeof(uuid); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    text += fmt::format("{:02x}", uuid[i]);
  }
  return text;
}

}  // namespace

std::string_view fabric_state_name(int state) { return kFabricStates.name(state); }

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
  /// nvmlGpuFabricInfo_v2_t
  struct FabricInfo {
    unsigned version = sizeof(FabricInfo) | (2u << 24);
    unsigned char cluster_uuid[16] = {};
    NvmlReturn status = 0;
    unsigned clique_id = 0;
    unsigned char state = 0;
    unsigned health_mask = 0;
  };
  static_assert(sizeof(FabricInfo) == 36);

  explicit Api(const std::string& name) : library(name) {}

  template <class F>
  void find(F& member, const char* function) {
    member = library.symbol<F>(function);
  }

  SharedLibrary library;
  NvmlReturn (*init)() = nullptr;
  NvmlReturn (*shutdown)() = nullptr;
  const char* (*error_string)(NvmlReturn) = nullptr;
  NvmlReturn (*by_pci)(const char*, void**) = nullptr;
  NvmlReturn (*by_uuid)(const char*, void**) = nullptr;
  NvmlReturn (*driver_version)(char*, unsigned) = nullptr;
  NvmlReturn (*fabric_info)(void*, FabricInfo*) = nullptr;
  NvmlReturn (*link_state)(void*, unsigned, unsigned*) = nullptr;
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
  api_->find(api_->link_state, "nvmlDeviceGetNvLinkState");
  api_->find(api_->temperature, "nvmlDeviceGetTemperature");
  api_->find(api_->clock, "nvmlDeviceGetClockInfo");
  api_->find(api_->power, "nvmlDeviceGetPowerUsage");
  api_->find(api_->throttle, "nvmlDeviceGetCurrentClocksEventReasons");
  if (api_->throttle == nullptr) api_->find(api_->throttle, "nvmlDeviceGetCurrentClocksThrottleReasons");

  const auto failed = [&](const char* call, NvmlReturn result) {
    const char* why = api_->error_string != nullptr ? api_->error_string(result) : nullptr;
    problem_ = fmt::format("{}: {} ({})", call, why != nullptr ? why : "NVML error", result);
    return false;
  };
  if (api_->init == nullptr) {
    problem_ = library + " has no nvmlInit_v2";
    return false;
  }
  if (const NvmlReturn result = api_->init(); result != kNvmlSuccess) return failed("nvmlInit_v2", result);
  api_->started = true;

  const auto found = [&] {
    problem_.clear();
    return true;
  };
  problem_ = "the device has neither a PCI bus id nor a UUID";
  if (device.pci_bus_id && api_->by_pci != nullptr) {
    const NvmlReturn result = api_->by_pci(device.pci_bus_id->c_str(), &device_);
    if (result == kNvmlSuccess) return found();
    failed("nvmlDeviceGetHandleByPciBusId_v2", result);
  }
  if (device.uuid && api_->by_uuid != nullptr) {
    const NvmlReturn result = api_->by_uuid(device.uuid->c_str(), &device_);
    if (result == kNvmlSuccess) return found();
    failed("nvmlDeviceGetHandleByUUID", result);
  }
  return false;
}

NvmlFacts NvmlDevice::facts() const {
  NvmlFacts facts;
  if (device_ == nullptr) return facts;
  std::array<char, kVersionTextBytes> version{};
  if (api_->driver_version != nullptr && api_->driver_version(version.data(), kVersionTextBytes) == kNvmlSuccess) {
    facts.driver_version = version.data();
  }
  Api::FabricInfo info;
  if (api_->fabric_info != nullptr && api_->fabric_info(device_, &info) == kNvmlSuccess) {
    facts.fabric = NvmlFabric{.state = info.state,
                              .status = info.state == kFabricCompleted ? std::optional(info.status) : std::nullopt,
                              .clique_id = info.clique_id,
                              .cluster_uuid = cluster_uuid_text(info.cluster_uuid),
                              .health_mask = info.health_mask};
  }
  for (unsigned link = 0, active = 0; api_->link_state != nullptr && link < kMaxLinks; ++link) {
    if (api_->link_state(device_, link, &active) != kNvmlSuccess) break;
    facts.nvlinks_active = facts.nvlinks_active.value_or(0) + (active != 0 ? 1 : 0);
  }
  return facts;
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
  unsigned long long reasons = 0;
  if (api_->throttle != nullptr && api_->throttle(device_, &reasons) == kNvmlSuccess) sample.throttle_reasons = reasons;
  return sample;
}

}  // namespace symmbench
