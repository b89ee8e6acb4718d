#include "device/cuda/nvml.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdio>
#include <span>

#include "core/names.hpp"
#include "device/cuda/nvml_api.hpp"

namespace symmbench {
namespace {

constexpr int kTemperatureOfGpu = 0;
constexpr int kClockOfSm = 1;
constexpr unsigned kFabricInfo2 = 2, kFabricInfo3 = 3;
// What drivers answer to a version that they do not have; the second before there was a code for it.
constexpr NvmlReturn kVersionMismatch = 25;
constexpr NvmlReturn kInvalidArgument = 2;
constexpr unsigned kMaxLinks = 18;
constexpr unsigned kVersionTextBytes = 80;
constexpr std::size_t kMostXids = 64;  // of one call: a GPU that fell off the bus may tell without end
constexpr std::uint64_t kHarmless = 1u << 0 | 1u << 1 | 1u << 4 | 1u << 8;  // of the names below
/// By NVML's number of the counter (nvml.h 13.0, nvmlNvLinkErrorCounter_t).
constexpr std::array<const char*, 4> kLinkErrorKinds{"replay", "recovery", "crc_flit", "crc_data"};
constexpr const char* kFabricInfo4Call = "nvmlDeviceGetGpuFabricInfo_v4";

constexpr auto kThrottleNames = name_table<unsigned>({{0, "gpu_idle"},
                                                      {1, "application_clocks"},
                                                      {2, "sw_power_cap"},
                                                      {3, "hw_slowdown"},
                                                      {4, "sync_boost"},
                                                      {5, "sw_thermal_slowdown"},
                                                      {6, "hw_thermal_slowdown"},
                                                      {7, "hw_power_brake"},
                                                      {8, "display_clocks"}});

std::string pci_text(const NvmlPciInfo& pci) {
  return fmt::format("{:04x}:{:02x}:{:02x}.0", pci.domain, pci.bus, pci.device);
}

/// Domain, bus and device of "0000:1B:00.0", whose domain may be longer and digits of either case.
bool same_place(const std::string& a, const std::string& b) {
  const auto place = [](const std::string& text) {
    unsigned domain = 0, bus = 0, device = 0;
    return std::sscanf(text.c_str(), "%x:%x:%x", &domain, &bus, &device) == 3
               ? std::optional(std::array{domain, bus, device})
               : std::nullopt;
  };
  return place(a) == place(b);
}

}  // namespace

bool slows_down(std::uint64_t throttle_reasons) { return (throttle_reasons & ~kHarmless) != 0; }

std::vector<std::string> throttle_names(std::uint64_t reasons) {
  std::vector<std::string> names;
  for (; reasons != 0; reasons &= reasons - 1) {
    const auto bit = static_cast<unsigned>(std::countr_zero(reasons));
    const std::string_view name = kThrottleNames.name(bit);
    names.push_back(name == "?" ? fmt::format("bit_{}", bit) : std::string(name));
  }
  return names;
}

NvmlDevice::NvmlDevice(const DeviceFacts& device, const std::string& library) {
  if (!start(device, library)) device_ = nullptr;
}

NvmlDevice::~NvmlDevice() {
  if (xid_events_ != nullptr) api_->event_set_free(xid_events_);
  if (started_ && api_->shutdown != nullptr) api_->shutdown();
}

bool NvmlDevice::start(const DeviceFacts& device, const std::string& library) {
  api_ = std::make_unique<NvmlApi>(library);
  ordinal_ = device.ordinal;
  pci_bus_id_ = device.pci_bus_id;
  if (!api_->library) {
    problem_ = "no NVML: " + api_->library.error();
    return false;
  }
  if (api_->init == nullptr) {
    problem_ = library + " has no nvmlInit_v2";
    return false;
  }
  if (const NvmlReturn result = api_->init(); result != kNvmlSuccess) {
    problem_ = api_->problem_of("nvmlInit_v2", result);
    return false;
  }
  started_ = true;

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
  facts.fabric_unknown = ask_for_fabric(device_, facts.fabric);
  read_cliques(facts);
  facts.by_ordinal = look_up_by_ordinal();
  NvmlConfidentialState confidential;
  if (api_->confidential_state != nullptr && api_->confidential_state(&confidential) == kNvmlSuccess) {
    facts.confidential_computing = confidential.feature != 0;
  }
  for (unsigned link = 0, active = 0; api_->link_state != nullptr && link < kMaxLinks; ++link) {
    if (api_->link_state(device_, link, &active) != kNvmlSuccess) break;
    facts.nvlinks_active = facts.nvlinks_active.value_or(0) + (active != 0 ? 1 : 0);
  }
  return facts;
}

/// Newer layouts are asked for first. @returns why it is not known; empty when it is
std::string NvmlDevice::ask_for_fabric(void* device, std::optional<FabricFacts>& fabric) const {
  constexpr const char* kCall = "nvmlDeviceGetGpuFabricInfoV";
  if (api_->fabric_info == nullptr) return fmt::format("{} has no {}", api_->library.name(), kCall);
  NvmlFabricInfo info;
  const auto ask = [&](unsigned version, std::size_t bytes) {
    info = {.version = static_cast<unsigned>(bytes) | (version << 24)};
    return api_->fabric_info(device, &info);
  };
  unsigned version = kFabricInfo3;
  NvmlReturn result = ask(version, sizeof(info));
  if (result == kVersionMismatch || result == kInvalidArgument) {
    version = kFabricInfo2;
    result = ask(version, kNvmlFabricInfo2Bytes);
  }
  if (result != kNvmlSuccess) return api_->problem_of(kCall, result);
  const bool completed = info.state == kFabricCompleted;
  fabric =
      FabricFacts{.state = info.state,
                  .status = completed ? std::optional(info.status) : std::nullopt,
                  .cluster_uuid = info.cluster_uuid,
                  .clique_id = info.clique_id,
                  .health_mask = info.health_mask,
                  .health_summary = version == kFabricInfo3 ? std::optional<int>(info.health_summary) : std::nullopt};
  return "";
}

/// The newest call; what it says of the registration counts where a driver has no older one any more.
void NvmlDevice::read_cliques(NvmlFacts& facts) const {
  CliqueList& list = facts.cliques;
  list.source = kFabricInfo4Call;
  if (api_->fabric_info_4 == nullptr) {
    list.unknown = fmt::format("{} has no {}", api_->library.name(), kFabricInfo4Call);
    return;
  }
  NvmlFabricInfo4 info;
  if (const NvmlReturn result = api_->fabric_info_4(device_, &info); result != kNvmlSuccess) {
    list.unknown = api_->problem_of(kFabricInfo4Call, result);
    return;
  }
  list.cluster_uuid = info.cluster_uuid;
  if (info.clique_count > info.cliques.size()) {
    list.nonsense.push_back(fmt::format("{} cliques where {} fit", info.clique_count, info.cliques.size()));
  } else {
    for (const auto& clique : std::span(info.cliques).first(info.clique_count)) {
      list.cliques.push_back({.type = clique.type, .id = clique.id});
    }
  }
  if (facts.fabric) {
    if (facts.fabric->cluster_uuid != info.cluster_uuid) {
      list.nonsense.emplace_back("another cluster than the older call tells");
    }
    return;
  }
  const auto first = std::ranges::find(list.cliques, 0, &FabricClique::type);  // unicast: what used to be the only one
  const bool completed = info.state == kFabricCompleted;
  facts.fabric = FabricFacts{.state = info.state,
                             .status = completed ? std::optional(info.status) : std::nullopt,
                             .cluster_uuid = info.cluster_uuid,
                             .clique_id = first == list.cliques.end() ? 0 : first->id,
                             .health_mask = info.health_mask,
                             .health_summary = info.health_summary};
  facts.fabric_unknown.clear();
}

std::optional<OrdinalLookup> NvmlDevice::look_up_by_ordinal() const {
  void* found = nullptr;
  NvmlPciInfo pci;
  if (!ordinal_ || !pci_bus_id_ || api_->by_index == nullptr || api_->pci_info == nullptr ||
      api_->by_index(static_cast<unsigned>(*ordinal_), &found) != kNvmlSuccess ||
      api_->pci_info(found, &pci) != kNvmlSuccess) {
    return std::nullopt;
  }
  OrdinalLookup lookup{.pci_bus_id = pci_text(pci)};
  lookup.same_device = same_place(lookup.pci_bus_id, *pci_bus_id_);
  ask_for_fabric(found, lookup.fabric);
  return lookup;
}

MigMode NvmlDevice::mig() const {
  constexpr const char* kCall = "nvmlDeviceGetMigMode";
  if (device_ == nullptr) return {.unknown = problem_};
  if (api_->mig_mode == nullptr) return {.unknown = fmt::format("{} has no {}", api_->library.name(), kCall)};
  unsigned current = 0, pending = 0;
  if (const NvmlReturn result = api_->mig_mode(device_, &current, &pending); result != kNvmlSuccess) {
    return {.unknown = api_->problem_of(kCall, result)};
  }
  if (current > 1 || pending > 1) return {.unknown = fmt::format("{}: mode {}, pending {}", kCall, current, pending)};
  return {.enabled = current == 1, .pending = pending == 1};
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
    for (std::size_t kind = 0; kind < kLinkErrorKinds.size(); ++kind) {
      unsigned long long errors = 0;
      if (api_->link_errors(device_, link, static_cast<int>(kind), &errors) != kNvmlSuccess) continue;
      sample.nvlink_errors[kLinkErrorKinds[kind]] += errors;
    }
  }
  unsigned long long reasons = 0;
  if (api_->throttle != nullptr && api_->throttle(device_, &reasons) == kNvmlSuccess) sample.throttle_reasons = reasons;
  return sample;
}

std::optional<bool> NvmlDevice::slowed_down() const {
  unsigned long long reasons = 0;
  if (device_ == nullptr || api_->throttle == nullptr || api_->throttle(device_, &reasons) != kNvmlSuccess) {
    return std::nullopt;
  }
  return slows_down(reasons);
}

void NvmlDevice::watch_xids() {
  no_xids_ = problem_;
  if (device_ == nullptr || xid_events_ != nullptr) return;
  if (api_->event_set_create == nullptr || api_->event_set_free == nullptr || api_->event_set_wait == nullptr ||
      api_->register_events == nullptr) {
    no_xids_ = api_->library.name() + " has no events";
    return;
  }
  if (const NvmlReturn result = api_->event_set_create(&xid_events_); result != kNvmlSuccess) {
    xid_events_ = nullptr;
    no_xids_ = api_->problem_of("nvmlEventSetCreate", result);
    return;
  }
  if (const NvmlReturn result = api_->register_events(device_, kNvmlXidEvent, xid_events_); result != kNvmlSuccess) {
    no_xids_ = api_->problem_of("nvmlDeviceRegisterEvents", result);
    api_->event_set_free(xid_events_);
    xid_events_ = nullptr;
  }
}

NvmlXids NvmlDevice::xids() {
  NvmlXids xids{.unknown = no_xids_};
  while (xid_events_ != nullptr) {
    if (xids.codes.size() == kMostXids) {
      xids.cut = true;
      break;
    }
    NvmlEvent event;
    const NvmlReturn result = api_->event_set_wait(xid_events_, &event, 0);
    if (result == kNvmlTimeout) break;
    if (result != kNvmlSuccess) {
      xids.unknown = api_->problem_of("nvmlEventSetWait_v2", result);
      break;
    }
    if (event.type == kNvmlXidEvent) xids.codes.push_back(static_cast<std::uint32_t>(event.data));
  }
  return xids;
}

}  // namespace symmbench
