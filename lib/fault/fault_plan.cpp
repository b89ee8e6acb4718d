#include "fault/fault_plan.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include "catalog/allocators.hpp"
#include "core/text.hpp"
#include "kernels/protocol/fusion_layout.hpp"

namespace symmbench {
namespace {

[[noreturn]] void refuse(std::string_view fault, const std::string& problem) {
  throw Error({.layer = Layer::config,
               .reason = Reason::invalid_argument,
               .detail = fmt::format("--inject '{}': {}", fault, problem)});
}

std::vector<std::string> fault_names() {
  std::vector<std::string> names;
  for (const FaultRow& row : fault_table()) names.emplace_back(row.name);
  return names;
}

const FaultRow& row_of(std::string_view text, std::string_view name) {
  const FaultRow* row = find_fault(name);
  if (row == nullptr) {
    const auto names = fault_names();
    const auto nearest = nearest_name(name, names);
    refuse(text, fmt::format("no fault '{}'{}; known are {}", name,
                             nearest ? fmt::format(" (did you mean {}?)", *nearest) : "", fmt::join(names, ", ")));
  }
  return *row;
}

template <class Number>
Number number_in(std::string_view text, std::string_view key, std::string_view value, Number low, Number high) {
  Number number{};
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (error != std::errc() || end != value.data() + value.size() || number < low || number > high) {
    refuse(text, fmt::format("{} must be a whole number from {} to {}, not '{}'", key, low, high, value));
  }
  return number;
}

constexpr int kMostRanks = 1 << 20;
constexpr std::uint64_t kMostCalls = std::uint64_t{1} << 40;
constexpr int kMostCode = 9999;
constexpr int kMostPlacement = 191;  // three times as many as --placements can ask for, counted from 0
constexpr int kMostPercent = 10000;
constexpr int kMostSeconds = 86400;

std::string_view allocator_in(std::string_view text, std::string_view value) {
  const auto kind = allocator_from(value);
  if (kind && row_of(kAllocators, *kind).now) return value;
  std::vector<std::string_view> names;
  for (const auto& row : kAllocators) {
    if (row.now) names.push_back(row.name);
  }
  refuse(text, fmt::format("allocator must be one of {}, not '{}'", fmt::join(names, ", "), value));
}

/// The calls that a fault of seam lost_call may strike. Not cuMemUnmap: the range that it leaves occupied cannot be
/// freed, so that the driver tells.
constexpr DriverCall kGiveBackCalls[] = {DriverCall::release, DriverCall::free_range, DriverCall::free_local,
                                         DriverCall::close_ipc};

/// Many times what neighbours on one processor do to each other.
constexpr int kSlowLinkPercent = 2000;

/// Whether it is of two ranks, or of nothing.
bool needs_another_rank(const FaultRow& row) {
  return row.effect == FaultEffect::lose_peer || row.seam == FaultSeam::link;
}

/// What a fault does when nothing else is asked.
FaultSpec default_spec(const FaultRow& row) {
  FaultSpec spec{.fault = &row, .call = row.call, .code = row.code, .phase = row.phase};
  if (row.seam == FaultSeam::lost_call) spec.count = kMostCalls;
  if (needs_another_rank(row)) spec.peer = 1;
  if (row.seam == FaultSeam::link) spec.percent = kSlowLinkPercent;
  return spec;
}

void check_lost_call(const FaultSpec& spec, std::string_view text) {
  if (std::ranges::find(kGiveBackCalls, spec.call) != std::end(kGiveBackCalls)) return;
  std::vector<std::string_view> names;
  for (const DriverCall call : kGiveBackCalls) names.push_back(name_of(call));
  refuse(text, fmt::format("call must be one of {}, not {}", fmt::join(names, ", "), name_of(spec.call)));
}

constexpr auto kSides =
    name_table<ChannelSide>({{ChannelSide::supervisor, "supervisor"}, {ChannelSide::worker, "worker"}});

int errno_named(std::string_view text, std::string_view name) {
  constexpr int kLargest = 133;  // of Linux
  for (int number = 1; number <= kLargest; ++number) {
    const char* known = strerrorname_np(number);
    if (known != nullptr && name == known) return number;
  }
  refuse(text, fmt::format("code must be the name of an errno (ENOMEM, EIO, EINTR, ...), not '{}'", name));
}

/// The parameters that mean something else, or are not there, for a fault of the driver.
void set_channel_parameter(FaultSpec& spec, std::string_view text, std::string_view key, std::string_view value) {
  if (key == "side") {
    const auto side = kSides.value(value);
    if (!side) refuse(text, fmt::format("side must be supervisor or worker, not '{}'", value));
    spec.side = *side;
  }
  if (key == "call") {
    const auto call = kChannelCalls.value(value);
    if (!call) refuse(text, fmt::format("call must be send or recv, not '{}'", value));
    spec.channel_call = *call;
  }
  if (key == "code") spec.error = errno_named(text, value);
}

void set_driver_parameter(FaultSpec& spec, std::string_view text, std::string_view key, std::string_view value) {
  if (key == "code") spec.code = number_in<int>(text, key, value, 1, kMostCode);
  if (key == "allocator") spec.allocator = allocator_in(text, value);
  if (key == "placement") spec.placement = number_in<int>(text, key, value, 0, kMostPlacement);
  if (key == "percent") spec.percent = number_in<int>(text, key, value, 1, kMostPercent);
  if (key == "call") {
    const auto call = driver_call_from(value);
    if (!call) refuse(text, fmt::format("no driver call '{}' (cuMemCreate, cuMemMap, ...)", value));
    spec.call = *call;
  }
}

Phase phase_in(std::string_view text, std::string_view value) {
  if (const auto phase = phase_from(value)) return *phase;
  std::vector<std::string_view> names;
  for (const Phase phase : kAllPhases) names.push_back(name_of(phase));
  refuse(text, fmt::format("phase must be one of {}, not '{}'", fmt::join(names, ", "), value));
}

void set_parameter(FaultSpec& spec, std::string_view text, std::string_view key, std::string_view value) {
  if (key == "rank") spec.rank = number_in<int>(text, key, value, 0, kMostRanks);
  if (key == "peer") spec.peer = number_in<int>(text, key, value, 0, kMostRanks);
  if (key == "phase") spec.phase = phase_in(text, value);
  if (key == "seconds") spec.seconds = number_in<int>(text, key, value, 1, kMostSeconds);
  if (key == "at") spec.at = number_in<std::uint64_t>(text, key, value, 1, kMostCalls);
  if (key == "count") spec.count = number_in<std::uint64_t>(text, key, value, 1, kMostCalls);
  const bool of_channel = spec.fault->seam == FaultSeam::channel;
  of_channel ? set_channel_parameter(spec, text, key, value) : set_driver_parameter(spec, text, key, value);
}

}  // namespace

std::string FaultSpec::text() const {
  const FaultParameters& has = fault->parameters;
  std::vector<std::string> parts;
  if (has.rank) parts.push_back(fmt::format("rank={}", rank));
  if (has.peer) parts.push_back(fmt::format("peer={}", peer));
  const bool of_channel = fault->seam == FaultSeam::channel;
  if (has.side) parts.push_back(fmt::format("side={}", kSides.name(side)));
  if (has.call) parts.push_back(fmt::format("call={}", of_channel ? kChannelCalls.name(channel_call) : name_of(call)));
  if (has.phase && phase) parts.push_back(fmt::format("phase={}", name_of(*phase)));
  if (has.at) parts.push_back(fmt::format("at={}", at));
  if (has.count) parts.push_back(fmt::format("count={}", count));
  if (has.code)
    parts.push_back(of_channel ? fmt::format("code={}", strerrorname_np(error)) : fmt::format("code={}", code));
  if (has.allocator) parts.push_back(fmt::format("allocator={}", allocator));
  if (has.placement) parts.push_back(fmt::format("placement={}", placement));
  if (has.percent) parts.push_back(fmt::format("percent={}", percent));
  if (has.seconds) parts.push_back(fmt::format("seconds={}", seconds));
  return parts.empty() ? std::string(fault->name) : fmt::format("{}:{}", fault->name, fmt::join(parts, ","));
}

FaultSpec parse_fault(std::string_view text) {
  const std::size_t colon = text.find(':');
  FaultSpec spec = default_spec(row_of(text, text.substr(0, colon)));
  if (colon == std::string_view::npos) return spec;
  const auto allowed = parameter_names(spec.fault->parameters);
  std::vector<std::string> given;
  for (const std::string& part : split_list(text.substr(colon + 1))) {
    const std::size_t equals = part.find('=');
    const std::string_view key = std::string_view(part).substr(0, equals);
    if (std::find(allowed.begin(), allowed.end(), key) == allowed.end()) {
      refuse(text, fmt::format("{} has no parameter '{}': {}", spec.fault->name, key, fmt::join(allowed, ", ")));
    }
    if (equals == std::string::npos) refuse(text, fmt::format("{} needs a value: {}=...", key, key));
    if (std::find(given.begin(), given.end(), key) != given.end()) refuse(text, fmt::format("{} is given twice", key));
    given.emplace_back(key);
    set_parameter(spec, text, key, std::string_view(part).substr(equals + 1));
  }
  if (spec.fault->seam == FaultSeam::lost_call) check_lost_call(spec, text);
  return spec;
}

std::vector<const FaultSpec*> FaultPlan::at_seam(FaultSeam seam, int world_rank) const {
  std::vector<const FaultSpec*> found;
  for (const FaultSpec& spec : faults) {
    if (spec.fault->seam == seam && spec.rank == world_rank) found.push_back(&spec);
  }
  return found;
}

std::vector<DriverFault> FaultPlan::driver_faults(int world_rank, const PhaseNow& phase_now) const {
  std::vector<DriverFault> found;
  for (const FaultSpec& spec : faults) {
    const FaultSeam seam = spec.fault->seam;
    const bool of_driver = seam == FaultSeam::driver || seam == FaultSeam::lost_call || seam == FaultSeam::fill;
    if (!of_driver || spec.rank != world_rank) continue;
    DriverFault& fault = found.emplace_back(DriverFault{.call = spec.call,
                                                        .nth = spec.at,
                                                        .code = spec.code,
                                                        .times = spec.count,
                                                        .lost = seam == FaultSeam::lost_call,
                                                        .struck = spec.struck});
    if (spec.phase && phase_now) fault.when = [phase_now, phase = *spec.phase] { return phase_now() == phase; };
    if (spec.fault->effect == FaultEffect::lose_pattern) {
      fault.lost = true;
      fault.word = kSentinel;
    } else if (spec.fault->effect == FaultEffect::garble_flags) {
      fault.garbled = true;
      fault.word = 0;
    }
  }
  return found;
}

std::optional<ProtocolFault> FaultPlan::protocol_fault(int world_rank) const {
  for (const FaultSpec& spec : faults) {
    if (spec.rank == world_rank && spec.fault->protocol) return spec.fault->protocol;
  }
  return std::nullopt;
}

double FaultPlan::slowed_by(std::string_view allocator, int placement, int world_rank) const {
  double share = 0;
  for (const FaultSpec& spec : faults) {
    const FaultParameters& of = spec.fault->parameters;
    if (spec.fault->seam != FaultSeam::batch) continue;
    if (of.allocator && spec.allocator != allocator) continue;
    if (of.placement && spec.placement != placement) continue;
    if (of.rank && spec.rank != world_rank) continue;
    share += spec.percent / 100.0;
  }
  return share;
}

double FaultPlan::link_slowed_by(int world_rank, int peer) const {
  double share = 0;
  for (const FaultSpec& spec : faults) {
    if (spec.fault->seam != FaultSeam::link) continue;
    if (std::minmax(spec.rank, spec.peer) == std::minmax(world_rank, peer)) share += spec.percent / 100.0;
  }
  return share;
}

bool FaultPlan::slows_batches() const {
  return std::ranges::any_of(faults, [](const FaultSpec& spec) { return spec.fault->seam == FaultSeam::batch; });
}

ChannelFaults FaultPlan::channel_faults(int world_rank) const {
  ChannelFaults found;
  for (const FaultSpec& spec : faults) {
    if (spec.fault->seam != FaultSeam::channel || spec.rank != world_rank) continue;
    auto& of_side = spec.side == ChannelSide::worker ? found.worker : found.supervisor;
    of_side.push_back({.call = spec.channel_call,
                       .nth = spec.at,
                       .times = spec.count,
                       .code = spec.fault->parameters.code ? spec.error : ChannelFault::kShort});
  }
  return found;
}

FaultPlan parse_fault_plan(std::span<const std::string> texts, int world_size) {
  FaultPlan plan;
  for (const std::string& text : texts) {
    FaultSpec spec = parse_fault(text);
    const auto require_in_job = [&](std::string_view key, int rank) {
      if (rank < world_size) return;
      refuse(text, fmt::format("{} must be below the number of ranks, which is {}", key, world_size));
    };
    require_in_job("rank", spec.rank);
    if (spec.fault->parameters.peer) require_in_job("peer", spec.peer);
    if (needs_another_rank(*spec.fault) && spec.peer == spec.rank) {
      refuse(text, fmt::format("peer must be another rank than {}", spec.rank));
    }
    if (spec.fault->protocol && plan.protocol_fault(spec.rank)) {
      refuse(text, fmt::format("rank {} has a protocol fault already: one at a time", spec.rank));
    }
    plan.faults.push_back(spec);
  }
  return plan;
}

}  // namespace symmbench
