#pragma once
#include <chrono>
#include <memory>

#include "comm/communicator.hpp"
#include "comm/frame_channel.hpp"
#include "comm/round_messages.hpp"

namespace symmbench {

/// How long a worker waits beyond round_timeout(): the coordinator counts from the first arrival and its answer travels
/// over two hops, so whoever waits longer than this waits for a supervisor that does not answer at all.
inline constexpr std::chrono::seconds kAnswerMargin{5};

/// The worker's communicator: each round goes as one kRoundContribute frame to its supervisor and comes back as one
/// kRoundResult. Frames of other kinds that come meanwhile stay in the channel for whoever reads it next.
class SupervisedCommunicator final : public Communicator {
 public:
  /// `channel` is not owned and must outlive this and all its splits. `scope` is the group this worker belongs to, as
  /// its supervisor said. @pre scope.has(own_world_rank)
  SupervisedCommunicator(FrameChannel& channel, const RoundScope& scope, int own_world_rank,
                         std::chrono::nanoseconds step_timeout, std::chrono::nanoseconds margin = kAnswerMargin);

  int rank() const override { return static_cast<int>(cursor_.scope().index_of(own_world_rank_).value()); }
  int size() const override { return static_cast<int>(cursor_.scope().size); }
  int world_rank(int group_rank) const override {
    return cursor_.scope().rank_at(static_cast<std::uint32_t>(group_rank));
  }
  std::chrono::nanoseconds step_timeout() const override { return step_timeout_; }

  /// Also @throws Error{comm, timed_out} without a peer when the supervisor does not answer, and Error{comm,
  /// peer_failed} without a peer when it is gone: the worker should leave then.
  std::vector<Blob> allgather(std::string_view step, std::span<const std::byte> mine) override;
  std::unique_ptr<Communicator> split(int group_size) override;
  std::unique_ptr<Communicator> among(std::span<const int> group_ranks, std::uint64_t which) override;

 private:
  FrameChannel& channel_;
  RoundCursor cursor_;
  int own_world_rank_;
  std::chrono::nanoseconds step_timeout_;
  std::chrono::nanoseconds margin_;
};

}  // namespace symmbench
