#include "comm/collective_phase.hpp"

#include <fmt/format.h>

#include "comm/wire.hpp"
#include "core/clock.hpp"

namespace symmbench {
namespace {

std::optional<Failure> failure_of(const std::function<void()>& body) {
  try {
    body();
    return std::nullopt;
  } catch (const Error& error) {
    return error.failure();
  } catch (const std::exception& error) {
    return Failure{.layer = Layer::worker, .reason = Reason::internal, .detail = error.what()};
  } catch (...) {
    return Failure{.layer = Layer::worker, .reason = Reason::internal, .detail = "an exception of no known type"};
  }
}

/// The vote itself failed: that is what the caller hears, but this rank's own failure must not be lost with it.
[[noreturn]] void throw_without_vote(const Error& error, Phase phase, const std::optional<Failure>& own) {
  Failure failure = error.failure();
  if (!failure.phase) failure.phase = phase;
  if (own) failure.detail += fmt::format("; own failure before the vote: {}", describe(*own));
  throw Error(std::move(failure));
}

}  // namespace

void collective_phase(const PhaseContext& context, Phase phase, const std::function<void()>& body) {
  Communicator& comm = context.comm;
  if (context.observer) context.observer->entered(phase);
  const auto start = Clock::now();
  auto own = failure_of(body);
  const double span_us = microseconds_since(start);
  if (own && !own->phase) own->phase = phase;
  if (own && !own->rank) own->rank = comm.world_rank(comm.rank());
  if (context.observer) context.observer->left(phase, span_us, own);

  std::vector<Failure> failures;
  try {
    const auto ballots = comm.allgather(fmt::format("{}{}", name_of(phase), kVoteSuffix), encode_ballot(own));
    for (std::size_t i = 0; i < ballots.size(); ++i) {
      auto failure = decode_ballot(ballots[i]);
      if (!failure) continue;
      if (!failure->phase) failure->phase = phase;
      if (!failure->rank) failure->rank = comm.world_rank(static_cast<int>(i));
      failures.push_back(std::move(*failure));
    }
  } catch (const Error& error) {
    throw_without_vote(error, phase, own);
  }
  if (!failures.empty()) throw PhaseFailed(phase, std::move(failures));
}

}  // namespace symmbench
