#pragma once
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "device/stream.hpp"
#include "kernels/kernel_set.hpp"
#include "memory/shared_memory.hpp"

namespace symmbench {

struct WorkspaceSpec {
  FusionLayout layout;
  HandleType handle = HandleType::posix_fd;
  std::chrono::nanoseconds wait_limit{};    ///< of one wait inside a kernel
  DevicePtr give_up = 0;                    ///< GiveUpRecord in host-visible memory, as kernels address it; 0: none
  GiveUpRecord* give_up_on_host = nullptr;  ///< the same as this process addresses it; null: the address is the same
};

/// One segment of a workspace as the report shows it.
struct SegmentFacts {
  std::string name;  ///< "comm", "flags", "lamport"
  SharedMemoryFacts memory;
};

/// The trtllm_fusion workspace (FI 4): three symmetric segments, pointer table, control block. Between the used bytes
/// of a segment and its end stands a canary zone. Collective life: create(), kernels, close(). A half-built workspace
/// cleans up after itself; destruction without close() cleans up this rank only and says so.
class Workspace {
 public:
  /// Collective. Phases create ... map by the allocator, then init (patterns, flags, control block, device synchronize,
  /// barrier) and verify (ownership test over every pair of ranks, pattern scan, canaries).
  /// @throws PhaseFailed with the failing phase; capacity and group checks come before anything is allocated
  static std::unique_ptr<Workspace> create(const PhaseContext& context, Allocator& allocator, Driver& driver,
                                           Stream& stream, KernelSet& kernels, const WorkspaceSpec& spec);
  virtual ~Workspace() = default;

  virtual const WorkspaceView& view() const = 0;
  virtual std::vector<SegmentFacts> facts() const = 0;

  /// Why `shape` exceeds this workspace, with the figures, or nullopt.
  virtual std::optional<std::string> capacity_problem(const CallShape& shape) const = 0;

  /// Call after synchronize(): what a kernel wait that reached its limit left behind, in world ranks, or nullopt.
  virtual std::optional<Failure> gave_up() const = 0;

  /// @throws Error{workspace, corrupted} naming segment, owner and first overwritten offset. Not collective.
  virtual void check_canaries() = 0;

  /// Collective. Puts flags, Lamport slots and control block back to their start state, as after create().
  virtual void reset(const PhaseContext& context) = 0;

  /// Collective, idempotent: device synchronize, canaries, then the segments' own close.
  virtual void close(const PhaseContext& context) = 0;
};

}  // namespace symmbench
