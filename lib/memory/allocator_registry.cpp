#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/error.hpp"
#include "memory/shared_memory.hpp"
#include "memory/symm_device_memory.hpp"
#include "memory/torch_symm_mem.hpp"

namespace symmbench {
namespace {

constexpr std::string_view kNames[] = {"symm_device_memory", "torch_symm_mem"};

}  // namespace

std::span<const std::string_view> allocator_names() { return kNames; }

std::unique_ptr<Allocator> make_allocator(std::string_view name) {
  if (name == kNames[0]) return std::make_unique<SymmDeviceMemory>();
  if (name == kNames[1]) return std::make_unique<TorchSymmMem>();
  throw Error({.layer = Layer::config,
               .reason = Reason::invalid_argument,
               .detail = fmt::format("unknown allocator '{}': known are {}", name, fmt::join(kNames, ", "))});
}

}  // namespace symmbench
