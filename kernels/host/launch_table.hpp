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

/// The rows of one element type: one translation unit each (blocks_<dtype>.cpp), since they take long to compile.
template <DType>
std::span<const BlockRow> rows_of_type();
template <>
std::span<const BlockRow> rows_of_type<DType::fp16>();
template <>
std::span<const BlockRow> rows_of_type<DType::bf16>();
template <>
std::span<const BlockRow> rows_of_type<DType::fp32>();

/// All of them: what the emulated device can run.
std::span<const BlockRow> launch_table();

}  // namespace symmbench::host
