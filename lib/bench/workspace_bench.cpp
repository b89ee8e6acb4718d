#include "bench/workspace_bench.hpp"

#include "memory/handle_trial.hpp"
#include "workspace/differences.hpp"

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

}  // namespace

Json multicast_off() { return Json{{"asked", "off"}, {"used", "off"}, {"reason", "off unless asked for"}}; }

WorkspaceBench::WorkspaceBench(WorkerContext& context, const WorkerConfig& config, const CaseGroup& group,
                               std::string allocator, Backend& backend, Stream& stream)
    : context_(context),
      config_(config),
      group_(group),
      allocator_(std::move(allocator)),
      backend_(backend),
      stream_(stream),
      maker_(make_allocator(allocator_)) {}

void WorkspaceBench::bring_up(PhaseClock& clock) {
  const PhaseContext phases{.comm = context_.comm, .observer = &clock};
  const int world_rank = context_.comm.world_rank(context_.comm.rank());
  // The trial's own phases would count as the workspace's: it runs unobserved.
  handle_ = resolve_handle({.comm = context_.comm}, *backend_.driver, group_.handle_asked, maker_->kind(),
                           allocators_named(allocators_of(context_.request)),
                           local_handle_facts(*backend_.driver, world_rank));
  if (!handle_.used) return;

  const WorkspaceSpec spec{
      .layout = group_.layout,
      .handle = *handle_.used,
      .wait_limit = std::chrono::nanoseconds(static_cast<std::int64_t>(deadlines_of(config_).kernel_wait_s * 1e9)),
      .give_up = backend_.give_up,
      .give_up_on_host = context_.heartbeat.give_up_record()};
  const auto before = backend_.driver->counts();
  workspace_ = Workspace::create(phases, *maker_, *backend_.driver, stream_, *backend_.kernels, spec);
  calls_ = calls_between(before, backend_.driver->counts());
}

void WorkspaceBench::close(PhaseClock& clock) {
  if (workspace_) workspace_->close({.comm = context_.comm, .observer = &clock});
}

Json WorkspaceBench::handle() const {
  return Json{{"asked", handle_.asked},
              {"used", handle_.used ? Json(name_of(*handle_.used)) : Json(nullptr)},
              {"reason", handle_.reason}};
}

WorkspaceRecord WorkspaceBench::record() const {
  WorkspaceRecord record{.group = 0,
                         .workspace = group_.workspace,
                         .transport = group_.transport,
                         .allocator = allocator_,
                         .handle = handle()};
  record.group = context_.comm.world_rank(0) / context_.comm.size();
  for (const auto& segment : workspace_->facts()) record.segments.push_back(to_json(segment));
  for (const auto& call : calls_) {
    record.driver_calls.push_back(
        Json{{"call", call.call}, {"count", call.count}, {"failures", call.failures}, {"total_us", call.total_us}});
  }
  const auto add = [&](std::span<const Difference> differences) {
    for (const auto& difference : differences) {
      record.differences.push_back(
          Json{{"upstream", difference.upstream}, {"here", difference.here}, {"reason", difference.reason}});
    }
  };
  add(maker_->differences());
  add(workspace_differences());
  return record;
}

}  // namespace symmbench
