#pragma once
#include <span>
#include <vector>

#include "memory/local_buffer.hpp"
#include "workspace/segment_set.hpp"
#include "workspace/workspace.hpp"

namespace symmbench {

/// What the trtllm_fusion workspace does otherwise than upstream whichever allocator backs it.
std::span<const Difference> fusion_differences();

/// As WorkspaceRow::make.
std::unique_ptr<Workspace> make_fusion_workspace(const PhaseContext& context, Allocator& allocator, Driver& driver,
                                                 Stream& stream, KernelSet& kernels, const WorkspaceSpec& spec);

/// trtllm_fusion: comm, flags and Lamport segments; beside them a control block and the table of all addresses.
class FusionWorkspace final : public Workspace {
 public:
  FusionWorkspace(const Communicator& comm, Driver& driver, Stream& stream, KernelSet& kernels,
                  const WorkspaceSpec& spec);
  /// Collective: as Workspace::create.
  void create(const PhaseContext& context, Allocator& allocator, HandleType handle);

  const WorkspaceView& view() const override { return view_; }
  std::vector<SegmentFacts> facts() const override { return segments_.facts(); }
  std::optional<Failure> gave_up() const override { return give_up_.failure(world_ranks_); }
  void check_canaries() override { segments_.check_canaries(); }
  void reset(const PhaseContext& context) override { segments_.reset(context); }
  void close(const PhaseContext& context) override { segments_.close(context); }

 private:
  void allocate_local();
  void fill_view();
  void enqueue_start();
  void close_local();

  Driver& driver_;
  Stream& stream_;
  GiveUp give_up_;
  std::vector<int> world_ranks_;  ///< index = group rank
  std::uint64_t slot_bytes_;
  WorkspaceView view_;
  // Sources of asynchronous copies.
  ControlBlock control_start_{};
  std::vector<std::uint64_t> pointer_table_start_;
  LocalBuffer control_, pointer_table_;
  SegmentSet segments_;  ///< last: it waits for work that still uses what is above
};

}  // namespace symmbench
