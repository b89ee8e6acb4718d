#pragma once
#include <poll.h>

#include <algorithm>
#include <chrono>
#include <vector>

#include "comm/frame_channel.hpp"
#include "comm/message_kinds.hpp"
#include "comm/rounds.hpp"

namespace symmbench::test {

/// Supervisors and coordinator in one loop: answers the rounds of workers at the other ends of `channels`, where
/// channel i belongs to rank i. A worker whose channel closes is declared dead. For tests of the worker's side.
class Relay {
 public:
  Relay(std::vector<FrameChannel> channels, std::chrono::nanoseconds step_timeout)
      : channels_(std::move(channels)), table_(step_timeout) {
    table_.open_attempt(0, 0);
  }

  /// Until every worker has closed its channel.
  void run() {
    std::vector<bool> gone(channels_.size());
    std::size_t alive = channels_.size();
    while (alive > 0) {
      wait(gone);
      for (std::size_t rank = 0; rank < channels_.size(); ++rank) {
        if (gone[rank]) continue;
        while (auto frame = channels_[rank].try_receive()) {
          if (frame->kind == kRoundContribute) {
            answer(table_.contribute(decode_contribution(frame->payload), Clock::now()));
          }
        }
        if (!channels_[rank].closed()) continue;
        gone[rank] = true;
        --alive;
        answer(table_.fail(0, 0, static_cast<int>(rank),
                           {.layer = Layer::worker, .reason = Reason::exited, .detail = "closed its channel"}));
      }
      answer(table_.expired(Clock::now()));
    }
  }

 private:
  void wait(const std::vector<bool>& gone) {
    std::vector<pollfd> waits;
    for (std::size_t rank = 0; rank < channels_.size(); ++rank) {
      if (gone[rank]) continue;
      channels_[rank].flush();
      const short events = channels_[rank].wants_write() ? POLLIN | POLLOUT : POLLIN;
      waits.push_back({.fd = channels_[rank].fd(), .events = events, .revents = 0});
    }
    const auto deadline = table_.next_deadline();
    const auto left = deadline ? std::chrono::ceil<std::chrono::milliseconds>(*deadline - Clock::now()).count() : 1000;
    ::poll(waits.data(), waits.size(), static_cast<int>(std::clamp<long>(left, 0, 1000)));
  }

  void answer(const std::vector<Answer>& answers) {
    for (const Answer& each : answers) {
      const Blob bytes = encode(RoundResult{each.round, each.outcome});
      for (const int rank : each.to) channels_[rank].queue(kRoundResult, bytes);
    }
  }

  std::vector<FrameChannel> channels_;
  RoundTable table_;
};

}  // namespace symmbench::test
