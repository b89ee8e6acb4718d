#pragma once
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "catalog/allocators.hpp"
#include "core/error.hpp"
#include "memory/handle_facts.hpp"

namespace symmbench {

/// Whether memory of an allocator really reaches all these ranks by a handle type.
struct HandleTrial {
  AllocatorKind allocator = AllocatorKind::symm_device_memory;
  HandleType type = HandleType::posix_fd;
  bool passed = false;
  std::optional<Failure> failure;     ///< root cause, the same on every rank, when it did not pass
  std::vector<Failure> retried = {};  ///< after which it was tried again: the driver was not ready
};

/// What was asked for, what will be used, and why; goes into every report row.
struct HandleDecision {
  std::string asked;
  std::optional<HandleType> used;  ///< nullopt: nothing can be used; `reason` says why
  std::string reason;
  std::vector<HandleTrial> trials = {};  ///< that were made for it
};

/// Which types to try for `asked` with memory of `allocator`, the best first; a type that the facts already exclude is
/// left out. Empty for "upstream", which never tries, and where the allocator cannot do what was asked.
/// @throws Error{config, invalid_argument} for an unknown choice
std::vector<HandleType> handles_to_try(std::string_view asked, AllocatorKind allocator,
                                       std::span<const HandleFacts> ranks);

/// Whether every trial of `type` that was made passed, the one with `allocator` among them: what trying ends with.
bool proved_for_all(HandleType type, AllocatorKind allocator, std::span<const HandleTrial> trials);

/// The decision over everybody's facts and the trials made; pure, so it is the same on every rank.
///   auto      of the allocator's types the best that trials proved; where other allocators were tried too, the best
///             that all of them can use, so that they are compared by the same type
///   a type    that one, if the allocator can travel by it and its trial passed
///   upstream  the allocator's own rule, rank by rank, without a trial; nothing when the ranks' choices differ, which
///             upstream would answer with an endless wait, and when the one type that cuda_ipc has cannot work
HandleDecision decide_handle(std::string_view asked, AllocatorKind allocator, std::span<const HandleFacts> ranks,
                             std::span<const HandleTrial> trials);

}  // namespace symmbench
