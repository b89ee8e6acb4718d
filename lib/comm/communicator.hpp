#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "core/clock.hpp"
#include "core/rank_groups.hpp"

namespace symmbench {

using Blob = std::vector<std::byte>;

/// Steps so named are votes: a rank may come to a vote straight from a failure, past rounds in which the others still
/// wait. Those rounds then end at once with peer_failed, and everybody meets at the vote (comm/rounds.hpp).
inline constexpr std::string_view kVoteSuffix = ": vote";
constexpr bool is_vote(std::string_view step) { return step.ends_with(kVoteSuffix); }

/// Seam 3. How the ranks of one group talk while they set memory up. There is one primitive, a gather to all, because
/// everything else is made of it and because one kind of round can be bounded, tagged and explained in one place.
///
/// Ranks here are *group* ranks, 0 ... size()-1; world_rank() translates, and failures always name world ranks.
class Communicator {
 public:
  virtual ~Communicator() = default;

  virtual int rank() const = 0;
  virtual int size() const = 0;
  virtual int world_rank(int group_rank) const = 0;

  /// Collective over the group, in the same order on every rank: everybody's bytes, in rank order.
  /// `step` names the round ("map: vote"); ranks that meet under different names are told so.
  /// @throws Error{comm, timed_out} naming the first rank that did not come within the step's time;
  ///         Error{comm, peer_failed} naming the rank that died or gave up;
  ///         Error{comm, disagreement} when ranks are at different steps
  virtual std::vector<Blob> allgather(std::string_view step, std::span<const std::byte> mine) = 0;

  /// Collective. Contiguous groups of group_size ranks, each a communicator of its own; outlived by this one.
  /// @throws Error{comm, invalid_argument} unless group_size divides size()
  virtual std::unique_ptr<Communicator> split(int group_size) = 0;

  /// Collective over these members alone: ascending group ranks, the own one among them, as a communicator of its own;
  /// outlived by this one. `which`: the same number on all of them, and of no other call on this communicator.
  /// @throws Error{comm, invalid_argument} for ranks that do not ascend, or without the own
  virtual std::unique_ptr<Communicator> among(std::span<const int> group_ranks, std::uint64_t which) = 0;

  /// How long one step may take before its wait is given up (a vote: twice as long).
  virtual std::chrono::nanoseconds step_timeout() const = 0;
};

/// Which of the job's groups of ranks this is. @pre the whole job or one of its groups
inline int group_index(const Communicator& comm) { return group_of_rank(comm.world_rank(0), comm.size()); }

/// World rank by group rank.
inline std::vector<int> world_ranks_of(const Communicator& comm) {
  std::vector<int> ranks;
  for (int r = 0; r < comm.size(); ++r) ranks.push_back(comm.world_rank(r));
  return ranks;
}

/// Collective: nobody leaves before everybody came.
inline void barrier(Communicator& comm, std::string_view step) { comm.allgather(step, {}); }

/// @throws Error{comm, disagreement} naming the first rank whose blob is not `expected_bytes` long
void check_blob_sizes(const Communicator& comm, std::string_view step, std::span<const Blob> blobs,
                      std::size_t expected_bytes);

/// Of values by rank: where the one is that differs from all others, which agree; nullopt unless there is exactly one.
template <class T>
std::optional<int> odd_one_out(const std::vector<T>& values) {
  if (values.size() < 3) return std::nullopt;
  const T& common = values[0] == values[1] || values[0] == values[2] ? values[0] : values[1];
  std::optional<int> odd;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (values[i] == common) continue;
    if (odd) return std::nullopt;
    odd = static_cast<int>(i);
  }
  return odd;
}

/// Collective: one trivially copyable value from each rank, in rank order.
template <class T>
std::vector<T> allgather_value(Communicator& comm, std::string_view step, const T& mine) {
  static_assert(std::is_trivially_copyable_v<T>);
  const auto blobs = comm.allgather(step, std::as_bytes(std::span(&mine, 1)));
  check_blob_sizes(comm, step, blobs, sizeof(T));
  std::vector<T> values(blobs.size());
  for (std::size_t i = 0; i < blobs.size(); ++i) std::memcpy(&values[i], blobs[i].data(), sizeof(T));
  return values;
}

/// Collective: one string from each rank, in rank order.
std::vector<std::string> allgather_text(Communicator& comm, std::string_view step, std::string_view mine);

}  // namespace symmbench
