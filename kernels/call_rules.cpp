#include "kernels/call_rules.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <bit>
#include <vector>

#include "kernels/patterns.hpp"
#include "kernels/trtllm_rules.hpp"

namespace symmbench {
namespace {

template <class Values, class V>
bool contains(const Values& values, V value) {
  return std::find(values.begin(), values.end(), value) != values.end();
}

/// "2, 4, 8 or 16"
std::string alternatives(std::span<const int> numbers) {
  return fmt::format("{} or {}", fmt::join(numbers.first(numbers.size() - 1), ", "), numbers.back());
}

/// "fp16 or bf16"
template <class Values>
std::string names_of(const Values& values) {
  std::vector<std::string_view> names;
  for (const auto value : values) names.push_back(name_of(value));
  return fmt::format("{}", fmt::join(names, " or "));
}

/// A group is handled by neighbouring threads of one warp, a packet each.
std::optional<std::string> group_problem(const CallShape& shape) {
  const std::uint32_t group = shape.parameters.quant_group;
  const auto least = static_cast<std::uint32_t>(kPacketBytes / element_bytes(shape.dtype));
  if (std::has_single_bit(group) && group >= least && group <= 32 * least) return std::nullopt;
  return fmt::format("groups of {} elements: must be a power of two from {} to {} for {}", group, least, 32 * least,
                     name_of(shape.dtype));
}

std::optional<std::string> pattern_problem(const PatternSpec& spec, const CallShape& shape) {
  const auto name = name_of(shape.pattern);
  if (shape.in_place && !spec.in_place) return fmt::format("{} has no in-place form", name);
  if (!spec.world_sizes.empty() && !contains(spec.world_sizes, shape.world_size)) {
    return fmt::format("{} runs on {} ranks, not on {}", name, alternatives(spec.world_sizes), shape.world_size);
  }
  if (!contains(spec.dtypes, shape.dtype)) {
    return fmt::format("{} has no form for {}: {}", name, name_of(shape.dtype), names_of(spec.dtypes));
  }
  if (spec.takes("quant_group")) {
    if (auto problem = group_problem(shape)) return fmt::format("{}: {}", name, *problem);
  }
  if (shape.hidden % spec.group_of(shape) != 0) {
    return fmt::format("{} works on groups of {} elements: hidden must be a multiple of {}, not {}", name,
                       spec.group_of(shape), spec.group_of(shape), shape.hidden);
  }
  if (spec.layouts.empty()) return std::nullopt;
  const ScaleLayout layout = shape.parameters.scale_layout;
  if (!contains(spec.layouts, layout)) {
    return fmt::format("{} has no scale layout {}: {}", name, name_of(layout), names_of(spec.layouts));
  }
  if (layout == ScaleLayout::tiles_8x4 && shape.tokens > kMostRowsOf8x4) {
    return fmt::format("{}: scale layout 8x4 is for up to {} tokens, not {}: linear and 128x4 take any number", name,
                       kMostRowsOf8x4, shape.tokens);
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string> call_problem(const CallShape& shape) {
  if (shape.world_size < 1 || shape.world_size > kMaxRanks) {
    return fmt::format("world size {} is not within 1 ... {}", shape.world_size, kMaxRanks);
  }
  const PatternSpec& spec = spec_of(shape.pattern);
  if (auto problem = pattern_problem(spec, shape)) return problem;
  const std::uint64_t unit = needs_whole_rows(shape) ? shape.row_bytes() : shape.message_bytes();
  if (shape.message_bytes() == 0 || unit % kPacketBytes != 0) {
    return fmt::format("rows of {} x {} are {} bytes, no whole {}-byte packets: hidden must be a multiple of {}",
                       shape.hidden, name_of(shape.dtype), shape.row_bytes(), kPacketBytes,
                       kPacketBytes / element_bytes(shape.dtype));
  }
  const auto& workspace = row_of(kWorkspaceKinds, shape.workspace);
  if (workspace.one_form && shape.accumulation == Accumulation::storage) {
    return fmt::format(
        "{} adds in fp32, upstream's too, whatever is asked there: it has no form for accumulate storage",
        workspace.name);
  }
  if (workspace.one_form && shape.trigger == TriggerPoint::end) {
    return fmt::format("{} has no form for trigger end: upstream's takes no notice of it either", workspace.name);
  }
  if (!workspace.world_sizes.empty() && !contains(workspace.world_sizes, shape.world_size)) {
    return fmt::format("{} is for {} ranks, not for {}", workspace.name, alternatives(workspace.world_sizes),
                       shape.world_size);
  }
  if (shape.workspace == WorkspaceKind::trtllm) return trtllm_problem(shape);
  if (shape.algorithm == Algorithm::two_shot_barrier && shape.blocks > kBarrierRows) {
    return fmt::format("{} blocks, but a barrier has flags for {}", shape.blocks, kBarrierRows);
  }
  return std::nullopt;
}

std::optional<std::string> address_problem(const AllreduceCall& call) {
  if (call.view == nullptr || call.view->world_size != call.shape.world_size) {
    return fmt::format("a call of {} ranks on a workspace of {}", call.shape.world_size,
                       call.view == nullptr ? 0 : call.view->world_size);
  }
  const auto problem = [](DevicePtr address, std::string_view name) -> std::optional<std::string> {
    if (address != 0 && address % kPacketBytes == 0) return std::nullopt;
    return fmt::format("{} at {:#x} is not aligned to {} bytes", name, address, kPacketBytes);
  };
  if (auto found = problem(call.input, "input")) return found;
  for (const OutputSpec& output : spec_of(call.shape.pattern).outputs) {
    if (auto found = problem(call.outputs[output.kind], output.name)) return found;
  }
  for (const ConstantSpec& constant : spec_of(call.shape.pattern).constants) {
    if (auto found = problem(call.constants[constant.kind], constant.name)) return found;
  }
  return std::nullopt;
}

}  // namespace symmbench
