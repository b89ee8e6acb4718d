#pragma once
#include <memory>
#include <span>

#include "workspace/workspace.hpp"

namespace symmbench {

/// What the mnnvl workspace does otherwise than upstream whichever allocator backs it.
std::span<const Difference> mnnvl_differences();

/// As WorkspaceRow::make. One segment of three Lamport buffers.
std::unique_ptr<Workspace> make_mnnvl_workspace(const PhaseContext& context, Allocator& allocator, Driver& driver,
                                                Stream& stream, KernelSet& kernels, const WorkspaceSpec& spec);

}  // namespace symmbench
