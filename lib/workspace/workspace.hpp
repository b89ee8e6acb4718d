#pragma once
#include <memory>
#include <optional>
#include <vector>

#include "catalog/workspaces.hpp"
#include "device/stream.hpp"
#include "kernels/kernel_set.hpp"
#include "memory/shared_memory.hpp"
#include "workspace/give_up.hpp"
#include "workspace/message_capacity.hpp"
#include "workspace/segment_set.hpp"

namespace symmbench {

struct WorkspaceSpec {
  WorkspaceKind kind = WorkspaceKind::trtllm_fusion;
  TransportKind transport = TransportKind::unicast;  ///< multicast: its allocator is made with MulticastUse::on
  MessageCapacity capacity;
  HandleType handle = HandleType::posix_fd;
  GiveUp give_up;
};

/// The memory that collectives of one group run on: symmetric segments, and what each rank keeps beside them. Which
/// there are stands in workspaces.hpp. Collective life: create(), kernels, close(). A half-built workspace cleans up
/// after itself; destruction without close() cleans up this rank only and says so.
class Workspace {
 public:
  /// Collective. Phases create ... map by the allocator, then init (patterns, rank state, device synchronize, barrier)
  /// and verify (ownership test over every pair of ranks, pattern scan, canaries).
  /// @throws PhaseFailed with the failing phase; capacity and group checks come before anything is allocated
  static std::unique_ptr<Workspace> create(const PhaseContext& context, Allocator& allocator, Driver& driver,
                                           Stream& stream, KernelSet& kernels, const WorkspaceSpec& spec);
  virtual ~Workspace() = default;

  virtual const WorkspaceView& view() const = 0;
  virtual std::vector<SegmentFacts> facts() const = 0;

  /// Call after synchronize(): what a kernel wait that reached its limit left behind, in world ranks, or nullopt.
  virtual std::optional<Failure> gave_up() const = 0;

  /// @throws Error{workspace, corrupted} naming segment, owner and first overwritten offset. Not collective.
  virtual void check_canaries() = 0;

  /// Collective. Puts segments and rank state back to their start state, as after create().
  virtual void reset(const PhaseContext& context) = 0;

  /// Collective. Other physical memory at the same addresses, in its start state; the view stays as it is.
  /// @pre `allocator`, which made it, reattaches. @throws PhaseFailed, after everything was closed
  virtual void reattach(const PhaseContext& context, Allocator& allocator) = 0;

  /// Collective, idempotent: device synchronize, canaries, then the segments' own close.
  virtual void close(const PhaseContext& context) = 0;
};

}  // namespace symmbench
