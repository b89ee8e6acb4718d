#pragma once
#include <cstdint>
#include <span>

#include "kernels/kernel_set.hpp"
#include "kernels/launch_rows.hpp"

namespace symmbench::host {

/// Runs block `block` of `blocks` of one collective call of this rank.
using RunBlock = void (*)(const AllreduceCall& call, const WorkspaceView& view, std::uint32_t block,
                          std::uint32_t blocks);
struct BlockRow {
  LaunchKey key;
  RunBlock run;
};

/// The rows of one element type; instantiated in one translation unit each (blocks_<dtype>.cpp), since they take long to
/// compile.
template <class T>
std::span<const BlockRow> rows_of_type();

/// Those of the mnnvl workspace, of all types (blocks_mnnvl.cpp).
std::span<const BlockRow> mnnvl_rows();

/// Those of the trtllm workspace (blocks_trtllm.cpp).
std::span<const BlockRow> trtllm_rows();

/// All of them: what the emulated device can run.
std::span<const BlockRow> launch_table();

}  // namespace symmbench::host
