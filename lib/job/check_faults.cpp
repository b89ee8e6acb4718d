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

}  // namespace

void check_faults(const RunConfig& config, int world_size) {
  const FaultPlan plan = parse_fault_plan(config.inject, world_size);
  for (const FaultSpec& spec : plan.faults) {
    if (config.device == DeviceChoice::host || spec.fault->on_cuda()) continue;
    throw Error({.layer = Layer::config,
                 .reason = Reason::invalid_argument,
                 .detail = fmt::format("--inject '{}': must be combined with --device host; {} can be provoked on GPUs",
                                       spec.text(), fmt::join(faults_on_cuda(), ", "))});
  }
  const auto strikes_protocol =
      std::ranges::find_if(plan.faults, [](const FaultSpec& spec) { return spec.fault->protocol.has_value(); });
  if (strikes_protocol == plan.faults.end() || std::ranges::all_of(config.sweeps, is_plain_bf16)) return;
  throw Error({.layer = Layer::config,
               .reason = Reason::invalid_argument,
               .detail = fmt::format("--inject '{}': strikes plain bf16 allreduces only: it must be combined with "
                                     "--pattern allreduce --datatype bf16",
                                     strikes_protocol->text())});
}

}  // namespace symmbench
