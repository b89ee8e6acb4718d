#pragma once
#include <array>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "memory/local_buffer.hpp"
#include "workspace/capacity.hpp"
#include "workspace/workspace.hpp"
#include "workspace/zones.hpp"

namespace symmbench {

/// The one Workspace there is so far. Built in steps so that whatever exists at a failure is given back.
class FusionWorkspace final : public Workspace {
 public:
  FusionWorkspace(const Communicator& comm, Driver& driver, Stream& stream, KernelSet& kernels,
                  const WorkspaceSpec& spec);
  ~FusionWorkspace() override;
  FusionWorkspace(const FusionWorkspace&) = delete;
  FusionWorkspace& operator=(const FusionWorkspace&) = delete;

  /// Collective: phases create ... verify, as Workspace::create promises; on failure everything built is closed.
  void build(const PhaseContext& context, Allocator& allocator);

  const WorkspaceView& view() const override { return view_; }
  std::vector<SegmentFacts> facts() const override;
  std::optional<std::string> capacity_problem(const CallShape& shape) const override;
  std::optional<Failure> gave_up() const override;
  void check_canaries() override;
  void reset(const PhaseContext& context) override;
  void close(const PhaseContext& context) override;

 private:
  struct Segment {
    SegmentRequest request;
    std::optional<std::uint32_t> pattern;  ///< of every word at the start of a case; nullopt: contents do not matter
    std::unique_ptr<SharedMemory> memory;  ///< null until allocated
  };

  void check_request(const PhaseContext& context, const Allocator& allocator);
  void allocate(const PhaseContext& context, Allocator& allocator);
  void fill_view();
  /// Enqueues patterns, control block, pointer table; clears the give-up record. The caller synchronizes.
  void enqueue_start_state();
  void enqueue_canaries();
  void verify(const PhaseContext& context);
  void enqueue_marks();
  void require_marks();
  void restore_marks();
  void require_patterns();
  /// Closes the segments that exist, whatever fails on the way. @throws the first PhaseFailed; at once what says that
  /// the ranks lost each other
  void close_segments(const PhaseContext& context);

  void warn(std::string_view what) const;
  /// For clean-up: what `step` throws becomes a warning.
  void quietly(const std::function<void()>& step) const;

  DevicePtr own(const Segment& segment) const { return segment.memory->data(view_.rank); }
  DevicePtr mark_address(const Segment& segment, int group_rank, bool last) const;
  std::vector<Zone> canary_zones() const;
  GiveUpRecord* give_up_record() const;

  Driver& driver_;
  Stream& stream_;
  KernelSet& kernels_;
  WorkspaceSpec spec_;
  std::vector<int> world_ranks_;  // index = group rank
  std::array<Segment, kSegments> segments_;
  LocalBuffer control_, pointer_table_, marks_;
  std::optional<ZoneScanner> scanner_;
  WorkspaceView view_;
  // Sources of asynchronous copies.
  ControlBlock control_start_{};
  std::vector<std::uint64_t> pointer_table_start_;
  bool built_ = false;
  bool closed_ = false;
};

}  // namespace symmbench
