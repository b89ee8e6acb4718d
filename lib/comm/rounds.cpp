#include "comm/rounds.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>

#include "comm/wire.hpp"

namespace symmbench {
namespace {

RoundId id_of(const RoundScope& scope, const std::pair<std::uint32_t, std::uint32_t>& position) {
  return {.scope = scope, .epoch = position.first, .index = position.second};
}

/// "rank 3" or "ranks 3, 5, 7 and 60 more"
std::string list_of_ranks(const std::vector<int>& ranks) {
  constexpr std::size_t kShown = 8;
  const auto shown = std::vector<int>(ranks.begin(), ranks.begin() + static_cast<long>(std::min(ranks.size(), kShown)));
  std::string text = fmt::format("rank{} {}", ranks.size() == 1 ? "" : "s", fmt::join(shown, ", "));
  if (ranks.size() > kShown) text += fmt::format(" and {} more", ranks.size() - kShown);
  return text;
}

}  // namespace

RoundTable::Attempt* RoundTable::find(std::uint32_t group, std::uint32_t attempt) {
  const auto it = attempts_.find(group);
  return it != attempts_.end() && it->second.number == attempt ? &it->second : nullptr;
}

void RoundTable::open_attempt(std::uint32_t group, std::uint32_t attempt) {
  attempts_[group] = Attempt{.number = attempt, .dead = {}, .channels = {}};
}

std::vector<int> RoundTable::missing(const RoundScope& scope, const Round& round) {
  std::vector<int> ranks;
  for (std::uint32_t i = 0; i < scope.size; ++i) {
    const int rank = scope.rank_at(i);
    if (!round.came.contains(rank)) ranks.push_back(rank);
  }
  return ranks;
}

/// Ends the round for those who came; it stays in the table for those who did not.
Answer RoundTable::fail_round(const Attempt& attempt, const RoundId& id, Round& round, Failure failure) {
  Answer answer{.round = id, .step = round.step, .to = {}, .missing = missing(id.scope, round), .outcome = failure};
  for (const auto& [rank, payload] : round.came) {
    if (!attempt.dead.contains(rank)) answer.to.push_back(rank);
  }
  round.failed = std::move(failure);
  return answer;
}

/// Why `round` can never be complete: a missing member is dead or already further on.
std::optional<Failure> RoundTable::absence(const RoundScope& scope, const Channel& channel, const Attempt& attempt,
                                           const Position& position, const Round& round) {
  // Asked at every arrival: to look for the missing each time would cost the square of their number.
  if (attempt.dead.empty() && channel.furthest <= position) return std::nullopt;
  for (const int rank : missing(scope, round)) {
    if (const auto dead = attempt.dead.find(rank); dead != attempt.dead.end()) {
      return Failure{.layer = Layer::comm,
                     .reason = Reason::peer_failed,
                     .detail = fmt::format("step '{}': rank {} is gone: {}", round.step, rank, describe(dead->second)),
                     .peer = rank};
    }
    if (const auto latest = channel.latest.find(rank);
        latest != channel.latest.end() && latest->second.position > position) {
      return Failure{.layer = Layer::comm,
                     .reason = Reason::peer_failed,
                     .detail = fmt::format("step '{}': rank {} took no part and went on to '{}'", round.step, rank,
                                           latest->second.step),
                     .peer = rank};
    }
  }
  return std::nullopt;
}

void RoundTable::cast_ballots_of_dead(const Attempt& attempt, const RoundId& id, Round& round) {
  for (const auto& [rank, failure] : attempt.dead) {
    if (id.scope.has(rank)) round.came.try_emplace(rank, encode_ballot(failure));
  }
}

/// Takes the round out of the table when everybody came. No member can be behind it then, so neither can a round.
std::optional<Answer> RoundTable::complete(const Attempt& attempt, const RoundId& id, Channel& channel) {
  const auto it = channel.rounds.find({id.epoch, id.index});
  if (it->second.came.size() < id.scope.size) return std::nullopt;
  std::vector<Blob> blobs;
  Answer answer{.round = id, .step = it->second.step, .to = {}, .missing = {}, .outcome = {}};
  for (auto& [rank, payload] : it->second.came) {
    if (!attempt.dead.contains(rank)) answer.to.push_back(rank);
    blobs.push_back(std::move(payload));
  }
  answer.outcome = std::move(blobs);
  channel.rounds.erase(channel.rounds.begin(), std::next(it));
  return answer;
}

std::vector<Answer> RoundTable::contribute(Contribution contribution, Clock::time_point now) {
  const RoundId& id = contribution.round;
  const int from = contribution.rank;
  Attempt* attempt = find(id.scope.group, id.scope.attempt);
  if (!attempt || !id.scope.has(from)) return {};
  if (const auto dead = attempt->dead.find(from); dead != attempt->dead.end()) {
    Failure failure{
        .layer = Layer::comm,
        .reason = Reason::peer_failed,
        .detail = fmt::format("step '{}': rank {} was given up: {}", contribution.step, from, describe(dead->second)),
        .peer = from};
    return {{.round = id, .step = contribution.step, .to = {from}, .missing = {}, .outcome = std::move(failure)}};
  }
  Channel& channel = attempt->channels[id.scope];
  const Position position{id.epoch, id.index};
  std::vector<Answer> answers;

  const auto [it, opened] = channel.rounds.try_emplace(position);
  Round& round = it->second;
  if (opened) {
    round.step = contribution.step;
    round.opener = from;
    round.timeout = round_timeout(step_timeout_, contribution.step);
    round.deadline = now + round.timeout;
  }
  if (round.failed) {
    answers.push_back({.round = id, .step = round.step, .to = {from}, .missing = {}, .outcome = *round.failed});
    return answers;
  }
  if (!round.came.emplace(from, std::move(contribution.payload)).second) return {};  // it said so already

  if (Member& member = channel.latest[from]; position >= member.position) {
    member = {.position = position, .step = contribution.step};
  }
  channel.furthest = std::max(channel.furthest, position);

  // 1. Whoever still waits for this rank in an earlier round waits in vain.
  for (auto earlier = channel.rounds.begin(); earlier != it; ++earlier) {
    if (earlier->second.failed) continue;
    if (auto why = absence(id.scope, channel, *attempt, earlier->first, earlier->second)) {
      answers.push_back(fail_round(*attempt, id_of(id.scope, earlier->first), earlier->second, std::move(*why)));
    }
  }
  // 2. This round: same step, everybody alive and not already past it, complete?
  if (round.step != contribution.step) {
    Failure failure{.layer = Layer::comm,
                    .reason = Reason::disagreement,
                    .detail = fmt::format("rank {} is at step '{}', rank {} at step '{}'", round.opener, round.step,
                                          from, contribution.step),
                    .rank = round.opener,
                    .peer = from};
    answers.push_back(fail_round(*attempt, id, round, std::move(failure)));
    return answers;
  }
  if (id.index == kVoteIndex) cast_ballots_of_dead(*attempt, id, round);
  if (auto why = absence(id.scope, channel, *attempt, position, round)) {
    answers.push_back(fail_round(*attempt, id, round, std::move(*why)));
  } else if (auto done = complete(*attempt, id, channel)) {
    answers.push_back(std::move(*done));
  }
  return answers;
}

std::vector<Answer> RoundTable::fail(std::uint32_t group, std::uint32_t attempt_number, int rank, Failure failure) {
  Attempt* attempt = find(group, attempt_number);
  if (!attempt) return {};
  if (!failure.rank) failure.rank = rank;
  if (!attempt->dead.emplace(rank, std::move(failure)).second) return {};

  std::vector<Answer> answers;
  for (auto& [scope, channel] : attempt->channels) {
    if (!scope.has(rank)) continue;
    std::vector<Position> open;
    for (const auto& [position, round] : channel.rounds) {
      if (!round.failed) open.push_back(position);
    }
    for (const Position& position : open) {
      const auto it = channel.rounds.find(position);
      if (it == channel.rounds.end()) continue;
      const RoundId id = id_of(scope, position);
      if (id.index == kVoteIndex) cast_ballots_of_dead(*attempt, id, it->second);
      if (auto why = absence(scope, channel, *attempt, position, it->second)) {
        answers.push_back(fail_round(*attempt, id, it->second, std::move(*why)));
      } else if (auto done = complete(*attempt, id, channel)) {
        answers.push_back(std::move(*done));
      }
    }
  }
  return answers;
}

std::vector<Answer> RoundTable::expired(Clock::time_point now) {
  std::vector<Answer> answers;
  for (auto& [group, attempt] : attempts_) {
    for (auto& [scope, channel] : attempt.channels) {
      for (auto& [position, round] : channel.rounds) {
        if (round.failed || round.deadline > now) continue;
        const auto absent = missing(scope, round);
        const double seconds = std::chrono::duration<double>(round.timeout).count();
        Failure failure{.layer = Layer::comm,
                        .reason = Reason::timed_out,
                        .detail = fmt::format("step '{}': {} did not come within {:.3g} s; {} of {} did", round.step,
                                              list_of_ranks(absent), seconds, round.came.size(), scope.size),
                        .peer = absent.front()};
        answers.push_back(fail_round(attempt, id_of(scope, position), round, std::move(failure)));
      }
    }
  }
  return answers;
}

std::optional<Clock::time_point> RoundTable::next_deadline() const {
  std::optional<Clock::time_point> next;
  for (const auto& [group, attempt] : attempts_) {
    for (const auto& [scope, channel] : attempt.channels) {
      for (const auto& [position, round] : channel.rounds) {
        if (!round.failed && (!next || round.deadline < *next)) next = round.deadline;
      }
    }
  }
  return next;
}

}  // namespace symmbench
