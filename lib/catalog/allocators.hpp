#pragma once
#include <algorithm>
#include <cstdint>
#include <span>

#include "catalog/catalog.hpp"
#include "catalog/handles.hpp"

namespace symmbench {

enum class AllocatorKind : std::uint8_t { symm_device_memory, torch_symm_mem, libtorch, cuda_ipc };

struct AllocatorRow {
  AllocatorKind value;
  std::string_view name;
  std::string_view short_name;  ///< in tables, where a column must do
  std::string_view about;
  std::span<const HandleType> handles;  ///< what its memory can travel by, the best first
  bool now = true;
};

/// What memory of the virtual-memory calls can travel by.
inline constexpr HandleType kMappedHandles[] = {HandleType::fabric, HandleType::posix_fd};
inline constexpr HandleType kIpcHandles[] = {HandleType::cuda_ipc};

inline constexpr AllocatorRow kAllocators[] = {
    {AllocatorKind::symm_device_memory, "symm_device_memory", "symm",
     "TensorRT-style: one contiguous address range over all ranks", kMappedHandles},
    {AllocatorKind::torch_symm_mem, "torch_symm_mem", "torch",
     "torch.distributed symmetric memory: one address range per peer, signal pad", kMappedHandles},
    {AllocatorKind::libtorch, "libtorch", "libtorch", "PyTorch's own code, opened at run time", kMappedHandles, false},
    {AllocatorKind::cuda_ipc, "cuda_ipc", "ipc", "the control: cudaMalloc and cudaIpcMemHandle, as before 2025",
     kIpcHandles},
};
static_assert(in_enum_order(kAllocators));

constexpr std::string_view name_of(AllocatorKind kind) { return row_of(kAllocators, kind).name; }
constexpr std::optional<AllocatorKind> allocator_from(std::string_view name) { return value_named(kAllocators, name); }

/// Whether memory of this allocator can travel by this handle type.
constexpr bool can_travel_by(AllocatorKind kind, HandleType type) {
  const auto handles = row_of(kAllocators, kind).handles;
  return std::find(handles.begin(), handles.end(), type) != handles.end();
}

}  // namespace symmbench
