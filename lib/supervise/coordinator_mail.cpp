#include "supervise/coordinator_mail.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace symmbench {
namespace {

constexpr std::array kOfWorkers = {message::kItemDone, message::kDone, message::kFailed,
                                   message::kDied,     message::kHung, message::kStopped};

/// What the worker recorded before it left work to another one; nullopt: nothing.
std::optional<Failure> stopped_by(const Json& done) {
  const auto at = done.find("stopped_by");
  return at == done.end() || at->is_null() ? std::nullopt : std::optional(failure_from_json(*at));
}

}  // namespace

bool deliver(GroupCoordinator& group, int rank, const Opened& message, Clock::time_point now,
             const ClockBounds& clock) {
  if (message.kind == kRoundContribute) {
    group.contribute(decode_contribution(message.body), now);
    return true;
  }
  if (std::find(kOfWorkers.begin(), kOfWorkers.end(), message.kind) == kOfWorkers.end()) return false;
  const Json body = json_of(message.body);
  const int attempt = body.value("attempt", -1);
  const auto seen = [&] { return clock.here(observation_from(body.at("seen")), now); };
  switch (message.kind) {
    case message::kItemDone:
      group.item_done(attempt, body.at("index").get<int>());
      return true;
    case message::kDone:
      group.worker_done(attempt, rank, now, stopped_by(body));
      return true;
    case message::kFailed:
      group.worker_failed(attempt, rank, failures_from_json(body.at("failures")), now, seen());
      return true;
    case message::kDied:
      group.worker_died(attempt, rank, worker_end_from(body.at("end")), now, seen());
      return true;
    case message::kHung:
      group.worker_hung(attempt, rank, now, seen());
      return true;
    default: {  // kStopped
      StoppedReport report = stopped_report_from(body);
      report.seen = seen();
      group.stopped(attempt, rank, std::move(report), now);
      return true;
    }
  }
}

}  // namespace symmbench
