#pragma once
#include <optional>
#include <span>
#include <string_view>

#include "comm/collective_phase.hpp"
#include "memory/handle_policy.hpp"

namespace symmbench {

/// Not collective: what keeps this process from creating, exporting and importing one granule, nullopt when it can; what
/// torch's rule goes by where this rank's device is the first (else HandleFacts::first_device_test).
std::optional<Failure> self_test(Driver& driver, HandleType type);

/// Not collective: local_handle_facts() with the self test of fabric handles.
HandleFacts tested_handle_facts(Driver& driver, int world_rank);

/// Collective: allocates a small block as `allocator` does, writes to and reads from every peer, gives everything back.
/// Never throws for what is being tried. @throws Error{comm, ...} when the ranks lost each other, or the system refused
/// one of them a call with which they talk
HandleTrial trial_handle(const PhaseContext& context, Driver& driver, AllocatorKind allocator, HandleType type);

/// Collective: gathers the facts, makes the trials that are needed, decides for `allocator`. Under "auto" a type is also
/// tried with those of `compared` that can travel by it, so that all are given the same. Under "upstream" the self test
/// is made here unless `mine` has its result.
HandleDecision resolve_handle(const PhaseContext& context, Driver& driver, std::string_view asked,
                              AllocatorKind allocator, std::span<const AllocatorKind> compared, HandleFacts mine);

}  // namespace symmbench
