#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "comm/collective_phase.hpp"
#include "device/driver.hpp"

namespace symmbench {

/// What the choice of a handle type rests on, for one rank. Trivially copyable: ranks gather it as bytes.
/// Unknown is nullopt; the NVML fields are unknown on the host device and wherever NVML does not answer.
struct HandleFacts {
  int world_rank = 0;
  bool posix_fd_supported = false;
  bool fabric_supported = false;    ///< the attribute; proves nothing by itself (TS 0.3)
  std::uint64_t os_image = 0;       ///< equal where descriptors can travel: boot id and network namespace, hashed
  std::optional<int> fabric_state;  ///< NVML: 0 not supported ... 3 completed
  std::optional<std::array<std::uint8_t, 16>> cluster_uuid;
  std::optional<bool> fabric_self_test;  ///< create, export and import one granule in this process (TS 1.3 step 4)
};

/// Whether a handle type really works between these ranks.
struct HandleTrial {
  HandleType type = HandleType::posix_fd;
  bool passed = false;
  std::optional<Failure> failure;  ///< root cause, the same on every rank, when it did not pass
};

/// What was asked for, what will be used, and why; goes into every report row.
struct HandleDecision {
  std::string asked;
  std::optional<HandleType> used;  ///< nullopt: nothing can be used; `reason` says why
  std::string reason;
};

/// "auto", "upstream", "posix_fd", "fabric".
std::span<const std::string_view> handle_choices();

/// The facts that the driver and the operating system give; the NVML fields are the caller's to fill.
HandleFacts local_handle_facts(Driver& driver, int world_rank);

/// Which types to try for `asked`, the best first; a type that the facts already exclude is left out. Trying ends with
/// the first that passes. Empty for "upstream", which never tries.
/// @throws Error{config, invalid_argument} for an unknown choice
std::vector<HandleType> handles_to_try(std::string_view asked, std::span<const HandleFacts> ranks);

/// The decision over everybody's facts and the trials made; pure, so it is the same on every rank.
///   auto      the best type that a trial proved; the same for both allocators
///   posix_fd  that type, if its trial passed
///   fabric
///   upstream  the allocator's own rule, rank by rank, without a trial (FI 5.1 step 4; TS 1.3); nothing when the ranks'
///             choices differ, which upstream would answer with an endless wait
HandleDecision decide_handle(std::string_view asked, std::string_view allocator, std::span<const HandleFacts> ranks,
                             std::span<const HandleTrial> trials);

/// Not collective: whether this process can create, export and import one granule; what torch goes by. (TS 1.3 step 4;
/// torch asks device 0 whatever the device, here it is this rank's own)
bool self_test(Driver& driver, HandleType type);

/// Collective: creates, exports, exchanges, imports and maps a small block on every rank, writes to and reads from
/// every peer, gives everything back. Never throws for what is being tried.
/// @throws Error{comm, ...} when the ranks lost each other
HandleTrial trial_handle(const PhaseContext& context, Driver& driver, HandleType type);

/// Collective: gathers the facts, makes the trials that are needed, decides. Under "upstream" the self test is made
/// here unless `mine` has its result.
HandleDecision resolve_handle(const PhaseContext& context, Driver& driver, std::string_view asked,
                              std::string_view allocator, HandleFacts mine);

}  // namespace symmbench
