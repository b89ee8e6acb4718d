#include "memory/allocators.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/error.hpp"
#include "memory/cuda_ipc.hpp"
#include "memory/symm_device_memory.hpp"
#include "memory/torch_symm_mem.hpp"

namespace symmbench {
namespace {

template <class A, MulticastUse... kMulticast>
std::unique_ptr<Allocator> make() {
  return std::make_unique<A>(kMulticast...);
}

constexpr AllocatorMode kModes[] = {
    {AllocatorKind::symm_device_memory, SymmDeviceMemory::upstream_rule, make<SymmDeviceMemory>,
     make<SymmDeviceMemory, MulticastUse::on>},
    {AllocatorKind::torch_symm_mem, TorchSymmMem::upstream_rule, make<TorchSymmMem>,
     make<TorchSymmMem, MulticastUse::on>},
    {AllocatorKind::cuda_ipc, CudaIpc::upstream_rule, make<CudaIpc>, nullptr},
};
static_assert(one_for_each_now(kAllocators, kModes));

const AllocatorMode& mode_named(std::string_view name) {
  if (const auto kind = allocator_from(name)) return mode_of(*kind);
  std::vector<std::string_view> known;
  for (const auto& mode : kModes) known.push_back(name_of(mode.kind));
  throw Error({.layer = Layer::config,
               .reason = Reason::invalid_argument,
               .detail = fmt::format("unknown allocator '{}': known are {}", name, fmt::join(known, ", "))});
}

}  // namespace

std::span<const AllocatorMode> allocator_modes() { return kModes; }

const AllocatorMode& mode_of(AllocatorKind kind) {
  for (const auto& mode : kModes) {
    if (mode.kind == kind) return mode;
  }
  throw Error({.layer = Layer::memory,
               .reason = Reason::not_supported,
               .detail = fmt::format("allocator '{}' is not in this version", name_of(kind))});
}

std::vector<AllocatorKind> allocators_named(std::span<const std::string> names) {
  std::vector<AllocatorKind> kinds;
  for (const auto& name : names) kinds.push_back(mode_named(name).kind);
  return kinds;
}

std::unique_ptr<Allocator> make_allocator(std::string_view name, MulticastUse multicast) {
  const auto& mode = mode_named(name);
  if (multicast == MulticastUse::off) return mode.make();
  if (mode.make_with_multicast != nullptr) return mode.make_with_multicast();
  throw Error({.layer = Layer::config,
               .reason = Reason::invalid_argument,
               .detail = fmt::format("allocator '{}' has no multicast", name)});
}

}  // namespace symmbench
