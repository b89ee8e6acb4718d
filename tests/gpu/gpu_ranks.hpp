#pragma once
#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <vector>

#include "device/cuda/cuda_backend.hpp"
#include "kernels/cuda/cuda_kernels.hpp"
#include "kernels/patterns.hpp"
#include "memory/allocators.hpp"
#include "memory/local_buffer.hpp"
#include "support/capacity_of.hpp"
#include "support/thread_ranks.hpp"
#include "workspace/workspace.hpp"

namespace symmbench::test {

/// What one rank of a GPU test holds: a GPU of its own, a stream and a workspace over all ranks.
struct GpuRank {
  int rank;
  Communicator& comm;
  Driver& driver;
  Stream& stream;
  KernelSet& kernels;
  Workspace& workspace;
  GiveUpRecord& give_up;
  int on_one_gpu = 1;  ///< ranks, at most: all ranks of a group run the same shapes

  int size() const { return comm.size(); }
  /// Whether the blocks of all ranks on this GPU run at once for certain: kernels that wait for each other need that. One
  /// to a multiprocessor, and half of those free, because clusters do not find room everywhere.
  bool fits(const CallShape& shape) const {
    if (on_one_gpu == 1) return true;
    const auto blocks = static_cast<int>(kernels.launch_shape(shape).blocks) * on_one_gpu;
    return blocks <= driver.facts().multiprocessors.value_or(0) / 2;
  }
};

/// Host memory that a GPU writes; pages of its own.
struct alignas(4096) GiveUpPage {
  GiveUpRecord record{};
};

inline int visible_gpus() { return probe_cuda().device_count; }
inline int gpus() { return std::min(visible_gpus(), 8); }
/// As many ranks as GPUs, two on one GPU.
inline int ranks_here() { return std::max(gpus(), 2); }

struct GpuGroup {
  int ranks;
  std::uint64_t message_bytes;  ///< largest
  WorkspaceKind workspace = WorkspaceKind::trtllm_fusion;
  std::chrono::nanoseconds wait_limit = std::chrono::seconds(5);
};

/// Runs `body` on a thread per rank, each with a GPU and a workspace. More ranks than GPUs share them: then all their
/// kernels must fit on a GPU at once, and nothing that may wait for the whole GPU (allocations, copies from pageable
/// memory, the loading of code) may stand between the launches of the ranks.
inline void run_gpu_ranks(const GpuGroup& group, const std::function<void(GpuRank&)>& body) {
  const int ranks = group.ranks;
  const int gpus = visible_gpus();
  std::vector<GiveUpPage> pages(static_cast<std::size_t>(ranks));
  run_ranks(ranks, [&](int rank, Communicator& comm) {
    const int ordinal = rank % gpus;
    const auto driver = make_cuda_driver(ordinal);
    const auto stream = driver->make_stream();
    const auto kernels = make_cuda_kernels(ordinal);
    const auto allocator = make_allocator("symm_device_memory");
    auto& page = pages[static_cast<std::size_t>(rank)];
    const PhaseContext context{comm};
    const WorkspaceSpec spec{
        .kind = group.workspace,
        .capacity = capacity_of(ranks, group.message_bytes),
        .handle = HandleType::posix_fd,
        .give_up = {.record = driver->register_host(&page, sizeof(page)), .wait_limit = group.wait_limit}};
    const auto workspace = Workspace::create(context, *allocator, *driver, *stream, *kernels, spec);
    GpuRank bench{rank, comm, *driver, *stream, *kernels, *workspace, page.record, (ranks + gpus - 1) / gpus};
    body(bench);
    stream->synchronize();
    workspace->close(context);
  });
}

/// Device memory of one rank for a ring of `buffers` iterations of one shape, filled with inputs and constants.
class GpuBatch {
 public:
  GpuBatch(GpuRank& rank, const CallShape& shape, InputKind kind, std::uint32_t buffers, std::uint64_t first_iteration)
      : rank_(rank), shape_(shape), first_(first_iteration), buffers_(buffers) {
    const auto take = [&](std::uint64_t bytes) { return memory_.emplace_back(rank.driver, bytes).address(); };
    view_ = lay_out_batch(shape, buffers, 256, take);
    view_.seed = 7;
    view_.kind = kind;
    view_.state = take(sizeof(BatchState));
    view_.report = take(sizeof(VerifyReport));
    rank.stream.fill(view_.report, 0, sizeof(VerifyReport) / 4);
    rank.stream.copy(to_pointer(view_.state), &first_, sizeof(first_));
    rank.kernels.fill_constants(rank.stream, view_, check_call());
    rank.kernels.fill_inputs(rank.stream, view_, check_call());
  }

  const BatchView& view() const { return view_; }

  /// Enqueues iteration `i` of the ring.
  void launch(std::uint64_t i) {
    const std::uint64_t iteration = first_ + i % buffers_;
    if (shape_.in_place) {
      rank_.stream.copy(to_pointer(view_.output(OutputKind::allreduce, iteration)), to_pointer(view_.input(iteration)),
                        shape_.message_bytes());
    }
    rank_.kernels.allreduce(rank_.stream, call_on(view_, iteration, shape_, rank_.workspace.view()));
  }

  /// Checks what is in the ring; waits.
  VerifyReport check() {
    rank_.kernels.check(rank_.stream, view_, check_call(), 0);
    VerifyReport report{};
    rank_.stream.copy(&report, to_pointer(view_.report), sizeof(report));
    rank_.stream.synchronize();
    return report;
  }

 private:
  CheckCall check_call() const { return {.shape = shape_, .rank = rank_.rank, .iterations = buffers_}; }

  GpuRank& rank_;
  CallShape shape_;
  std::uint64_t first_;
  std::uint32_t buffers_;
  BatchView view_;
  std::vector<LocalBuffer> memory_;
};

/// Whether a report is complete and right.
inline bool all_right(const VerifyReport& report, const CallShape& shape, std::uint32_t buffers) {
  return report.checked_elements == buffers * elements_to_check(shape) && report.wrong_elements == 0 &&
         report.unwritten_elements == 0 && report.guard_words_overwritten == 0 && report.mismatches == 0;
}

}  // namespace symmbench::test
