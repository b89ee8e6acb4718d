#pragma once
#include <chrono>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "comm/communicator.hpp"
#include "core/error.hpp"

namespace symmbench {

/// Which communicator a round belongs to. A round says all that the coordinator must know about its members, so that no
/// group has to be registered anywhere: most are `size` consecutive world ranks.
struct RoundScope {
  std::uint32_t group = 0;       ///< case group that runs, as the supervisors count them
  std::uint32_t attempt = 0;     ///< how often that group was started anew before; older attempts are dead
  std::uint64_t lineage = 0;     ///< 0: the worker's first communicator; else which split of which one made this
  std::uint32_t first_rank = 0;  ///< world rank of the first member
  std::uint32_t size = 1;
  std::vector<std::uint32_t> members = {};  ///< ascending world ranks, `size` of them; empty: consecutive ones

  bool has(int world_rank) const { return index_of(world_rank).has_value(); }
  /// World rank of the member with this group rank.
  int rank_at(std::uint32_t index) const {
    return static_cast<int>(members.empty() ? first_rank + index : members[index]);
  }
  /// Group rank of a world rank; nullopt: no member.
  std::optional<std::uint32_t> index_of(int world_rank) const;
  friend auto operator<=>(const RoundScope&, const RoundScope&) = default;
};

/// One round. `epoch` counts the votes before it and `index` the rounds since the last vote, so that a rank whose phase
/// failed half-way goes straight to the vote and still meets the others there.
struct RoundId {
  RoundScope scope;
  std::uint32_t epoch = 0;
  std::uint32_t index = 0;  ///< kVoteIndex for the vote that ends the epoch

  friend auto operator<=>(const RoundId&, const RoundId&) = default;
};

inline constexpr std::uint32_t kVoteIndex = 0xffffffff;

/// How long a round stays open after the first arrival. A vote gets twice the step's time: the first voter may have
/// failed at once, while others, still inside the phase, have just begun a wait that is bounded by the step's time.
constexpr std::chrono::nanoseconds round_timeout(std::chrono::nanoseconds step_timeout, std::string_view step) {
  return is_vote(step) ? 2 * step_timeout : step_timeout;
}

/// Numbers the rounds of one communicator on one rank; every rank counts alike because the calls are collective.
class RoundCursor {
 public:
  explicit RoundCursor(const RoundScope& scope) : scope_(scope) {}

  const RoundScope& scope() const { return scope_; }
  /// The id of the round that `step` is about to hold; is_vote(step) ends the epoch.
  RoundId next(std::string_view step);
  /// Collective: the contiguous part of `group_size` members that holds `world_rank`. @pre group_size divides size
  RoundScope split(int world_rank, int group_size);
  /// The members with these group ranks, ascending; `which` is the caller's number for them.
  /// @throws Error{comm, invalid_argument} unless they ascend within the scope and `world_rank` is among them
  RoundScope among(int world_rank, std::span<const int> group_ranks, std::uint64_t which) const;

 private:
  RoundScope scope_;
  std::uint32_t epoch_ = 0;
  std::uint32_t index_ = 0;
  std::uint64_t splits_ = 0;
};

/// What one rank brings to a round.
struct Contribution {
  RoundId round;
  int rank = 0;      ///< world rank
  std::string step;  ///< name of the step, compared between the ranks
  Blob payload;
};

/// Every member's payload in rank order, or why there is none.
using RoundOutcome = std::variant<std::vector<Blob>, Failure>;

/// What a member gets back.
struct RoundResult {
  RoundId round;
  RoundOutcome outcome;
};

/// The payloads, or the failure as an exception on the rank that heard it.
/// @throws Error{comm, ...} with `own_world_rank` as its rank
std::vector<Blob> blobs_or_throw(RoundOutcome outcome, int own_world_rank);

/// What every split() begins with: all members must ask for the same size, and it must divide.
/// @throws Error{comm, invalid_argument}; Error{comm, disagreement}
void check_split(Communicator& comm, int group_size);

Blob encode(const Contribution& contribution);
Blob encode(const RoundResult& result);
/// @throws Error{comm, corrupted}
Contribution decode_contribution(std::span<const std::byte> message);
/// @throws Error{comm, corrupted}
RoundResult decode_result(std::span<const std::byte> message);

}  // namespace symmbench
