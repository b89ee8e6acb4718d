#pragma once
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/json.hpp"
#include "job/agreement.hpp"

namespace symmbench {

/// The variable by which an environment forbids multicast, with its value, "NCCL_NVLS_ENABLE=0"; nullopt: none does. A
/// value that is not plainly the contrary forbids it too. `variable`: getenv.
std::optional<std::string> multicast_veto(const std::function<const char*(const char*)>& variable);

/// The ranks' vote: one veto is enough. Who has it, and how many of how many; nullopt: nobody. `ranks`: by rank.
std::optional<std::string> multicast_veto(std::span<const RankIntent> ranks);

/// The first rank, its host, whose device of this kind has no multicast, or did not say; nullopt: all have it.
/// `rank_facts`: one RankFacts record per rank.
std::optional<std::string> multicast_missing(const std::vector<Json>& rank_facts, const std::string& kind);

}  // namespace symmbench
