#include "fault/struck_worker.hpp"

#include <algorithm>
#include <utility>

#include "fault/faulty_allocator.hpp"
#include "fault/faulty_kernels.hpp"

namespace symmbench {
namespace {

/// At work in every launch, or outside the worker: not counted.
bool is_uncounted(const FaultRow& row) {
  return row.seam == FaultSeam::protocol || row.seam == FaultSeam::batch || row.seam == FaultSeam::link ||
         row.seam == FaultSeam::channel;
}

/// Announced where it strikes, for the worker may not live on.
bool is_announced(const FaultRow& row) { return row.seam == FaultSeam::point || row.seam == FaultSeam::kernel; }

}  // namespace

StruckWorker::StruckWorker(WorkerContext& context, const FaultPlan& plan)
    : context_(context), plan_(plan), world_rank_(context.comm.world_rank(context.comm.rank())) {
  for (const FaultSpec& spec : plan.faults) {
    if (spec.rank == world_rank_ && is_uncounted(*spec.fault)) tell(spec, std::nullopt);
  }
  if (std::ranges::none_of(plan.faults, [&](const FaultSpec& spec) { return spec.rank == world_rank_; })) return;
  heartbeat_.emplace(context.heartbeat, context.request, plan.at_seam(FaultSeam::point, world_rank_),
                     [this](const FaultSpec& spec) { tell(spec, 1); });
  comm_.emplace(context.comm, plan.at_seam(FaultSeam::round, world_rank_), [this] { return heartbeat_->phase_now(); });
  struck_.emplace(WorkerContext{.request = context.request,
                                .comm = *comm_,
                                .records = context.records,
                                .heartbeat = *heartbeat_,
                                .job_nonce = context.job_nonce,
                                .item_done = context.item_done});
}

std::vector<DriverFault> StruckWorker::driver_faults() const {
  return plan_.driver_faults(world_rank_, [this] { return heartbeat_->phase_now(); });
}

std::unique_ptr<KernelSet> StruckWorker::around(std::unique_ptr<KernelSet> kernels) const {
  auto faults = plan_.at_seam(FaultSeam::kernel, world_rank_);
  if (faults.empty()) return kernels;
  return std::make_unique<FaultyKernels>(std::move(kernels), std::move(faults), world_rank_,
                                         [this](const FaultSpec& spec) { tell(spec, 1); });
}

std::unique_ptr<Allocator> StruckWorker::around(std::unique_ptr<Allocator> allocator) const {
  for (const FaultSpec* fault : plan_.at_seam(FaultSeam::memory, world_rank_)) {
    allocator = std::make_unique<FaultyAllocator>(std::move(allocator), *fault);
  }
  return allocator;
}

void StruckWorker::tell(const FaultSpec& spec, std::optional<std::uint64_t> times) const {
  context_.records.append(to_json(EventRecord{.what = "fault_struck",
                                              .detail = spec.text(),
                                              .data = {{"index", &spec - plan_.faults.data()},
                                                       {"struck", json_or_null(times)},
                                                       {"attempt", context_.request.attempt}}}));
}

void StruckWorker::tell() const {
  for (const FaultSpec& spec : plan_.faults) {
    const FaultRow& row = *spec.fault;
    if (spec.rank != world_rank_ || is_uncounted(row) || is_announced(row) || *spec.struck == 0) continue;
    tell(spec, *spec.struck);
  }
}

}  // namespace symmbench
