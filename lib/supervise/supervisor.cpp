#include "supervise/supervisor.hpp"

#include <fmt/format.h>
#include <sched.h>

#include <algorithm>
#include <optional>
#include <type_traits>
#include <utility>

#include "core/log.hpp"
#include "supervise/coordinator_mail.hpp"
#include "supervise/idle_wait.hpp"
#include "supervise/life_signs.hpp"
#include "supervise/messages.hpp"
#include "supervise/signals.hpp"
#include "supervise/worker_keeper.hpp"
#include "supervise/worker_process.hpp"

namespace symmbench {
namespace {

constexpr int kExitFailed = 1, kExitInterrupted = 3, kExitHung = 4;
}  // namespace

class Supervisor::Impl {
 public:
  Impl(Transport& transport, SupervisorOptions options, RecordSink& own_journal, RecordSink* all_records)
      : transport_(transport),
        options_(std::move(options)),
        own_journal_(own_journal),
        all_records_(all_records),
        signs_(transport, options_.leader_s),
        keeper_({.launch = {.isolate = options_.isolate,
                            .argv = options_.worker_argv,
                            .task = options_.task,
                            .start_s = options_.watchdog_s},
                 .watchdog_s = options_.watchdog_s,
                 .round_s = options_.round_s,
                 .job_nonce = options_.job_nonce,
                 .silent_s = options_.lasting.silent_s,
                 .channel_faults = options_.channel_faults,
                 .host_news = options_.host_news},
                transport.rank(), options_.group_size, own_journal_,
                [this](std::uint32_t kind, std::span<const std::byte> body) { send(0, kind, body); }) {
    if (transport_.rank() != 0) return;
    for (int first = 0; first < transport_.size(); first += options_.group_size) {
      std::vector<int> members(static_cast<std::size_t>(options_.group_size));
      for (int i = 0; i < options_.group_size; ++i) members[static_cast<std::size_t>(i)] = first + i;
      const CoordinatorLimits limits{options_.round_s, options_.settle_s, options_.stop_s};
      coordinators_.emplace_back(first / options_.group_size, std::move(members), limits,
                                 [this](int rank) { return signs_.peers().sight(rank); });
    }
  }

  RunOutcome run(const GroupWork& work_of_group, double time_limit_s);
  void announce_silence() noexcept { signs_.announce(options_.lasting.between_runs_s); }
  bool finish(int exit_code, const Json& farewell);
  int serve(const std::function<void(const Json&)>& last_duty);
  bool orderly() const { return orderly_; }
  void tell(const Json& record) { send(0, message::kRecord, body_of(record)); }

 private:
  void send(int to, std::uint32_t kind, std::span<const std::byte> body) { transport_.send(to, envelope(kind, body)); }
  bool step();
  void beat();
  void wait(bool busy) { idle_wait(keeper_, busy, last_event_); }
  void handle(const PeerMessage& message);
  void coordinate(const PeerMessage& message, const Opened& opened);
  void carry_out(GroupCoordinator& coordinator);
  bool all_finished() const;
  bool round_open() const;
  std::optional<std::string> trouble() const;
  void halt_all(double bound_s);
  void record_what_is_known();
  void record(const Json& record);
  void record_fallen(const Failure& failure);
  void look_for_the_dead();
  int leave_without_leader();
  void await_farewells(double bound_s);
  void send_out(Deadline bound) {
    while (!transport_.all_sent() && !bound.expired()) sched_yield();
  }
  void send_last_words(const std::string& why) noexcept;

  Transport& transport_;
  SupervisorOptions options_;
  RecordSink& own_journal_;
  RecordSink* all_records_;
  LifeSigns signs_;
  SignalWatch signals_;
  WorkerKeeper keeper_;
  std::vector<GroupCoordinator> coordinators_;  ///< rank 0 only, by group
  std::optional<std::string> interrupted_;      ///< rank 0: for good
  std::optional<int> exit_code_;                ///< as rank 0 said
  Json farewell_;                               ///< the same
  int farewells_ = 0;
  bool fallen_ = false;  ///< a supervisor died or stood still, this one included
  bool orderly_ = false;
  Clock::time_point last_event_ = Clock::now();
};

/// One pass over everything that may have happened; true when something had.
bool Supervisor::Impl::step() {
  bool any = false;
  transport_.progress();
  while (auto message = transport_.receive()) {
    handle(*message);
    any = true;
  }
  any |= keeper_.tick();
  for (GroupCoordinator& coordinator : coordinators_) {
    coordinator.tick(Clock::now());
    carry_out(coordinator);
  }
  beat();
  if (any) last_event_ = Clock::now();
  return any;
}

void Supervisor::Impl::handle(const PeerMessage& message) {
  const Opened opened = open_envelope(message.bytes);
  signs_.take(message.from, opened);
  switch (opened.kind) {
    case message::kStart:
    case message::kStop:
    case kRoundResult:
      keeper_.handle(opened.kind, opened.body);
      break;
    case message::kAlive:
      break;
    case message::kFinish: {
      const Json body = json_of(opened.body);
      exit_code_ = body.value("exit_code", kExitInterrupted);
      farewell_ = body.value("farewell", Json());
      options_.lasting.finish_s = body.value("within_s", options_.lasting.finish_s);
      break;
    }
    default:
      if (!coordinators_.empty()) coordinate(message, opened);
  }
}

void Supervisor::Impl::coordinate(const PeerMessage& message, const Opened& opened) {
  auto& group = coordinators_.at(static_cast<std::size_t>(message.from / options_.group_size));
  if (!deliver(group, message.from, opened, Clock::now(), signs_.clock_of(message.from))) {
    const Json body = json_of(opened.body);
    switch (opened.kind) {
      case message::kRecord:
        signs_.peers().recorded(message.from, body);
        if (all_records_) all_records_->append(body);
        break;
      case message::kInterrupted:
        if (!interrupted_) interrupted_ = body.value("signal", std::string("SIGTERM"));
        break;
      case message::kFinished:
        ++farewells_;
        break;
      default:
        break;  // from a newer or older build, which the build id check at start-up forbids
    }
  }
  carry_out(group);
}

void Supervisor::Impl::carry_out(GroupCoordinator& coordinator) {
  for (auto& command : coordinator.take_commands()) {
    std::visit(
        [&](auto& what) {
          using What = std::decay_t<decltype(what)>;
          if constexpr (std::is_same_v<What, GroupCoordinator::Start>) {
            const Blob body = body_of(to_json(what.request));
            for (const int rank : coordinator.members()) send(rank, message::kStart, body);
          } else if constexpr (std::is_same_v<What, GroupCoordinator::Stop>) {
            const Blob body = body_of({{"attempt", what.attempt}});
            for (const int rank : coordinator.members()) send(rank, message::kStop, body);
          } else if constexpr (std::is_same_v<What, Answer>) {
            const Blob body = encode(RoundResult{.round = what.round, .outcome = std::move(what.outcome)});
            for (const int rank : what.to) send(rank, kRoundResult, body);
          } else {
            record(what.record);
          }
        },
        command);
  }
}

bool Supervisor::Impl::all_finished() const { return std::ranges::all_of(coordinators_, &GroupCoordinator::finished); }

bool Supervisor::Impl::round_open() const {
  return std::ranges::any_of(coordinators_, &GroupCoordinator::round_open) || keeper_.in_round();
}

/// What makes going on pointless.
std::optional<std::string> Supervisor::Impl::trouble() const {
  if (interrupted_) return interrupted_;
  if (signals_.received() != 0) return signals_.cause();
  for (const GroupCoordinator& coordinator : coordinators_) {
    if (const auto rank = coordinator.lost_rank()) return fmt::format("lost rank {}", *rank);
  }
  return std::nullopt;
}

/// Stops every worker and takes in what they still had to say.
void Supervisor::Impl::halt_all(double bound_s) {
  const auto bound = Deadline::in_seconds(bound_s);
  for (GroupCoordinator& coordinator : coordinators_) {
    coordinator.halt(Clock::now());
    carry_out(coordinator);
  }
  while (!all_finished() && !bound.expired()) {
    if (!step()) wait(true);
  }
  record_what_is_known();
}

/// Of attempts whose ranks are not waited for any longer: a failure that was heard of must not be lost.
void Supervisor::Impl::record_what_is_known() {
  for (GroupCoordinator& coordinator : coordinators_) {
    coordinator.halt(Clock::now());
    coordinator.leave(Clock::now());
    for (auto& command : coordinator.take_commands()) {
      if (const auto* what = std::get_if<GroupCoordinator::Append>(&command)) record(what->record);
    }
  }
}

/// Of the coordinators, on rank 0.
void Supervisor::Impl::record(const Json& record) {
  own_journal_.append(record);
  if (all_records_) all_records_->append(record);
}

/// A supervisor that died or stood still: what ends the run, and no allocator's doing.
void Supervisor::Impl::record_fallen(const Failure& failure) {
  record(to_json(FailureRecord{.status = failure.reason == Reason::timed_out ? "hung" : "failed", .failure = failure}));
  interrupted_ =
      fmt::format("rank {}'s process {}", *failure.rank, failure.reason == Reason::timed_out ? "stood still" : "died");
  fallen_ = true;
}

/// The one rank that cannot be seen to be frozen by itself learns it when it goes on, before what it did to the others.
void Supervisor::Impl::beat() {
  const auto pause = signs_.beat();
  if (pause && !fallen_) record_fallen(*pause);
}

/// Launchers stop everybody when a rank dies, so the dead are looked for before a signal is taken for the reason.
void Supervisor::Impl::look_for_the_dead() {
  beat();
  if (fallen_ || !signs_.look_due(signals_.received() != 0 || interrupted_)) return;
  while (auto message = transport_.receive()) handle(*message);  // last words come before the end
  if (const auto fallen = signs_.fallen()) record_fallen(*fallen);
}

RunOutcome Supervisor::Impl::run(const GroupWork& work_of_group, double time_limit_s) try {
  const auto limit = Deadline::in_seconds(time_limit_s);
  double stop_s = options_.stop_s, leader_s = options_.leader_s;
  std::vector<std::vector<WorkRequest>> work;
  for (const GroupCoordinator& coordinator : coordinators_) {
    const auto& requests = work.emplace_back(work_of_group(coordinator.group()));
    stop_s = longest(requests, &Deadlines::stop_s, stop_s);
    leader_s = longest(requests, &Deadlines::leader_s, leader_s);
    options_.lasting.widen(requests);
  }
  signs_.begin(leader_s, leader_s + stop_s + 2 * deadline::kBeat_s);  // where somebody waits for it, that tells first
  if (interrupted_) return {.interrupted = true, .interrupted_by = *interrupted_};
  for (std::size_t group = 0; group < coordinators_.size(); ++group) {
    coordinators_[group].begin(std::move(work[group]), Clock::now());
    carry_out(coordinators_[group]);
  }
  while (!all_finished()) {
    look_for_the_dead();
    if (auto reason = trouble()) {
      interrupted_ = std::move(reason);
      const bool rank_lost = !signals_.received() && interrupted_->starts_with("lost");
      if (!rank_lost) {  // what was so before the run was stopped: afterwards everybody falls silent
        for (const auto& line : signs_.peers().silent(options_.lasting.silent_s)) {
          record(to_json(EventRecord{.what = "rank_silent", .detail = line, .data = nullptr}));
        }
      }
      keeper_.dismiss();
      halt_all(rank_lost ? stop_s : deadline::kInterruptedRun_s);
      return {.interrupted = true, .interrupted_by = *interrupted_};
    }
    if (limit.expired()) {
      halt_all(stop_s + 1);
      if (auto reason = trouble()) interrupted_ = std::move(reason);
      return {.interrupted = true, .interrupted_by = interrupted_.value_or(std::string(kTimeLimit))};
    }
    if (!step()) wait(round_open());
  }
  look_for_the_dead();
  if (auto reason = trouble()) interrupted_ = std::move(reason);
  if (interrupted_) return {.interrupted = true, .interrupted_by = *interrupted_};
  return {};
} catch (const std::exception& error) {  // the transport, so that nobody can be reached; or a message nobody can read
  keeper_.dismiss();
  interrupted_ = error.what();
  if (const auto death = signs_.peers().death()) record_fallen(*death);
  record_what_is_known();
  return {.interrupted = true, .interrupted_by = *interrupted_};
}

void Supervisor::Impl::await_farewells(double bound_s) {
  const auto bound = Deadline::in_seconds(bound_s);
  while ((farewells_ < transport_.size() - 1 || !transport_.all_sent()) && !bound.expired()) {
    if (!step()) wait(true);
  }
}

bool Supervisor::Impl::finish(int exit_code, const Json& farewell) try {
  keeper_.dismiss();
  const Blob body =
      body_of({{"exit_code", exit_code}, {"farewell", farewell}, {"within_s", options_.lasting.finish_s}});
  for (int rank = 1; rank < transport_.size(); ++rank) send(rank, message::kFinish, body);
  await_farewells(interrupted_ || signals_.received() ? deadline::kInterruptedFinish_s : options_.lasting.finish_s);
  orderly_ = farewells_ == transport_.size() - 1 && transport_.all_sent();
  return orderly_;
} catch (const std::exception& error) {
  log_line("symmbench: rank 0 cannot tell the others to leave: {}", error.what());
  return false;
}

/// Rank 0 is gone or stands still, and with it the report: what is known goes to this rank's journal and stderr. Whoever
/// stood still itself accuses nobody: rank 0 has left without it.
int Supervisor::Impl::leave_without_leader() {
  const Failure failure = signs_.paused_s() > options_.lasting.silent_s ? signs_.own_pause() : signs_.leader_failure();
  const bool dead = failure.reason == Reason::crashed;
  own_journal_.append(to_json(FailureRecord{.status = dead ? "failed" : "hung", .failure = failure}));
  log_line("symmbench: rank {} leaves: {}. {}", transport_.rank(), failure.detail,
           failure.rank == 0 ? "Unless it goes on there is no report; the journals hold what was recorded"
                             : "It hears nothing of rank 0 any more");
  keeper_.dismiss();
  send_last_words(fmt::format("rank {} heard nothing of rank 0", transport_.rank()));
  return dead ? kExitFailed : kExitHung;
}

/// So that rank 0 does not take a process that left for one that died.
void Supervisor::Impl::send_last_words(const std::string& why) noexcept try {
  send(0, message::kInterrupted, body_of({{"signal", why}}));
  send_out(Deadline::in_seconds(deadline::kInterruptedFinish_s));
} catch (const std::exception&) {  // of the transport, which may be what failed
}

int Supervisor::Impl::serve(const std::function<void(const Json&)>& last_duty) try {
  std::optional<Deadline> leave_by;
  while (!exit_code_ && !(leave_by && leave_by->expired())) {
    const bool signalled = signals_.received() != 0 && !leave_by;
    if (signs_.look_due(signalled)) {
      while (auto message = transport_.receive()) handle(*message);
      if (!exit_code_ && signs_.peers().death()) return leave_without_leader();
    }
    if (signalled) {
      leave_by = Deadline::in_seconds(deadline::kInterruptedServe_s);
      keeper_.dismiss();
      send(0, message::kInterrupted, body_of({{"signal", signals_.cause()}}));
    }
    if (signs_.leader_lost()) return leave_without_leader();
    if (!step()) wait(round_open());
  }
  keeper_.dismiss();
  if (!exit_code_) return kExitInterrupted;
  if (last_duty) last_duty(farewell_);
  send(0, message::kFinished, body_of(Json::object()));
  send_out(Deadline::in_seconds(options_.lasting.finish_s));
  orderly_ = transport_.all_sent();
  return *exit_code_;
} catch (const std::exception& error) {
  keeper_.dismiss();
  log_line("symmbench: rank {} leaves: {}", transport_.rank(), error.what());
  send_last_words(fmt::format("rank {} left: {}", transport_.rank(), error.what()));
  return kExitInterrupted;
}

Supervisor::Supervisor(Transport& transport, SupervisorOptions options, RecordSink& own_journal,
                       RecordSink* all_records) {
  if (options.group_size < 1 || transport.size() % options.group_size != 0) {
    throw Error{
        {.layer = Layer::supervisor,
         .reason = Reason::invalid_argument,
         .detail = fmt::format("groups of {} ranks do not divide {} ranks", options.group_size, transport.size())}};
  }
  impl_ = std::make_unique<Impl>(transport, std::move(options), own_journal, all_records);
}
Supervisor::~Supervisor() = default;
RunOutcome Supervisor::run(const GroupWork& work_of_group, double time_limit_s) {
  RunOutcome outcome = impl_->run(work_of_group, time_limit_s);
  impl_->announce_silence();
  return outcome;
}
RunOutcome Supervisor::run(const std::vector<WorkRequest>& work, double time_limit_s) {
  return run([&](int) { return work; }, time_limit_s);
}
bool Supervisor::finish(int exit_code, const Json& farewell) { return impl_->finish(exit_code, farewell); }
int Supervisor::serve(const std::function<void(const Json&)>& last_duty) { return impl_->serve(last_duty); }
bool Supervisor::orderly() const { return impl_->orderly(); }
void Supervisor::tell(const Json& record) { impl_->tell(record); }

}  // namespace symmbench
