#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "catalog/workspaces.hpp"
#include "workspace/message_capacity.hpp"
#include "workspace/segment_set.hpp"
#include "workspace/workspace.hpp"

namespace symmbench {

/// What one kind of workspace is. The table of them is all that the rest of the program knows about any.
struct WorkspaceRow {
  WorkspaceKind kind;
  std::span<const TransportKind> transports;  ///< that its kernels have

  /// The segments of a workspace that holds `capacity`, in the order in which they are allocated; 1 to kMaxSegments.
  /// @pre no problem with the capacity
  std::vector<SegmentRequest> (*segments)(const MessageCapacity& capacity);

  /// Why a call does not fit a workspace that was made for `capacity`, with the figures, or nullopt. Sizes only:
  /// whether the kernels know the call at all is KernelSet::unsupported(). @pre what capacity_problem() below checks
  std::optional<std::string> (*capacity_problem)(const MessageCapacity& capacity, const CallShape& shape);

  /// What it does otherwise than upstream whichever allocator backs it; what an allocator does otherwise is
  /// Allocator::differences(). For `list` and the report.
  std::span<const Difference> (*differences)();

  /// Collective: as Workspace::create(), after its checks.
  std::unique_ptr<Workspace> (*make)(const PhaseContext& context, Allocator& allocator, Driver& driver, Stream& stream,
                                     KernelSet& kernels, const WorkspaceSpec& spec);
};

/// @pre a kind that this version has
const WorkspaceRow& workspace_row(WorkspaceKind kind);

/// Physical bytes that one rank's workspace takes with `allocator`, control block and tables not counted.
std::uint64_t workspace_bytes(WorkspaceKind kind, const MessageCapacity& capacity, const Allocator& allocator,
                              std::uint64_t granularity);

/// Why a call does not fit a workspace of its kind that was made for `capacity`, with the figures, or nullopt. A
/// reference takes nothing of a workspace.
std::optional<std::string> capacity_problem(const MessageCapacity& capacity, const CallShape& shape);

}  // namespace symmbench
