#pragma once
#include <memory>
#include <span>

#include "workspace/workspace.hpp"

namespace symmbench {

/// What the trtllm workspace does otherwise than upstream whichever allocator backs it.
std::span<const Difference> trtllm_differences();

/// As WorkspaceRow::make. Seven segments.
std::unique_ptr<Workspace> make_trtllm_workspace(const PhaseContext& context, Allocator& allocator, Driver& driver,
                                                 Stream& stream, KernelSet& kernels, const WorkspaceSpec& spec);

}  // namespace symmbench
