#pragma once
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "comm/round_messages.hpp"
#include "core/clock.hpp"

namespace symmbench {

/// What to send to whom: one outcome, encoded once, for all ranks in `to`.
struct Answer {
  RoundId round;
  std::string step;
  std::vector<int> to;       ///< world ranks that wait for it, ascending
  std::vector<int> missing;  ///< world ranks that had not come when the round failed; empty when it completed
  RoundOutcome outcome;
};

/// The book-keeping of all rounds, without any I/O: the coordinator on rank 0 feeds it what arrives and sends what it
/// answers; ranks as threads share one under a lock. Not thread-safe.
///
/// A round ends in exactly one of these ways, and every member that comes, however late, is told which:
///  - complete: everybody's payload;
///  - disagreement: two members came under different step names;
///  - peer_failed: a member died (fail()), or went on past this round without taking part: its own phase failed and it
///    is already at the vote. A *vote* does not fail for a dead member: the table casts its ballot, so the survivors
///    learn the cause in the same form as any other failure;
///  - timed_out: round_timeout(), counted from the first arrival, is over.
class RoundTable {
 public:
  explicit RoundTable(std::chrono::nanoseconds step_timeout) : step_timeout_(step_timeout) {}

  /// Of the rounds that begin from now on.
  void set_step_timeout(std::chrono::nanoseconds step_timeout) { step_timeout_ = step_timeout; }

  /// From now on only this attempt of `group` is served: rounds, failures and late messages of older ones are dropped.
  void open_attempt(std::uint32_t group, std::uint32_t attempt);
  /// Nothing of `group` is served until it is opened again.
  void close_attempt(std::uint32_t group) { attempts_.erase(group); }

  /// A contribution of an attempt that is not open is dropped. A rank already declared dead is told so at once.
  std::vector<Answer> contribute(Contribution contribution, Clock::time_point now);

  /// `rank` is dead or given up: answers for it in the current and all later rounds of that attempt. Only the first
  /// failure of a rank counts.
  std::vector<Answer> fail(std::uint32_t group, std::uint32_t attempt, int rank, Failure failure);

  /// Ends the rounds whose time is up; answers carry the missing ranks.
  std::vector<Answer> expired(Clock::time_point now);

  /// When expired() has something to do next.
  std::optional<Clock::time_point> next_deadline() const;

 private:
  using Position = std::pair<std::uint32_t, std::uint32_t>;  ///< epoch, index: ordered as the rounds are held

  struct Round {
    std::string step;
    int opener = 0;
    std::chrono::nanoseconds timeout{};
    Clock::time_point deadline;
    std::map<int, Blob> came;
    std::optional<Failure> failed;  ///< kept for members that come later
  };
  struct Member {
    Position position{};
    std::string step;
  };
  struct Channel {
    std::map<Position, Round> rounds;
    std::map<int, Member> latest;  ///< by world rank: the furthest round it came to
    Position furthest{};           ///< of all of them
  };
  struct Attempt {
    std::uint32_t number = 0;
    std::map<int, Failure> dead;
    std::map<RoundScope, Channel> channels;
  };

  Attempt* find(std::uint32_t group, std::uint32_t attempt);
  static std::vector<int> missing(const RoundScope& scope, const Round& round);
  static Answer fail_round(const Attempt& attempt, const RoundId& id, Round& round, Failure failure);
  static std::optional<Failure> absence(const RoundScope& scope, const Channel& channel, const Attempt& attempt,
                                        const Position& position, const Round& round);
  static void cast_ballots_of_dead(const Attempt& attempt, const RoundId& id, Round& round);
  static std::optional<Answer> complete(const Attempt& attempt, const RoundId& id, Channel& channel);

  std::chrono::nanoseconds step_timeout_;
  std::map<std::uint32_t, Attempt> attempts_;
};

}  // namespace symmbench
