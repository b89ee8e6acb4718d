#pragma once
#include <memory>
#include <span>
#include <vector>

#include "workspace/segment_set.hpp"
#include "workspace/workspace.hpp"

namespace symmbench {

/// What a workspace whose kernels send Lamport packets is made of.
struct LamportParts {
  std::vector<SegmentRequest> segments;  ///< in the order in which they are allocated
  std::span<const int> uses;             ///< what each is for: WorkspaceView::kComm, ...
  std::uint64_t slot_bytes = 0;          ///< of one of the kLamportSlots slots
};

/// Collective: as Workspace::create(), after its checks. Segments, and beside them, in memory of each rank alone, a
/// control block and the table of all addresses.
std::unique_ptr<Workspace> make_lamport_workspace(const PhaseContext& context, Allocator& allocator, Driver& driver,
                                                  Stream& stream, KernelSet& kernels, const WorkspaceSpec& spec,
                                                  const LamportParts& parts);

}  // namespace symmbench
