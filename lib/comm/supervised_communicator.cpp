#include "comm/supervised_communicator.hpp"

#include <fmt/format.h>

#include "comm/message_kinds.hpp"

namespace symmbench {

SupervisedCommunicator::SupervisedCommunicator(FrameChannel& channel, const RoundScope& scope, int own_world_rank,
                                               std::chrono::nanoseconds step_timeout, std::chrono::nanoseconds margin)
    : channel_(channel),
      cursor_(scope),
      own_world_rank_(own_world_rank),
      step_timeout_(step_timeout),
      margin_(margin) {}

std::vector<Blob> SupervisedCommunicator::allgather(std::string_view step, std::span<const std::byte> mine) {
  const Contribution contribution{.round = cursor_.next(step),
                                  .rank = own_world_rank_,
                                  .step = std::string(step),
                                  .payload = Blob(mine.begin(), mine.end())};
  const auto deadline = Deadline::in(round_timeout(step_timeout_, step) + margin_);
  try {
    channel_.send(kRoundContribute, encode(contribution), deadline);
    while (true) {
      RoundResult result = decode_result(channel_.receive_kind(kRoundResult, deadline).payload);
      // An answer that came after its round was given up here belongs to nobody.
      if (result.round == contribution.round) return blobs_or_throw(std::move(result.outcome), own_world_rank_);
    }
  } catch (const Error& error) {
    Failure failure = error.failure();
    if (failure.rank) throw;  // the round's own failure
    failure.rank = own_world_rank_;
    failure.detail = fmt::format("step '{}': {}", step, failure.detail);
    throw Error(std::move(failure));
  }
}

std::unique_ptr<Communicator> SupervisedCommunicator::split(int group_size) {
  check_split(*this, group_size);
  return std::make_unique<SupervisedCommunicator>(channel_, cursor_.split(own_world_rank_, group_size), own_world_rank_,
                                                  step_timeout_, margin_);
}

std::unique_ptr<Communicator> SupervisedCommunicator::among(std::span<const int> group_ranks, std::uint64_t which) {
  return std::make_unique<SupervisedCommunicator>(channel_, cursor_.among(own_world_rank_, group_ranks, which),
                                                  own_world_rank_, step_timeout_, margin_);
}

}  // namespace symmbench
