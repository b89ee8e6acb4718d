#include "supervise/group_coordinator.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "journal/records.hpp"
#include "supervise/coordinator_records.hpp"

namespace symmbench {
namespace {

using Kind = WorkerEnd::Kind;

Clock::duration seconds(double value) {
  return std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(value));
}

}  // namespace

std::vector<std::string> GroupCoordinator::item_names() const {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < running_.items.size(); ++i) names.push_back(name_of_item(running_, i, rounds_done_));
  return names;
}

int GroupCoordinator::item_of(const PageSnapshot& page) const {
  if (!running_.rounds) return page.item;
  return page.item >= 0 && static_cast<std::uint64_t>(page.item) >= rounds_done_ ? 0 : -1;
}

AttemptProgress GroupCoordinator::progress(int begun, Clock::time_point now) const {
  return {.done = items_done_,
          .begun = begun,
          .rounds = rounds_done_,
          .passed_s = std::chrono::duration<double>(now - started_).count()};
}

GroupCoordinator::GroupCoordinator(int group, std::vector<int> members, CoordinatorLimits limits,
                                   std::function<std::string(int rank)> sight_of)
    : group_(group),
      members_(std::move(members)),
      limits_(limits),
      sight_of_(std::move(sight_of)),
      rounds_(std::chrono::duration_cast<std::chrono::nanoseconds>(seconds(limits.round_s))) {}

GroupCoordinator::Member& GroupCoordinator::member(int rank) {
  return state_of_.at(static_cast<std::size_t>(rank - members_.front()));
}

void GroupCoordinator::begin(std::vector<WorkRequest> requests, Clock::time_point now) {
  if (state_ == State::lost) return;
  halted_ = false;
  requests_.assign(std::make_move_iterator(requests.begin()), std::make_move_iterator(requests.end()));
  start_next(now);
}

void GroupCoordinator::start_next(Clock::time_point now) {
  while (!halted_ && (!queue_ || queue_->empty())) {
    queue_.reset();
    if (requests_.empty()) break;
    queue_.emplace(std::move(requests_.front()));
    requests_.pop_front();
    restarted_ = false;  // whatever failed before was another request
  }
  if (halted_ || !queue_) {
    state_ = State::idle;
    queue_.reset();
    requests_.clear();
    return;
  }
  running_ = queue_->current();
  running_.attempt = ++attempt_;
  items_done_.assign(running_.items.size(), false);
  rounds_done_ = 0;
  started_ = now;
  state_of_.clear();
  for (const int rank : members_) state_of_.push_back({.report = {.rank = rank}});
  events_ = 0;
  cut_off_told_ = false;
  open_rounds_.clear();
  rounds_.set_step_timeout(std::chrono::duration_cast<std::chrono::nanoseconds>(
      seconds(running_.deadlines ? running_.deadlines->round_s : limits_.round_s)));
  rounds_.open_attempt(static_cast<std::uint32_t>(group_), static_cast<std::uint32_t>(attempt_));
  state_ = State::running;
  if (std::exchange(restarted_, false)) append(restarted_event(group_, running_));
  commands_.push_back(Start{running_});
}

void GroupCoordinator::halt(Clock::time_point now) {
  halted_ = true;
  if (state_ == State::running || state_ == State::settling) {
    stop_all(now);
  }
}

void GroupCoordinator::leave(Clock::time_point now) {
  if (state_ != State::stopping) return;
  for (Member& each : state_of_) each.report.page_unknown = !each.stopped;
  conclude(now);
}

void GroupCoordinator::item_done(int attempt, int index) {
  if (!current(attempt) || index < 0) return;
  if (running_.rounds) rounds_done_ = std::max(rounds_done_, static_cast<std::uint64_t>(index) + 1);
  if (running_.rounds || index >= static_cast<int>(items_done_.size())) return;
  items_done_[static_cast<std::size_t>(index)] = true;
}

void GroupCoordinator::contribute(Contribution contribution, Clock::time_point now) {
  if (!watching(static_cast<int>(contribution.round.scope.attempt))) return;
  open_rounds_[contribution.round].push_back(contribution.rank);
  answer(rounds_.contribute(std::move(contribution), now));
}

void GroupCoordinator::answer(std::vector<Answer> answers) {
  for (Answer& each : answers) {
    if (const auto open = open_rounds_.find(each.round); open != open_rounds_.end()) {
      std::erase_if(open->second, [&](int rank) { return std::ranges::binary_search(each.to, rank); });
      if (open->second.empty()) open_rounds_.erase(open);
    }
    commands_.push_back(std::move(each));
  }
}

bool GroupCoordinator::waits_in_round(int rank) const {
  return std::any_of(open_rounds_.begin(), open_rounds_.end(),
                     [&](const auto& round) { return std::count(round.second.begin(), round.second.end(), rank) > 0; });
}

void GroupCoordinator::on_event(Member& from, bool decisive, Clock::time_point now) {
  if (from.report.order == MemberReport::kUnheard) from.report.order = events_++;
  if (decisive) {
    stop_all(now);
  } else {
    settle(now);
  }
}

/// A first wait that timed out may only follow from a failure elsewhere: the others are heard before all are stopped.
void GroupCoordinator::settle(Clock::time_point now) {
  if (state_ == State::running) {
    state_ = State::settling;
    settle_deadline_ = now + seconds(settle_s());
  }
  const bool all_heard = std::all_of(state_of_.begin(), state_of_.end(), [&](const Member& each) {
    return each.spoke() || waits_in_round(each.report.rank);
  });
  if (all_heard) stop_all(now);
}

/// The next worker: of the same request where this one left rounds, or one failed.
void GroupCoordinator::all_done(const std::optional<Failure>& stopped_by, Clock::time_point now) {
  if (stopped_by && running_.rounds) {
    const auto given_up = queue_->failed(*stopped_by, progress(0, now));
    record_given_up(given_up, *stopped_by);
    restarted_ = true;
  } else {
    queue_->succeeded(progress(-1, now));
  }
  rounds_.close_attempt(static_cast<std::uint32_t>(group_));
  start_next(now);
}

void GroupCoordinator::worker_done(int attempt, int rank, Clock::time_point now,
                                   const std::optional<Failure>& stopped_by) {
  if (!watching(attempt)) return;
  Member& from = member(rank);
  from.done = true;
  from.report.end = {Kind::done, 0};
  if (std::all_of(state_of_.begin(), state_of_.end(), [](const Member& each) { return each.done; })) {
    return all_done(stopped_by, now);
  }
  // Whoever still holds a round with this rank need not wait for the deadline.
  answer(rounds_.fail(static_cast<std::uint32_t>(group_), static_cast<std::uint32_t>(attempt), rank,
                      {.layer = Layer::worker,
                       .reason = Reason::exited,
                       .detail = "finished its work while others still wait for it",
                       .rank = rank,
                       .code = 0}));
  if (state_ == State::settling) settle(now);
}

void GroupCoordinator::worker_died(int attempt, int rank, WorkerEnd end, Clock::time_point now,
                                   const Observation& seen) {
  if (!watching(attempt)) return;
  Member& from = member(rank);
  from.report.end = end;
  from.report.seen = seen;
  answer(rounds_.fail(static_cast<std::uint32_t>(group_), static_cast<std::uint32_t>(attempt), rank,
                      {.layer = Layer::worker,
                       .reason = end.kind == Kind::signalled ? Reason::crashed : Reason::exited,
                       .detail = "its worker is gone",
                       .rank = rank,
                       .code = end.code}));
  on_event(from, true, now);
}

void GroupCoordinator::worker_failed(int attempt, int rank, std::vector<Failure> failures, Clock::time_point now,
                                     const Observation& seen) {
  if (!watching(attempt) || failures.empty()) return;
  Member& from = member(rank);
  from.report.seen = seen;
  from.report.said = std::move(failures);
  const bool only_waits = std::all_of(from.report.said.begin(), from.report.said.end(), is_wait);
  on_event(from, !only_waits, now);
}

void GroupCoordinator::worker_hung(int attempt, int rank, Clock::time_point now, const Observation& seen) {
  if (!watching(attempt)) return;
  Member& from = member(rank);
  from.report.hung = true;
  from.report.found_hung = seen;
  on_event(from, false, now);
}

void GroupCoordinator::stop_all(Clock::time_point now) {
  for (const auto& [round, came] : open_rounds_) {
    for (const int waiting : came) {
      for (std::uint32_t i = 0; i < round.scope.size; ++i) {
        const int rank = round.scope.rank_at(i);
        if (!std::count(came.begin(), came.end(), rank)) member(waiting).report.waited_for.push_back(rank);
      }
    }
  }
  open_rounds_.clear();
  rounds_.close_attempt(static_cast<std::uint32_t>(group_));
  state_ = State::stopping;
  stop_deadline_ = now + seconds(stop_s());
  commands_.push_back(Stop{attempt_});
}

void GroupCoordinator::stopped(int attempt, int rank, StoppedReport report, Clock::time_point now) {
  if (!current(attempt) || state_ != State::stopping) return;
  Member& from = member(rank);
  if (from.stopped) return;
  from.stopped = true;
  from.report.page = std::move(report.page);
  from.report.process = std::move(report.process);
  from.report.paused_s = report.paused_s;
  if (from.report.end.kind == Kind::running) {
    from.report.end = report.end;
    if (from.report.said.empty()) from.report.seen = report.seen;
  }
  if (halted_ && events_ == 0) record_cut_off(item_of(from.report.page));
  if (std::all_of(state_of_.begin(), state_of_.end(), [](const Member& each) { return each.stopped; })) conclude(now);
}

void GroupCoordinator::conclude(Clock::time_point now) {
  std::vector<MemberReport> reports;
  for (const Member& each : state_of_) {
    reports.push_back(each.report);
    reports.back().page.item = item_of(each.report.page);
  }
  if (events_ > 0) {  // otherwise it was only halted
    const Attribution attribution = attribute(reports, item_names());
    AttemptProgress progress = this->progress(-1, now);
    // The others may be a step ahead of the rank to blame, waiting for it; without one the furthest counts.
    for (const MemberReport& each : reports) {
      if (!attribution.failure.rank) progress.begun = std::max(progress.begun, each.page.item);
      if (attribution.failure.rank == each.rank) progress.begun = each.page.item;
    }
    record_failure(attribution, progress);
    auto given_up = queue_->failed(attribution.failure, progress);
    restarted_ = true;
    const auto stuck = std::find_if(reports.begin(), reports.end(),
                                    [](const MemberReport& each) { return each.end.kind == Kind::stuck; });
    if (stuck != reports.end()) {
      if (!attribution.hung) append(stuck_record(group_, running_, *stuck));
      const auto why = fmt::format("the worker of rank {} cannot be killed: it hangs inside the kernel", stuck->rank);
      auto rest = queue_->abandon(why);
      given_up.insert(given_up.end(), rest.begin(), rest.end());
      for (; !requests_.empty(); requests_.pop_front()) {
        auto later = WorkQueue(requests_.front()).abandon(why);
        given_up.insert(given_up.end(), later.begin(), later.end());
      }
    }
    record_given_up(given_up, attribution.failure);
  }
  start_next(now);
}

void GroupCoordinator::record_failure(const Attribution& attribution, const AttemptProgress& progress) {
  FailureRecord record{.group = group_,
                       .attempt = attempt_,
                       .case_id = std::nullopt,
                       .allocators = allocators_of(running_),
                       .alone = running_.alone,
                       .status = attribution.hung ? "hung" : "failed",
                       .failure = attribution.failure,
                       .others = attribution.others,
                       .label = running_.label};
  if (const auto item = WorkQueue::failed_item(progress)) {
    record.case_id = name_of_item(running_, *item, rounds_done_);
    record.allocators = running_.items[*item].allocators;
  }
  append(to_json(record));
}

/// Once for the attempt: the first rank to answer tells where they all were.
void GroupCoordinator::record_cut_off(int item) {
  if (item < 0 || item >= static_cast<int>(items_done_.size()) || items_done_[static_cast<std::size_t>(item)]) return;
  if (std::exchange(cut_off_told_, true)) return;
  append(cut_off_event(group_, running_, static_cast<std::size_t>(item), rounds_done_));
}

void GroupCoordinator::record_given_up(const std::vector<GivenUp>& given_up, const Failure& failure) {
  for (const GivenUp& each : given_up) append(given_up_event(group_, each, failure));
}

void GroupCoordinator::tick(Clock::time_point now) {
  if (state_ == State::running || state_ == State::settling) {
    auto expired = rounds_.expired(now);
    if (!expired.empty()) {
      for (const Answer& each : expired) {
        for (const int rank : each.to) {
          Member& waiting = member(rank);
          if (waiting.report.order == MemberReport::kUnheard) waiting.report.order = events_++;
          waiting.report.waited_for.insert(waiting.report.waited_for.end(), each.missing.begin(), each.missing.end());
        }
      }
      answer(std::move(expired));
      settle(now);
    }
  }
  if (state_ == State::settling && now >= settle_deadline_) stop_all(now);
  if (state_ == State::stopping && now >= stop_deadline_) {
    lose_silent_rank();
  }
}

/// Its supervisor is frozen, or its host is gone. Whatever the others said comes second.
void GroupCoordinator::lose_silent_rank() {
  std::vector<MemberReport> reports;
  AttemptProgress progress{.done = items_done_, .begun = -1};
  for (const Member& each : state_of_) {
    if (!each.stopped && !lost_rank_) lost_rank_ = each.report.rank;
    reports.push_back(each.report);
    reports.back().page.item = item_of(each.report.page);
    progress.begun = std::max(progress.begun, reports.back().page.item);
  }
  Attribution attribution{
      .failure = {.layer = Layer::supervisor,
                  .reason = Reason::timed_out,
                  .detail = fmt::format("rank {}'s supervisor answers no more: it did not stop its worker "
                                        "within {:.1f} s",
                                        *lost_rank_, stop_s()),
                  .rank = lost_rank_},
      .others = {},
      .hung = true};
  if (sight_of_) attribution.failure.detail += "; its process: " + sight_of_(*lost_rank_);
  if (events_ > 0) {
    Attribution theirs = attribute(reports, item_names());
    attribution.others = std::move(theirs.others);
    attribution.others.insert(attribution.others.begin(), std::move(theirs.failure));
  }
  record_failure(attribution, progress);
  state_ = State::lost;
}

std::vector<GroupCoordinator::Command> GroupCoordinator::take_commands() { return std::exchange(commands_, {}); }

}  // namespace symmbench
