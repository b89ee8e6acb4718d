#include "bench/allocator_setup.hpp"

#include <fmt/format.h>

#include <utility>

#include "bench/call_counts.hpp"
#include "memory/handle_trial.hpp"
#include "memory/retry_not_ready.hpp"
#include "plan/support.hpp"
#include "workspace/workspaces.hpp"

namespace symmbench {
namespace {

Json to_json(const SegmentFacts& segment) {
  const auto& memory = segment.memory;
  return Json{{"name", segment.name},
              {"requested_bytes", memory.requested_bytes},
              {"allocated_bytes", memory.allocated_bytes},
              {"granularity_bytes", memory.granularity_bytes},
              {"data_offset", memory.data_offset},
              {"signal_pad_offset", memory.signal_pad_offset},
              {"signal_pad_bytes", memory.signal_pad_bytes},
              {"va_layout", memory.va_layout},
              {"va_bytes", memory.va_bytes}};
}

/// The plan has none on GPUs; here nothing of it is reached whatever a plan says.
MulticastUse multicast_of(const CaseGroup& group, const Backend& backend) {
  if (group.transport != TransportKind::multicast) return MulticastUse::off;
  if (backend.emulated) return MulticastUse::on;
  throw Error({.layer = Layer::memory,
               .reason = Reason::not_supported,
               .detail = *transport_problem(group.workspace, group.transport, DeviceChoice::cuda),
               .phase = Phase::multicast});
}

}  // namespace

AllocatorSetup::AllocatorSetup(WorkerContext& context, const WorkerConfig& config, const CaseGroup& group,
                               std::string allocator, Backend& backend, Stream& stream)
    : context_(context),
      config_(config),
      group_(group),
      allocator_name_(std::move(allocator)),
      backend_(backend),
      stream_(stream),
      allocator_(backend.make_allocator(allocator_name_, multicast_of(group, backend))) {
  if (group.transport == TransportKind::multicast) {
    bench_allocator_ = backend.make_allocator(allocator_name_, MulticastUse::off);
  }
  handle_.asked = group.handle_asked;
}

void AllocatorSetup::choose_handle() {
  if (std::exchange(handle_chosen_, true)) return;
  const int world_rank = context_.comm.world_rank(context_.comm.rank());
  // The trial's own phases would count as the workspace's: it runs unobserved.
  handle_ = resolve_handle({.comm = context_.comm}, *backend_.driver, group_.handle_asked, allocator_->kind(),
                           allocators_named(allocators_of(context_.request)),
                           local_handle_facts(*backend_.driver, world_rank));
  for (const auto& trial : handle_.trials) {
    for (const auto& failure : trial.retried) tell_retry(failure);
  }
}

void AllocatorSetup::bring_up(PhaseClock& clock) {
  choose_handle();
  if (!handle_.used) return;
  create_workspace(clock);
  create_bench_segment();
}

void AllocatorSetup::tell_trials() const {
  if (context_.comm.rank() != 0) return;
  for (const auto& trial : handle_.trials) {
    context_.records.append(to_json(HandleTrialRecord{.group = group_index(context_.comm),
                                                      .allocator = std::string(name_of(trial.allocator)),
                                                      .type = std::string(name_of(trial.type)),
                                                      .passed = trial.passed,
                                                      .failure = trial.failure}));
  }
}

void AllocatorSetup::create_workspace(PhaseClock& clock) {
  const auto before = backend_.driver->counts();
  workspace_ = another_workspace(clock);
  calls_ = calls_between(before, backend_.driver->counts());
}

std::unique_ptr<Workspace> AllocatorSetup::another_workspace(PhaseClock& clock) {
  const auto wait_limit =
      std::chrono::nanoseconds(static_cast<std::int64_t>(deadlines_of(config_).kernel_wait_s * 1e9));
  const WorkspaceSpec spec{
      .kind = group_.workspace,
      .transport = group_.transport,
      .capacity = group_.capacity,
      .handle = *handle_.used,
      .give_up = {
          .record = backend_.give_up, .record_on_host = context_.heartbeat.give_up_record(), .wait_limit = wait_limit}};
  const PhaseContext phases{.comm = context_.comm, .observer = &clock};
  std::unique_ptr<Workspace> workspace;
  retry_not_ready(
      phases,
      [&] { workspace = Workspace::create(phases, *allocator_, *backend_.driver, stream_, *backend_.kernels, spec); },
      [&](const Failure& failure) { tell_retry(failure); });
  return workspace;
}

void AllocatorSetup::tell_retry(const Failure& failure) {
  ++retries_;
  if (context_.comm.rank() != 0) return;
  context_.records.append(
      to_json(EventRecord{.group = group_index(context_.comm),
                          .what = std::string(kRetriedNotReady),
                          .detail = fmt::format("{}, {}: {}", group_.id, allocator_name_, describe(failure)),
                          .data = nullptr}));
}

void AllocatorSetup::create_bench_segment() {
  PhaseClock unheard(context_.heartbeat, deadlines_of(config_).round_s);
  const PhaseContext phases{.comm = context_.comm, .observer = &unheard};
  bench_ = std::make_unique<BenchSegment>(context_.comm, *backend_.driver, stream_, *backend_.kernels, group_.capacity);
  try {
    bench_->create(phases, bench_allocator_ ? *bench_allocator_ : *allocator_, *handle_.used);
  } catch (const PhaseFailed& failed) {
    if (ranks_lost_each_other(failed.failure())) throw;
    bench_.reset();
    const auto workspace = std::move(workspace_);
    try {
      workspace->close(phases);
    } catch (const PhaseFailed& second) {
      if (ranks_lost_each_other(second.failure())) throw;  // the first one is a rank's own; this ends the attempt
    }
    throw;
  }
}

void AllocatorSetup::try_bring_up(PhaseClock& clock) {
  try {
    bring_up(clock);
  } catch (const PhaseFailed& failed) {
    if (ranks_lost_each_other(failed.failure())) throw;
    failure_ = failed.failure();
  }
}

void AllocatorSetup::reattach(Workspace& workspace, PhaseClock& clock) {
  workspace.reattach({.comm = context_.comm, .observer = &clock}, *allocator_);
}

void AllocatorSetup::close(PhaseClock& clock) {
  if (!workspace_) return;
  std::optional<PhaseFailed> first;
  try {
    workspace_->close({.comm = context_.comm, .observer = &clock});
  } catch (const PhaseFailed& failed) {
    if (ranks_lost_each_other(failed.failure())) throw;
    first = failed;
  }
  PhaseClock unheard(context_.heartbeat, deadlines_of(config_).round_s);
  try {
    bench_->close({.comm = context_.comm, .observer = &unheard});
  } catch (const PhaseFailed& failed) {
    if (ranks_lost_each_other(failed.failure()) || !first) throw;
  }
  if (first) throw PhaseFailed(*first);
}

std::uint64_t AllocatorSetup::workspace_bytes() const {
  return symmbench::workspace_bytes(group_.workspace, group_.capacity, *allocator_,
                                    allocator_->granularity(*backend_.driver, *handle_.used));
}

Json AllocatorSetup::handle() const {
  return Json{{"asked", handle_.asked},
              {"used", handle_.used ? Json(name_of(*handle_.used)) : Json(nullptr)},
              {"reason", handle_.reason}};
}

WorkspaceRecord AllocatorSetup::record() const {
  WorkspaceRecord record{.group = group_index(context_.comm),
                         .workspace = std::string(name_of(group_.workspace)),
                         .transport = std::string(name_of(group_.transport)),
                         .allocator = allocator_name_,
                         .handle = handle()};
  for (const auto& segment : workspace_->facts()) record.segments.push_back(to_json(segment));
  record.driver_calls = to_json(std::span<const CallCount>(calls_));
  const auto add = [&](std::span<const Difference> differences) {
    for (const auto& difference : differences) {
      record.differences.push_back(
          Json{{"upstream", difference.upstream}, {"here", difference.here}, {"reason", difference.reason}});
    }
  };
  add(allocator_->differences());
  add(workspace_row(group_.workspace).differences());
  return record;
}

}  // namespace symmbench
