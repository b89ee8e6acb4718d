#pragma once
#include <chrono>
#include <utility>
#include <variant>
#include <vector>

#include "journal/records.hpp"
#include "supervise/group_coordinator.hpp"

namespace symmbench::test {

/// Tells a coordinator stories: time is a number, commands are gathered by kind.
struct Story {
  explicit Story(int ranks, int first = 0)
      : group(first / ranks, members(ranks, first), {.round_s = 20, .settle_s = 2, .stop_s = 10}) {}

  static std::vector<int> members(int ranks, int first) {
    std::vector<int> list;
    for (int i = 0; i < ranks; ++i) list.push_back(first + i);
    return list;
  }

  void hear() {
    for (auto& command : group.take_commands()) {
      if (auto* start = std::get_if<GroupCoordinator::Start>(&command)) {
        starts.push_back(start->request);
      } else if (auto* stop = std::get_if<GroupCoordinator::Stop>(&command)) {
        stops.push_back(stop->attempt);
      } else if (auto* append = std::get_if<GroupCoordinator::Append>(&command)) {
        if (append->record.at("type") == "failure") {
          failures.push_back(failure_record_from(append->record));
        } else {
          events.push_back(event_from(append->record));
        }
      } else {
        answers.push_back(std::get<Answer>(command));
      }
    }
  }
  void begin(std::vector<WorkRequest> requests) {
    group.begin(std::move(requests), now);
    hear();
  }
  int attempt() const { return starts.empty() ? -1 : starts.back().attempt; }
  void pass(double seconds) {
    now += std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
    group.tick(now);
    hear();
  }
  void contribute(int rank, std::uint32_t index = 0, int of_attempt = -1) {
    Contribution contribution{.round = {}, .rank = rank, .step = "use: barrier", .payload = {}};
    contribution.round.scope = {.group = static_cast<std::uint32_t>(group.group()),
                                .attempt = static_cast<std::uint32_t>(of_attempt < 0 ? attempt() : of_attempt),
                                .lineage = 0,
                                .first_rank = static_cast<std::uint32_t>(group.members().front()),
                                .size = static_cast<std::uint32_t>(group.members().size())};
    contribution.round.index = index;
    group.contribute(contribution, now);
    hear();
  }
  void done(int rank) {
    group.worker_done(attempt(), rank, now);
    hear();
  }
  void all_done() {
    const int which = attempt();
    for (const int rank : group.members()) group.worker_done(which, rank, now);
    hear();
  }
  void dies(int rank, int signal) {
    group.worker_died(attempt(), rank, {WorkerEnd::Kind::signalled, signal}, now);
    hear();
  }
  void fails(int rank, Failure failure) {
    failure.rank = rank;
    group.worker_failed(attempt(), rank, {failure}, now);
    hear();
  }
  /// All supervisors answer the last stop; every page says `item`, phase use, and that it has not moved for `idle_s`.
  void all_stop(int item, double idle_s = 1) {
    const int which = stops.back();
    for (const int rank : group.members()) {
      PageSnapshot page{.started = true, .phase = Phase::use, .item = item, .driver_call = {}, .idle_s = idle_s};
      group.stopped(which, rank, {.end = {WorkerEnd::Kind::stopped, 0}, .page = page}, now);
    }
    hear();
  }

  Clock::time_point now{};
  GroupCoordinator group;
  std::vector<WorkRequest> starts;
  std::vector<int> stops;
  std::vector<Answer> answers;
  std::vector<FailureRecord> failures;
  std::vector<EventRecord> events;
};

}  // namespace symmbench::test
