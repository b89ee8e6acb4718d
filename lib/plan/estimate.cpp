#include "plan/estimate.hpp"

#include <algorithm>
#include <numeric>

#include "memory/allocators.hpp"
#include "workspace/bench_segment.hpp"
#include "workspace/workspaces.hpp"

namespace symmbench {
namespace {

/// One iteration. cuda: launch, hop and 361 GB/s of links, as measured on 4 H200s. host: ranks share a few cores that
/// copy about 1 GB/s each, and every hand-over between them costs a time slice (2 cores: configs/quick.json takes
/// 15 s).
double iteration_us(const CallShape& shape, bool emulated) {
  const double ranks = shape.world_size, bytes = static_cast<double>(shape.message_bytes());
  const bool one_shot = row_of(kAlgorithms, shape.algorithm).steps == 1;
  const double sent = (one_shot ? ranks - 1 : 2 * (ranks - 1) / ranks) * bytes;
  if (emulated) return 40 * ranks + ranks * sent / 1000;
  if (is_reference(shape.algorithm)) return 11 + sent / 340e3;  // NCCL 2.28 there
  return (one_shot ? 2 : 3) + sent / 361e3;
}

/// Filling, poisoning and checking touch each message a few times more.
constexpr double kCheckFactor = 3;

double case_seconds(const Case& one, const RunConfig& config, bool emulated) {
  const double each_us = iteration_us(one.shape, emulated) * (config.check == CheckMode::on ? kCheckFactor : 1);
  const double warm_up_s = static_cast<double>(one.warmup_iters) * each_us * 1e-6;
  if (!one.iters) return warm_up_s + config.case_time_s;
  return warm_up_s + static_cast<double>(*one.iters) * each_us * 1e-6;
}

bool runs_nothing(const CaseGroup& group) { return group.kind != GroupKind::library && group.capacity.empty(); }

}  // namespace

double filled_bytes(const CaseGroup& group) {
  double bytes = 0;
  if (group.kind == GroupKind::library || group.capacity.empty()) return bytes;
  for (const auto& segment : workspace_row(group.workspace).segments(group.capacity)) {
    bytes += static_cast<double>(segment.used_bytes);
  }
  return bytes;
}

namespace {

/// Creation, rendezvous, initialisation and close of a workspace, and its zero-filling.
double lifecycle_seconds(const CaseGroup& group, bool emulated) {
  constexpr double kConnect_s = 3;  // NCCL, 4 GPUs
  if (group.kind == GroupKind::library) return emulated ? 0 : kConnect_s;
  return 0.015 + filled_bytes(group) * (emulated ? group.capacity.world_size() / 2e9 : 1 / 1e12);
}

}  // namespace

std::uint64_t GroupMemory::total_bytes() const {
  return std::accumulate(workspaces.begin(), workspaces.end(), bench_bytes + ring_bytes,
                         [](std::uint64_t sum, const AllocatorBytes& one) { return sum + one.bytes; });
}

std::uint64_t MemoryEstimate::rank_bytes() const {
  std::uint64_t largest = 0;
  for (const auto& group : groups) largest = std::max(largest, group.total_bytes());
  return largest;
}

MemoryEstimate plan_memory(const Plan& plan, std::uint64_t granularity_bytes,
                           const std::function<std::uint64_t(const Case&)>& ring_bytes) {
  MemoryEstimate estimate;
  for (const auto& group : plan.groups) {
    if (runs_nothing(group)) continue;
    GroupMemory memory{.id = group.id};
    for (const auto& allocator : group.allocators) {
      if (group.kind == GroupKind::library) continue;  // what it takes is not known
      const auto made = make_allocator(allocator);
      memory.workspaces.push_back(
          {allocator, group.concurrent * workspace_bytes(group.workspace, group.capacity, *made, granularity_bytes)});
      memory.bench_bytes += segment_bytes(BenchSegment::requests(group.capacity), *made, granularity_bytes);
    }
    for (const auto& one : group.cases) {
      if (ring_bytes && !one.skip) memory.ring_bytes = std::max(memory.ring_bytes, ring_bytes(one));
    }
    estimate.groups.push_back(std::move(memory));
  }
  return estimate;
}

double expected_seconds(const Plan& plan, const RunConfig& config, bool emulated) {
  const double worker_start_s = emulated ? 0.1 : 1;
  double seconds = worker_start_s;  // the preflight worker
  for (const auto& group : plan.groups) {
    if (runs_nothing(group)) continue;
    const auto allocators = static_cast<double>(group.allocators.size());
    const double each_s =
        static_cast<double>(group.concurrent) * lifecycle_seconds(group, emulated) + (group.fresh ? worker_start_s : 0);
    double each_allocator_s =
        std::max(group.soak_s, each_s * static_cast<double>(std::max<std::uint64_t>(group.lifecycles, 1)));
    if (group.kind == GroupKind::measure && group.allocators.size() > 1) {
      each_allocator_s += lifecycle_seconds(group, emulated) * static_cast<double>(config.placements - 1);
    }
    for (const auto& one : group.cases) {
      if (!one.skip) each_allocator_s += case_seconds(one, config, emulated);
    }
    seconds += worker_start_s + allocators * each_allocator_s;
  }
  return seconds;
}

}  // namespace symmbench
