#include "workspace/workspaces.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "core/text.hpp"
#include "workspace/bench_segment.hpp"
#include "workspace/fusion_capacity.hpp"
#include "workspace/fusion_workspace.hpp"
#include "workspace/mnnvl_capacity.hpp"
#include "workspace/mnnvl_workspace.hpp"
#include "workspace/trtllm_capacity.hpp"
#include "workspace/trtllm_workspace.hpp"

namespace symmbench {
namespace {

constexpr TransportKind kUnicast[] = {TransportKind::unicast};
constexpr TransportKind kEither[] = {TransportKind::unicast, TransportKind::multicast};

constexpr WorkspaceRow kRows[] = {
    {WorkspaceKind::trtllm_fusion, kUnicast, fusion_segments, fusion_capacity_problem, fusion_differences,
     make_fusion_workspace},
    {WorkspaceKind::trtllm, kUnicast, trtllm_segments, trtllm_capacity_problem, trtllm_differences,
     make_trtllm_workspace},
    {WorkspaceKind::mnnvl, kEither, mnnvl_segments, mnnvl_capacity_problem, mnnvl_differences, make_mnnvl_workspace},
};

static_assert(one_for_each_now(kWorkspaceKinds, kRows));

/// What every rank must want alike, or kernels index memory that is not there.
struct Wanted {
  std::int32_t world_size;
  std::uint64_t message_bytes, element_bytes;
  std::int64_t wait_limit_ns;
  bool operator==(const Wanted&) const = default;
};

/// The same, and what follows from the rest of the shapes.
struct WantedSegments {
  Wanted wanted;
  std::array<std::uint64_t, kMaxSegments> used_bytes;
  bool operator==(const WantedSegments&) const = default;
};

WantedSegments wanted_segments(const WorkspaceSpec& spec) {
  const auto& capacity = spec.capacity;
  WantedSegments mine{
      {capacity.world_size(), capacity.message_bytes(), capacity.element_bytes(), spec.give_up.wait_limit.count()}, {}};
  if (capacity.problem()) return mine;
  const auto segments = workspace_row(spec.kind).segments(capacity);
  std::transform(segments.begin(), segments.end(), mine.used_bytes.begin(),
                 [](const SegmentRequest& request) { return request.used_bytes; });
  return mine;
}

std::string text_of(const WantedSegments& mine, bool with_segments) {
  const auto& wanted = mine.wanted;
  auto text = fmt::format("{} ranks, messages of {} bytes, elements of {} bytes, waits of {} ns", wanted.world_size,
                          wanted.message_bytes, wanted.element_bytes, wanted.wait_limit_ns);
  return with_segments ? fmt::format("{}, segments of {} bytes", text, fmt::join(mine.used_bytes, ", ")) : text;
}

Error refusal(Reason reason, std::string detail) {
  return Error({.layer = Layer::workspace, .reason = reason, .detail = std::move(detail)});
}

void require_agreement(Communicator& comm, const WorkspaceSpec& spec) {
  const auto wanted = allgather_value(comm, "create: workspace request", wanted_segments(spec));
  for (int r = 0; r < comm.size(); ++r) {
    if (wanted[r] == wanted[0]) continue;
    const bool with_segments = wanted[r].wanted == wanted[0].wanted;
    const auto odd = odd_one_out(wanted);
    throw Error({.layer = Layer::workspace,
                 .reason = Reason::disagreement,
                 .detail = fmt::format("{}: rank {} wants {}; rank {} wants {}",
                                       wanted[r].wanted.world_size != wanted[0].wanted.world_size
                                           ? "ranks take the group for different ones"
                                           : "ranks ask for different workspaces",
                                       comm.world_rank(0), text_of(wanted[0], with_segments), comm.world_rank(r),
                                       text_of(wanted[r], with_segments)),
                 .peer = odd ? std::optional(comm.world_rank(*odd)) : std::nullopt});
  }
}

void check_request(const PhaseContext& context, const Allocator& allocator, Driver& driver, const WorkspaceSpec& spec) {
  auto& comm = context.comm;
  const auto& capacity = spec.capacity;
  collective_phase(context, Phase::create, [&] {
    require_agreement(comm, spec);
    if (const auto problem = capacity.problem()) throw refusal(Reason::invalid_argument, *problem);
    if (capacity.world_size() != comm.size()) {
      throw refusal(Reason::invalid_argument,
                    fmt::format("a workspace for {} ranks over a group of {}", capacity.world_size(), comm.size()));
    }
    if (spec.give_up.wait_limit.count() <= 0) {
      throw refusal(Reason::invalid_argument, "a wait inside a kernel needs a positive limit");
    }
    const auto granularity = allocator.granularity(driver, spec.handle);
    const auto needed = workspace_bytes(spec.kind, capacity, allocator, granularity) +
                        segment_bytes(BenchSegment::requests(capacity), allocator, granularity);
    const auto free = driver.memory_info().free_bytes;
    if (needed > free) {
      throw refusal(Reason::capacity_exceeded,
                    fmt::format("a workspace for messages of {} and the bench's segment take {} per rank, {} are free",
                                format_bytes(capacity.message_bytes()), format_bytes(needed), format_bytes(free)));
    }
  });
}

}  // namespace

const WorkspaceRow& workspace_row(WorkspaceKind kind) {
  return *std::find_if(std::begin(kRows), std::end(kRows), [&](const WorkspaceRow& row) { return row.kind == kind; });
}

std::uint64_t workspace_bytes(WorkspaceKind kind, const MessageCapacity& capacity, const Allocator& allocator,
                              std::uint64_t granularity) {
  return segment_bytes(workspace_row(kind).segments(capacity), allocator, granularity);
}

std::optional<std::string> capacity_problem(const MessageCapacity& capacity, const CallShape& shape) {
  if (is_reference(shape.algorithm)) return std::nullopt;
  if (shape.world_size != capacity.world_size()) {
    return fmt::format("a call of {} ranks on a workspace of {}", shape.world_size, capacity.world_size());
  }
  const std::uint64_t message = shape.message_bytes();
  if (message == 0 || message % kPacketBytes != 0) {
    return fmt::format("a message of {} bytes is no positive multiple of {}", message, kPacketBytes);
  }
  return workspace_row(shape.workspace).capacity_problem(capacity, shape);
}

std::unique_ptr<Workspace> Workspace::create(const PhaseContext& context, Allocator& allocator, Driver& driver,
                                             Stream& stream, KernelSet& kernels, const WorkspaceSpec& spec) {
  check_request(context, allocator, driver, spec);
  return workspace_row(spec.kind).make(context, allocator, driver, stream, kernels, spec);
}

}  // namespace symmbench
