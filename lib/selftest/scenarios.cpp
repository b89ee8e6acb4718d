#include "selftest/scenarios.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "catalog/allocators.hpp"
#include "catalog/workspaces.hpp"
#include "config/resolve.hpp"
#include "core/text.hpp"
#include "device/driver.hpp"
#include "plan/support.hpp"

namespace symmbench {
namespace {

constexpr int kCodes[] = {driver_code::kOutOfMemory,  driver_code::kInvalidDevice, driver_code::kInvalidHandle,
                          driver_code::kIllegalState, driver_code::kNotPermitted,  driver_code::kNotSupported,
                          driver_code::kNotReady};

constexpr std::uint64_t kForGood = 1000;
constexpr int kRanksToCompareLinks = 3;

/// A call of the driver in the phase in which a workspace's life makes it.
struct CallInPhase {
  Phase phase;
  DriverCall call;
  bool ipc, vmm;  ///< whether allocators make it that travel by CUDA IPC, by the handles of the virtual-memory calls
};
constexpr CallInPhase kCalls[] = {
    {Phase::create, DriverCall::create, false, true},
    {Phase::create, DriverCall::allocate_local, true, true},
    {Phase::export_handle, DriverCall::export_handle, false, true},
    {Phase::export_handle, DriverCall::export_ipc, true, false},
    {Phase::import_handle, DriverCall::import_handle, false, true},
    {Phase::import_handle, DriverCall::open_ipc, true, false},
    {Phase::map, DriverCall::reserve, false, true},
    {Phase::map, DriverCall::map, false, true},
    {Phase::map, DriverCall::set_access, false, true},
    {Phase::init, DriverCall::fill, true, true},
    {Phase::use, DriverCall::capture, true, true},
    {Phase::use, DriverCall::launch_graph, true, true},
    {Phase::use, DriverCall::synchronize, true, true},
    {Phase::close, DriverCall::unmap, false, true},
    {Phase::close, DriverCall::close_ipc, true, false},
};

/// The same for the same seed and place, and no two neighbours alike by habit. (SplitMix64)
std::uint64_t mixed(std::uint64_t seed, std::uint64_t place) {
  std::uint64_t z = seed + (place + 1) * 0x9E3779B97F4A7C15u;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

std::vector<std::string> names_in_this_version(const auto& table) {
  std::vector<std::string> names;
  for (const auto& row : table) {
    if (row.now) names.emplace_back(row.name);
  }
  return names;
}

/// `asked` in the order of `known`; all of them where nothing is asked for.
std::vector<std::string> chosen(std::string_view option, const std::vector<std::string>& asked,
                                const std::vector<std::string>& known) {
  for (const std::string& name : asked) {
    if (std::ranges::find(known, name) != known.end()) continue;
    const auto nearest = nearest_name(name, known);
    throw Error({.layer = Layer::config,
                 .reason = Reason::invalid_argument,
                 .detail = fmt::format("--{} '{}': not one of {}{}", option, name, fmt::join(known, ", "),
                                       nearest ? fmt::format(" (did you mean {}?)", *nearest) : "")});
  }
  if (asked.empty()) return known;
  std::vector<std::string> names;
  std::ranges::copy_if(known, std::back_inserter(names),
                       [&](const std::string& name) { return std::ranges::find(asked, name) != asked.end(); });
  return names;
}

/// Those that can be put in on the device.
std::vector<std::string> fault_names(DeviceChoice device) {
  std::vector<std::string> names;
  for (const FaultRow& row : fault_table()) {
    if (device == DeviceChoice::host || row.on_cuda()) names.emplace_back(row.name);
  }
  return names;
}

std::string_view name_of(DeviceChoice device) { return device == DeviceChoice::host ? "host" : "cuda"; }

bool travels_by_ipc(const std::string& allocator) {
  return can_travel_by(*allocator_from(allocator), HandleType::cuda_ipc);
}

/// Protocol faults are of the workspace whose protocol they break; everything else has no workspace of its own.
bool has_workspace_of_its_own(const FaultRow& fault) {
  return fault.seam == FaultSeam::protocol || fault.seam == FaultSeam::kernel || fault.seam == FaultSeam::fill;
}

/// Those that run what scenarios run on so many ranks; trtllm_fusion does on any.
std::vector<std::string> workspaces_for(int world_size) {
  std::vector<std::string> names;
  for (const auto& row : kWorkspaceKinds) {
    const CallShape call{.workspace = row.value, .world_size = world_size, .tokens = 1, .hidden = 8192};
    const bool runs = world_size < 2 || !impossible(call, DeviceChoice::host);  // one rank has nothing to run anyway
    if (row.now && runs) names.emplace_back(row.name);
  }
  return names;
}

class Maker {
 public:
  Maker(const SelftestPlan& plan, int world_size)
      : plan_(plan), world_size_(world_size), workspaces_(workspaces_for(world_size)) {}

  void add(const FaultRow& fault, const std::string& allocator) {
    if (fault.descriptors && travels_by_ipc(allocator)) return;
    if (fault.seam == FaultSeam::link && world_size_ < kRanksToCompareLinks) return;
    if (fault.seam == FaultSeam::driver && fault.parameters.code) return add_calls(fault, allocator);
    FaultSpec spec = parse_fault(fault.name);
    if (fault.seam == FaultSeam::driver && travels_by_ipc(allocator)) {
      spec.call = DriverCall::export_ipc;
      spec.phase = Phase::export_handle;
    }
    if (fault.seam == FaultSeam::lost_call && travels_by_ipc(allocator)) spec.call = DriverCall::free_local;
    if (fault.seam == FaultSeam::channel) {
      spec.at = 12;
      if (!fault.parameters.code) spec.count = 2000;
    }
    // A true difference has to be clear of a busy machine's unrest; one placement's luck has to be as small as can be met.
    if (fault.seam == FaultSeam::batch) spec.percent = fault.parameters.placement ? 300 : 1000;
    // CUDA IPC opens a peer's memory where it lies: nothing of its own is left to map.
    if (spec.phase == Phase::map && travels_by_ipc(allocator)) spec.phase = Phase::import_handle;
    add_at_ranks(spec, allocator);
  }

  std::vector<Scenario> take() { return std::move(made_); }

 private:
  void add_calls(const FaultRow& fault, const std::string& allocator) {
    const bool ipc = travels_by_ipc(allocator);
    std::size_t next_code = mixed(plan_.seed, made_.size()) % std::size(kCodes);
    for (const CallInPhase& each : kCalls) {
      if (!(ipc ? each.ipc : each.vmm)) continue;
      // What a rank gives back after such a failure, kernels of its peers may still store to.
      if (plan_.device != DeviceChoice::host && each.phase == Phase::use) continue;
      FaultSpec spec = parse_fault(fault.name);
      spec.call = each.call;
      spec.phase = each.phase;
      for (std::size_t i = 0; i < (plan_.exhaustive ? std::size(kCodes) : 1); ++i) {
        spec.code = kCodes[next_code++ % std::size(kCodes)];
        // A bring-up that is not ready is tried again: only one that stays so has failed.
        spec.count = spec.code == driver_code::kNotReady && each.phase < Phase::use ? kForGood : 1;
        add_at_ranks(spec, allocator);
      }
    }
  }

  void add_at_ranks(FaultSpec spec, const std::string& allocator) {
    spec.allocator = allocator;
    const bool anywhere = spec.fault->parameters.rank;
    for (int i = 0; i < (plan_.exhaustive && anywhere ? world_size_ : 1); ++i) {
      const std::uint64_t drawn = mixed(plan_.seed, made_.size());
      spec.rank = plan_.exhaustive ? i : static_cast<int>(drawn % static_cast<std::uint64_t>(world_size_));
      if (!anywhere) spec.rank = 0;
      spec.peer = (spec.rank + 1) % world_size_;
      spec.struck = std::make_shared<std::uint64_t>(0);
      const auto& workspace =
          has_workspace_of_its_own(*spec.fault) ? workspaces_.front() : workspaces_[made_.size() % workspaces_.size()];
      made_.push_back({.spec = spec, .workspace = workspace, .allocator = allocator});
    }
  }

  const SelftestPlan& plan_;
  int world_size_;
  std::vector<std::string> workspaces_;
  std::vector<Scenario> made_;
};

}  // namespace

Scenarios scenarios_of(const SelftestPlan& plan, int world_size) {
  const auto allocators = chosen("allocator", plan.allocators, names_in_this_version(kAllocators));
  Scenarios scenarios;
  Maker maker(plan, world_size);
  for (const std::string& name : chosen("faults", plan.faults, fault_names(plan.device))) {
    const FaultRow& fault = *find_fault(name);
    if (fault.ends_job) {
      const std::string seconds = fault.parameters.seconds ? ",seconds=60" : "";
      scenarios.apart.push_back(
          {.fault = fault.name,
           .command = fmt::format("mpirun -n {} symmbench run --device {} -b 16K -e 16K -n 20 --lifecycles 0 -T 1 "
                                  "--inject {}:rank=1{}",
                                  world_size, name_of(plan.device), fault.name, seconds)});
      continue;
    }
    for (const std::string& allocator : allocators) maker.add(fault, allocator);
  }
  scenarios.runs = maker.take();
  return scenarios;
}

RunConfig config_of(const Scenario& scenario, const SelftestPlan& plan) {
  const FaultRow& fault = scenario.fault();
  Json options{{"device", name_of(plan.device)},
               {"workspace", scenario.workspace},
               {"allocator", scenario.allocator},
               {"algorithm", fault.algorithm.empty() ? "one_shot" : std::string(fault.algorithm)},
               {"minbytes", "16K"},
               {"maxbytes", "16K"},
               {"iters", "20"},
               {"lifecycles", "0"},
               {"placements", "1"},
               {"check", plan.check == CheckMode::on ? "on" : "off"},
               {"timeout", fmt::format("{}", plan.timeout_s)},
               {"inject", scenario.spec.text()}};
  const bool told_by_lifecycles =
      fault.seam == FaultSeam::lost_call || (fault.seam == FaultSeam::driver && fault.exit_code == 0);
  if (told_by_lifecycles) options["lifecycles"] = "2";
  if (fault.seam == FaultSeam::batch) {
    // A difference needs a second allocator and placements; the message is small, for there are many of them.
    const auto all = names_in_this_version(kAllocators);
    const auto other = std::ranges::find_if(all, [&](const auto& name) { return name != scenario.allocator; });
    options.update({{"allocator", fmt::format("{},{}", scenario.allocator, *other)},
                    {"minbytes", "4K"},
                    {"maxbytes", "4K"},
                    {"hidden", "1024"},
                    {"iters", "32"},
                    {"cudagraph", "2"},
                    {"placements", "8"}});
  }
  return resolve(nullptr, options);
}

}  // namespace symmbench
