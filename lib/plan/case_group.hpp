#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "plan/case.hpp"
#include "workspace/message_capacity.hpp"

namespace symmbench {

enum class GroupKind { measure, lifecycle, library };

/// What one worker does: cases that share workspace, transport, handle asked, group size and allocators. The workspace
/// is sized once for all cases that can run; where none can, cases have their `skip` and no worker is needed. A
/// lifecycle group holds one allocator and no cases: its one item, named as the group is, is repeated. A library group holds
/// the cases of a reference, which brings its own buffers: no workspace (the capacity is empty), one "allocator" of the
/// reference's name.
struct CaseGroup {
  GroupKind kind = GroupKind::measure;
  /// "measure/trtllm_fusion/unicast/auto", "lifecycle/trtllm_fusion/unicast/auto/torch_symm_mem", "library/nccl"
  std::string id;
  WorkspaceKind workspace = WorkspaceKind::trtllm_fusion;  ///< unused by a library group
  TransportKind transport = TransportKind::unicast;
  std::string handle_asked;
  std::vector<std::string> allocators;  ///< resolved: "upstream" is already one of the others
  MessageCapacity capacity;             ///< of all cases that can run; a lifecycle group's of those it stands for
  std::vector<Case> cases;
  std::uint64_t lifecycles = 0;  ///< rounds, at least
  double soak_s = 0;             ///< and until so much time has passed
  bool fresh = false;            ///< a worker does one round and leaves the rest to another
  std::uint64_t concurrent = 1;  ///< workspaces that are alive at once in a round
  bool reattach = false;         ///< workspaces get other memory at their addresses in a round, where that is possible
  bool pressure = false;         ///< most of the device's memory is taken in a round
};

}  // namespace symmbench
