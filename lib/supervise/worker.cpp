#include "supervise/worker.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <new>
#include <optional>

#include "comm/strangers.hpp"
#include "comm/supervised_communicator.hpp"
#include "core/deadlines.hpp"
#include "core/log.hpp"
#include "supervise/hold_point.hpp"
#include "supervise/messages.hpp"
#include "supervise/worker_process.hpp"
#include "supervise/worker_run.hpp"

namespace symmbench {
namespace {

/// Strangers at this worker's sockets are worth knowing, whatever became of its work.
void tell_strangers(RecordSink& records, int group, int world_rank) {
  const Strangers seen = take_strangers();
  if (!seen.any()) return;
  records.append(to_json(EventRecord{
      .group = group,
      .what = std::string(kStrangersConnected),
      .detail = fmt::format("rank {}: {}", world_rank, describe(seen)),
      .data = {
          {"rank", world_rank}, {"foreign", seen.foreign}, {"silent", seen.silent}, {"ticketless", seen.ticketless}}}));
}

class ChannelRecordSink final : public RecordSink {
 public:
  ChannelRecordSink(FrameChannel& channel, double within_s) : channel_(channel), within_s_(within_s) {}
  void append(const Json& record) override {
    channel_.send(message::kRecord, body_of(record), Deadline::in_seconds(within_s_));
  }

 private:
  FrameChannel& channel_;
  double within_s_;
};

/// What the exception in flight says, with the rank, phase and allocator that only the worker knows.
std::vector<Failure> current_failures(int world_rank, const PageSnapshot& page) {
  std::vector<Failure> failures;
  try {
    throw;
  } catch (const PhaseFailed& error) {
    failures = error.failures();
    if (failures.empty()) failures.push_back(error.failure());
    for (Failure& failure : failures) {
      if (!failure.phase) failure.phase = error.phase();
      if (failure.allocator.empty()) failure.allocator = page.allocator;  // a phase is of one allocator on all ranks
      if (failure.rank == world_rank) failure.pid = getpid();
    }
    return failures;
  } catch (const Error& error) {
    failures.push_back(error.failure());
  } catch (const std::bad_alloc&) {
    failures.push_back({.layer = Layer::worker, .reason = Reason::out_of_memory, .detail = "host memory"});
  } catch (const std::exception& error) {
    failures.push_back({.layer = Layer::worker, .reason = Reason::internal, .detail = error.what()});
  } catch (...) {
    failures.push_back({.layer = Layer::worker, .reason = Reason::internal, .detail = "an exception of unknown type"});
  }
  if (!failures.front().rank) failures.front().rank = world_rank;
  if (!failures.front().phase) failures.front().phase = page.phase;
  if (failures.front().allocator.empty()) failures.front().allocator = page.allocator;
  if (failures.front().rank == world_rank) failures.front().pid = getpid();
  return failures;
}

}  // namespace

int run_worker(FrameChannel& channel, HeartbeatPage& page, const WorkerTask& task) try {
  PageHeartbeat heartbeat(page);
  const auto assignment = worker_assignment_from(
      json_of(channel.receive_kind(message::kWork, Deadline::in_seconds(deadline::kFirstWork_s)).payload));
  if (!assignment.channel_faults.empty()) channel.use(std::make_unique<FaultySocket>(assignment.channel_faults));
  const int attempt = assignment.request.attempt;
  const auto& deadlines = assignment.request.deadlines;
  const double tell_s = deadlines ? deadlines->tell_s : deadline::kTellSupervisor_s;
  const auto tell = [&](std::uint32_t kind, const Json& body) {
    channel.send(kind, body_of(body), Deadline::in_seconds(tell_s));
  };
  ChannelRecordSink records(channel, tell_s);
  std::optional<Failure> stopped_by;
  try {
    const auto step_timeout = std::chrono::nanoseconds(static_cast<std::int64_t>(assignment.round_s * 1e9));
    SupervisedCommunicator comm(channel, assignment.scope, assignment.world_rank, step_timeout);
    std::optional<HeldHeartbeat> held;
    if (const char* folder = std::getenv(kHoldVariable)) {
      held.emplace(heartbeat, assignment.request, folder, assignment.world_rank);
      held->begin();
    }
    WorkerContext context{.request = assignment.request,
                          .comm = comm,
                          .records = records,
                          .heartbeat = held ? static_cast<Heartbeat&>(*held) : heartbeat,
                          .job_nonce = assignment.job_nonce,
                          .item_done = {}};
    context.item_done = [&](int index) {
      if (comm.rank() == 0) tell(message::kItemDone, {{"attempt", attempt}, {"index", index}});
    };
    task(context);
    stopped_by = context.stopped_by;
  } catch (...) {
    const auto failures = current_failures(assignment.world_rank, page.snapshot());
    tell_strangers(records, static_cast<int>(assignment.scope.group), assignment.world_rank);
    tell(message::kFailed, {{"attempt", attempt}, {"failures", failures_to_json(failures)}});
    return kWorkerFailedStatus;
  }
  tell_strangers(records, static_cast<int>(assignment.scope.group), assignment.world_rank);
  tell(message::kDone, {{"attempt", attempt}, {"stopped_by", stopped_by ? to_json(*stopped_by) : Json(nullptr)}});
  return kWorkerDoneStatus;
} catch (const Error& error) {
  // Only the channel itself fails here, so there is nobody left to tell. A closed one is how a thread is stopped.
  if (error.failure().reason != Reason::peer_failed) log_line("symmbench worker {}: {}", getpid(), error.what());
  return kWorkerFailedStatus;
} catch (const std::exception& error) {
  log_line("symmbench worker {}: {}", getpid(), error.what());
  return kWorkerFailedStatus;
}

int worker_main(const WorkerTask& task) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  prctl(PR_SET_NAME, "symmbench-work");  // started through /proc/self/exe, it would be called "exe"
  for (const int fd : {kWorkerChannelFd, kWorkerPageFd}) {
    if (fcntl(fd, F_SETFD, FD_CLOEXEC) != 0) {
      log_line("symmbench: a worker is started by 'symmbench run', not by hand (descriptor {} is closed)", fd);
      return kWorkerFailedStatus;
    }
  }
  try {
    auto page = HeartbeatPage::open(UniqueFd(kWorkerPageFd));
    FrameChannel channel(UniqueFd(kWorkerChannelFd), "the supervisor");
    // The supervisor may have died before the kernel was asked to tell.
    if (getppid() != page.supervisor_pid()) return kWorkerFailedStatus;
    return run_worker(channel, page, task);
  } catch (const std::exception& error) {
    log_line("symmbench worker {}: {}", getpid(), error.what());
    return kWorkerFailedStatus;
  }
}

}  // namespace symmbench
