#include "job/check_faults.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <string_view>
#include <vector>

#include "fault/fault_plan.hpp"

namespace symmbench {
namespace {

std::vector<std::string_view> faults_on_cuda() {
  std::vector<std::string_view> names;
  for (const FaultRow& row : fault_table()) {
    if (row.on_cuda()) names.push_back(row.name);
  }
  return names;
}

bool is_plain_bf16(const Sweep& sweep) {
  return sweep.patterns == std::vector<std::string>{"allreduce"} && sweep.dtypes == std::vector{DType::bf16};
}

[[noreturn]] void refuse(const FaultSpec& spec, std::string_view why) {
  throw Error({.layer = Layer::config,
               .reason = Reason::invalid_argument,
               .detail = fmt::format("--inject '{}': {}", spec.text(), why)});
}

FaultPlan plan_for_device(const RunConfig& config, int world_size) {
  FaultPlan plan = parse_fault_plan(config.inject, world_size);
  for (const FaultSpec& spec : plan.faults) {
    if (config.device != DeviceChoice::host && !spec.fault->on_cuda()) {
      refuse(spec, fmt::format("must be combined with --device host; {} can be provoked on GPUs",
                               fmt::join(faults_on_cuda(), ", ")));
    }
  }
  return plan;
}

/// Where something strikes that a probe does: driver calls, exchanges between ranks, memory of peers, phases.
bool strikes_a_probe(const FaultRow& fault) {
  return fault.seam == FaultSeam::driver || fault.seam == FaultSeam::round || fault.seam == FaultSeam::memory ||
         fault.seam == FaultSeam::point;
}

}  // namespace

void check_probe_faults(const RunConfig& config, int world_size) {
  for (const FaultSpec& spec : plan_for_device(config, world_size).faults) {
    if (!strikes_a_probe(*spec.fault)) {
      refuse(spec, "a probe runs no case in which it strikes; `symmbench run` does");
    }
  }
}

void check_faults(const RunConfig& config, int world_size) {
  const FaultPlan plan = plan_for_device(config, world_size);
  const auto strikes_protocol =
      std::ranges::find_if(plan.faults, [](const FaultSpec& spec) { return spec.fault->protocol.has_value(); });
  if (strikes_protocol == plan.faults.end() || std::ranges::all_of(config.sweeps, is_plain_bf16)) return;
  refuse(*strikes_protocol,
         "strikes plain bf16 allreduces only: it must be combined with --pattern allreduce --datatype bf16");
}

}  // namespace symmbench
