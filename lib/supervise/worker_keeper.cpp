#include "supervise/worker_keeper.hpp"

#include <fmt/format.h>
#include <signal.h>

#include <algorithm>
#include <utility>

#include "core/deadlines.hpp"
#include "supervise/process_identity.hpp"

namespace symmbench {
namespace {

using Kind = WorkerEnd::Kind;

}  // namespace

WorkerKeeper::WorkerKeeper(Options options, int world_rank, int group_size, RecordSink& journal, Tell tell)
    : options_(std::move(options)),
      world_rank_(world_rank),
      group_(world_rank / group_size),
      group_size_(group_size),
      journal_(journal),
      tell_(std::move(tell)),
      spans_([this](const Json& record) {
        journal_.append(record);
        this->tell(message::kRecord, record);
      }) {}

int WorkerKeeper::fd() const { return link_ && !link_->channel().closed() ? link_->channel().fd() : -1; }

void WorkerKeeper::handle(std::uint32_t kind, std::span<const std::byte> body) {
  if (kind == message::kStart) {
    start(work_request_from(json_of(body)));
  } else if (kind == message::kStop) {
    stop(json_of(body).value("attempt", -1));
  } else if (kind == kRoundResult && link_ && !stop_deadline_) {
    rounds_waiting_ = std::max(rounds_waiting_ - 1, 0);
    answered_at_ = Clock::now();
    link_->channel().queue(kRoundResult, body);
    flush();
  }
}

void WorkerKeeper::start(WorkRequest request) {
  if (dismissed_) return;
  link_.reset();
  attempt_ = request.attempt;
  said_done_ = said_failed_ = said_hung_ = broken_ = false;
  rounds_waiting_ = 0;
  stop_deadline_.reset();
  last_page_ = {};
  last_end_ = {Kind::failed, 0};
  process_.clear();
  killed_by_others_ = false;
  const double round_s = request.deadlines ? request.deadlines->round_s : options_.round_s;
  watchdog_s_ = request.deadlines ? request.deadlines->watchdog_s - round_s : options_.watchdog_s;
  const double kernel_wait_s = request.deadlines ? request.deadlines->kernel_wait_s : round_s / 2;
  die_s_ = request.deadlines ? request.deadlines->die_s : deadline::kDieWithin_s;
  WorkerLaunch launch = options_.launch;
  if (request.deadlines) launch.start_s = std::max(watchdog_s_, request.deadlines->context_s);
  const auto first_rank = static_cast<std::uint32_t>(group_ * group_size_);
  WorkerAssignment assignment{.request = std::move(request),
                              .scope = {.group = static_cast<std::uint32_t>(group_),
                                        .attempt = static_cast<std::uint32_t>(attempt_),
                                        .lineage = 0,
                                        .first_rank = first_rank,
                                        .size = static_cast<std::uint32_t>(group_size_)},
                              .world_rank = world_rank_,
                              .round_s = round_s,
                              .job_nonce = options_.job_nonce,
                              .channel_faults = options_.channel_faults.worker};
  launch.channel_faults = options_.channel_faults.supervisor;
  tolerated_s_ = std::max(options_.silent_s, kernel_wait_s / 2);
  paused_s_ = 0;
  answered_at_ = resumed_at_ = seen_unchanged_ = Clock::now();
  last_seen_ = {};
  try {
    link_ = std::make_unique<WorkerLink>(launch, assignment);
  } catch (const Error& error) {
    fail(error.failure());
  }
}

void WorkerKeeper::tell(std::uint32_t kind, const Json& body) {
  if (kind != message::kRecord && options_.host_news) {
    for (const Json& record : options_.host_news()) {
      journal_.append(record);
      tell_(message::kRecord, body_of(record));
    }
  }
  tell_(kind, body_of(body));
}

void WorkerKeeper::fail(Failure failure) {
  if (!failure.rank) failure.rank = world_rank_;
  if (!failure.phase) failure.phase = Phase::start;
  said_failed_ = true;
  options_.channel_faults = {};
  tell(message::kFailed,
       {{"attempt", attempt_}, {"failures", failures_to_json({failure})}, {"seen", to_json(seen_now())}});
}

void WorkerKeeper::stop(int attempt) {
  if (attempt != attempt_ || stop_deadline_) return;
  if (link_) look_at_clock(Clock::now());
  stop_deadline_ = Deadline::in_seconds(die_s_);
  if (!link_) {
    report_stopped(last_end_);
    return;
  }
  last_page_ = link_->snapshot();
  if (const int pid = link_->pid(); pid != 0) {
    killed_by_others_ = is_being_killed(pid);
    process_ = proc_evidence(pid);
  }
  link_->kill();
}

void WorkerKeeper::dismiss() {
  dismissed_ = true;
  if (!link_) return;
  last_page_ = link_->snapshot();
  link_->kill();
  try {
    spans_.flush();
  } catch (const std::exception&) {  // of the transport, which may be why the worker is dismissed
  }
}

void WorkerKeeper::report_stopped(WorkerEnd end) {
  Json body = to_json(
      StoppedReport{.end = end, .page = last_page_, .process = process_, .seen = last_seen_, .paused_s = paused_s_});
  body["attempt"] = attempt_;
  tell(message::kStopped, body);
}

void WorkerKeeper::forward(const Frame& frame) {
  switch (frame.kind) {
    case kRoundContribute:
      ++rounds_waiting_;
      break;
    case message::kRecord:
      return spans_.take(json_of(frame.payload));
    case message::kDone:
      said_done_ = true;
      stopped_by_ = json_of(frame.payload).value("stopped_by", Json());
      return;  // true only once it has left
    case message::kFailed: {
      said_failed_ = true;
      options_.channel_faults = {};
      Json body = json_of(frame.payload);
      body["seen"] = to_json(seen_now());
      return tell(message::kFailed, body);
    }
    default:
      break;
  }
  tell_(frame.kind, frame.payload);
}

/// What the system refuses on this channel is the failure of this worker, not of the job.
void WorkerKeeper::channel_failed(const Failure& failure) {
  broken_ = true;  // whatever follows on it means nothing
  if (!said_failed_ && !stop_deadline_ && !dismissed_) fail(failure);
}

void WorkerKeeper::flush() try {
  if (!broken_) link_->channel().flush();
} catch (const Error& error) {
  channel_failed(error.failure());
}

/// Takes in what the worker said; true when there was something.
bool WorkerKeeper::drain() {
  bool any = false;
  try {
    while (auto frame = link_->channel().try_receive()) {
      any = true;
      forward(*frame);
    }
  } catch (const Error& error) {
    channel_failed(error.failure());
  }
  return any;
}

/// Who was stopped, or got no processor, learns it from the time between two looks.
void WorkerKeeper::look_at_clock(Clock::time_point now) {
  const double pause_s = std::chrono::duration<double>(now - seen_unchanged_).count();
  if (pause_s <= tolerated_s_) return;
  paused_s_ = std::max(paused_s_, pause_s);
  resumed_at_ = now;
}

void WorkerKeeper::look_at_page() {
  if (said_hung_ || said_failed_ || dismissed_ || rounds_waiting_ > 0) return;
  const auto begun = std::max(answered_at_, resumed_at_);  // what stopped this process may have stopped the worker
  const double overdue_s =
      std::min(link_->snapshot().overdue_s, std::chrono::duration<double>(Clock::now() - begun).count());
  if (overdue_s <= watchdog_s_) return;
  said_hung_ = true;
  tell(message::kHung, {{"attempt", attempt_}, {"seen", to_json(seen_now())}});
}

void WorkerKeeper::ended(WorkerEnd end) {
  spans_.flush();
  const bool killed = stop_deadline_ || dismissed_;
  // SIGKILL after a stop is ours; every other end is the worker's own, also when the stop came while it was dying.
  if (killed && !killed_by_others_ && end.kind == Kind::signalled && end.code == SIGKILL) {
    end = {Kind::stopped, 0};
  } else if (said_failed_ && !(broken_ && end.kind == Kind::signalled)) {  // a channel breaks because its worker died
    end = {Kind::failed, end.code};
  } else if (said_done_ && end.kind == Kind::exited && end.code == 0) {
    end = {Kind::done, 0};
  } else if (killed && !options_.launch.isolate) {
    end = {Kind::stopped, 0};  // a thread that was cut off
  }
  if (!killed) last_page_ = link_->snapshot();
  last_end_ = end;
  last_seen_ = seen_now();
  link_.reset();
  rounds_waiting_ = 0;
  if (stop_deadline_) {
    report_stopped(end);
  } else if (dismissed_) {
    return;
  } else if (end.kind == Kind::done) {
    tell(message::kDone, {{"attempt", attempt_}, {"stopped_by", stopped_by_}});
  } else if (end.kind != Kind::failed) {
    options_.channel_faults = {};
    tell(message::kDied, {{"attempt", attempt_}, {"end", to_json(end)}, {"seen", to_json(last_seen_)}});
  }
}

bool WorkerKeeper::tick() {
  if (!link_) return false;
  flush();
  const auto looked = Clock::now();
  if (!stop_deadline_) look_at_clock(looked);
  const WorkerEnd end = link_->poll();  // before the last draining, which then misses nothing
  const bool heard = !broken_ && drain();
  if (end.kind != Kind::running) {
    ended(end);
    return true;
  }
  if (!stop_deadline_) {
    look_at_page();
  } else if (stop_deadline_->expired()) {
    spans_.flush();
    last_end_ = {Kind::stuck, 0};
    last_seen_ = seen_now();
    (void)link_.release();  // its destructor would wait for what cannot die; the process leaves it to init
    report_stopped(last_end_);
  }
  seen_unchanged_ = looked;
  return heard;
}

}  // namespace symmbench
