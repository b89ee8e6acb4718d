#pragma once
#include <memory>
#include <span>

#include "workspace/workspace.hpp"

namespace symmbench {

/// What the trtllm_fusion workspace does otherwise than upstream whichever allocator backs it.
std::span<const Difference> fusion_differences();

/// As WorkspaceRow::make. Comm, flags and Lamport segments.
std::unique_ptr<Workspace> make_fusion_workspace(const PhaseContext& context, Allocator& allocator, Driver& driver,
                                                 Stream& stream, KernelSet& kernels, const WorkspaceSpec& spec);

}  // namespace symmbench
