#pragma once
#include <memory>
#include <string>

#include "bench/backend.hpp"
#include "bench/phase_clock.hpp"
#include "memory/allocators.hpp"
#include "memory/handle_policy.hpp"
#include "plan/case.hpp"
#include "workspace/workspace.hpp"

namespace symmbench {

/// What it takes to bring up one allocator's workspace for a case group, and how it stands afterwards. Collective life.
class WorkspaceBench {
 public:
  WorkspaceBench(WorkerContext& context, const WorkerConfig& config, const CaseGroup& group, std::string allocator,
                 Backend& backend, Stream& stream);

  /// Collective. Resolves the handle and creates the workspace. Leaves workspace() null when no handle can be used:
  /// handle().reason says why. @throws PhaseFailed, or Error{comm} when the ranks lost each other
  void bring_up(PhaseClock& clock);
  /// Collective. @throws PhaseFailed{close}
  void close(PhaseClock& clock);

  Workspace* workspace() { return workspace_.get(); }
  const std::string& allocator() const { return allocator_; }
  Json handle() const;  ///< {asked, used, reason}
  /// The WorkspaceRecord of this bring-up: segments, driver calls, differences from upstream.
  WorkspaceRecord record() const;

 private:
  WorkerContext& context_;
  const WorkerConfig& config_;
  const CaseGroup& group_;
  std::string allocator_;
  Backend& backend_;
  Stream& stream_;
  std::unique_ptr<Allocator> maker_;
  HandleDecision handle_;
  std::unique_ptr<Workspace> workspace_;
  std::vector<CallCount> calls_;
};

/// {asked: "off", used: "off", reason}: this version never uses multicast; with it off or vetoed the worker's
/// environment tells NCCL and torch the same (supervise/).
Json multicast_off();

}  // namespace symmbench
