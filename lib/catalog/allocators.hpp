#pragma once
#include <cstdint>

#include "catalog/catalog.hpp"

namespace symmbench {

enum class AllocatorKind : std::uint8_t { symm_device_memory, torch_symm_mem, libtorch, cuda_ipc };

struct AllocatorRow {
  AllocatorKind value;
  std::string_view name;
  std::string_view short_name;  ///< in tables, where a column must do
  std::string_view about;
  bool now = true;
};

inline constexpr AllocatorRow kAllocators[] = {
    {AllocatorKind::symm_device_memory, "symm_device_memory", "symm",
     "TensorRT-style: one contiguous address range over all ranks"},
    {AllocatorKind::torch_symm_mem, "torch_symm_mem", "torch",
     "torch.distributed symmetric memory: one address range per peer, signal pad"},
    {AllocatorKind::libtorch, "libtorch", "libtorch", "PyTorch's own code, opened at run time", false},
    {AllocatorKind::cuda_ipc, "cuda_ipc", "ipc", "the control: cudaMalloc and cudaIpcMemHandle, as before 2025", false},
};
static_assert(in_enum_order(kAllocators));

constexpr std::string_view name_of(AllocatorKind kind) { return row_of(kAllocators, kind).name; }
constexpr std::optional<AllocatorKind> allocator_from(std::string_view name) { return value_named(kAllocators, name); }

}  // namespace symmbench
