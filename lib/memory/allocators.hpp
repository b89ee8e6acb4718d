#pragma once
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "catalog/allocators.hpp"
#include "memory/handle_facts.hpp"
#include "memory/shared_memory.hpp"

namespace symmbench {

/// What an allocator mode is, beside what the catalogue says of it (names, handle types).
struct AllocatorMode {
  AllocatorKind kind;
  /// The handle type that upstream takes on a rank with these facts, without a trial.
  HandleChoice (*upstream_rule)(const HandleFacts& rank);
  std::unique_ptr<Allocator> (*make)();
  std::unique_ptr<Allocator> (*make_with_multicast)();  ///< nullptr: its memory cannot be bound to a multicast object
};

/// One for each allocator that the catalogue says can run, in its order, which is the order of comparison.
std::span<const AllocatorMode> allocator_modes();

/// @pre the catalogue says that it can run
const AllocatorMode& mode_of(AllocatorKind kind);

/// The kinds of these names, in the given order. @throws Error{config, invalid_argument} naming an unknown one
std::vector<AllocatorKind> allocators_named(std::span<const std::string> names);

/// @throws Error{config, invalid_argument} for an unknown name, and for multicast where the mode has none
std::unique_ptr<Allocator> make_allocator(std::string_view name, MulticastUse multicast = MulticastUse::off);

}  // namespace symmbench
