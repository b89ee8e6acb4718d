#pragma once
#include <memory>
#include <optional>
#include <string>

#include "bench/allocator_workspace.hpp"
#include "bench/backend.hpp"
#include "bench/phase_clock.hpp"
#include "config/worker_config.hpp"
#include "journal/records.hpp"
#include "memory/allocators.hpp"
#include "memory/handle_policy.hpp"
#include "plan/case_group.hpp"

namespace symmbench {

/// What it takes to bring up one allocator's workspace for a case group, and how it stands afterwards. Collective life.
class AllocatorSetup {
 public:
  AllocatorSetup(WorkerContext& context, const WorkerConfig& config, const CaseGroup& group, std::string allocator,
                 Backend& backend, Stream& stream);

  /// Collective. The part of bring_up() that comes before anything of the workspace is made; once.
  /// @throws as bring_up()
  void choose_handle();
  /// Collective. Resolves the handle, then creates the workspace and the bench's own segment. Leaves the run without a
  /// workspace when no handle can be used: handle().reason says why. `clock` hears the workspace's phases only.
  /// @throws PhaseFailed, or Error{comm} when the ranks lost each other
  void bring_up(PhaseClock& clock);
  /// The same, but what all ranks agreed on is kept as failure(), and not thrown.
  void try_bring_up(PhaseClock& clock);
  /// Collective. One more workspace by the same allocator, handle and layout, beside the one that stands, which the
  /// caller closes. @pre ready().workspace. @throws as bring_up()
  std::unique_ptr<Workspace> another_workspace(PhaseClock& clock);
  /// Whether this allocator's workspaces can be given other memory at the same addresses.
  bool reattaches() const { return allocator_->reattaches(); }
  /// Collective. Does that, with one that this setup made. @throws PhaseFailed, after that one was closed
  void reattach(Workspace& workspace, PhaseClock& clock);
  /// Collective. @throws PhaseFailed{close}
  void close(PhaseClock& clock);

  const std::optional<Failure>& failure() const { return failure_; }
  /// No workspace: there is none.
  AllocatorWorkspace ready() const { return {allocator_name_, workspace_.get(), bench_.get()}; }
  /// Device memory that each workspace takes of this rank. @pre a handle was chosen
  std::uint64_t workspace_bytes() const;
  Json handle() const;  ///< {asked, used, reason}
  /// How often the ranks had to begin again because the driver was not ready (802); events tell of each.
  std::uint64_t retries() const { return retries_; }
  /// Writes a HandleTrialRecord for each type that bring_up() tried. Bring-ups of a group that is repeated try the same
  /// types: told once, so that a journal does not grow with their number.
  void tell_trials() const;
  /// The WorkspaceRecord of this bring-up: segments, driver calls, differences from upstream.
  WorkspaceRecord record() const;

 private:
  void create_workspace(PhaseClock& clock);
  void create_bench_segment();
  void tell_retry(const Failure& failure);

  WorkerContext& context_;
  const WorkerConfig& config_;
  const CaseGroup& group_;
  std::string allocator_name_;
  Backend& backend_;
  Stream& stream_;
  std::unique_ptr<Allocator> allocator_;
  std::unique_ptr<Allocator> bench_allocator_;  ///< of what needs no multicast; null: the same one
  HandleDecision handle_;
  bool handle_chosen_ = false;
  std::unique_ptr<Workspace> workspace_;
  std::unique_ptr<BenchSegment> bench_;
  std::vector<CallCount> calls_;
  std::optional<Failure> failure_;
  std::uint64_t retries_ = 0;
};

}  // namespace symmbench
