#include "job/mpi_job.hpp"

#include <algorithm>
#include <utility>

namespace symmbench {
namespace {

constexpr double kUnlimited_s = 1e8;
constexpr const char* kJournalsRedundant = "journals_redundant";  // in the farewell

SupervisorOptions supervisor_options(JobOptions options) {
  SupervisorOptions supervisor;
  supervisor.job_nonce = std::move(options.job_nonce);
  supervisor.group_size = options.group_size;
  supervisor.round_s = options.deadlines.round_s;
  supervisor.watchdog_s = options.deadlines.watchdog_s - options.deadlines.round_s;
  supervisor.settle_s = options.deadlines.settle_s;
  supervisor.stop_s = options.deadlines.stop_s;
  supervisor.leader_s = options.deadlines.leader_s;
  supervisor.lasting = LastingBounds::of(options.deadlines);
  supervisor.isolate = options.isolate;
  supervisor.worker_argv = {"/proc/self/exe", "worker"};
  supervisor.task = std::move(options.task);
  supervisor.channel_faults = std::move(options.channel_faults);
  supervisor.host_news = std::move(options.host_news);
  return supervisor;
}

}  // namespace

MpiJob::MpiJob(Transport& transport, JobOptions options, JournalWriter* journal,
               const std::optional<Failure>& no_journal)
    : transport_(transport),
      deadlines_(options.deadlines),
      time_limit_(Deadline::in_seconds(options.time_limit_s > 0 ? options.time_limit_s : kUnlimited_s)),
      journal_(journal, transport.rank(), [this](const Json& event) { tell(event); }),
      supervisor_(transport, supervisor_options(std::move(options)), journal_,
                  transport.rank() == 0 ? &log_ : nullptr) {
  if (no_journal) journal_.could_not_open(*no_journal);
}

void MpiJob::tell(const Json& event) {
  // On rank 0, too, the first run() brings what happened before anybody listened.
  if (transport_.rank() == 0 && log_.is_heard()) return log_.append(event);
  supervisor_.tell(event);
}

RunOutcome MpiJob::run(const GroupWork& work, std::optional<double> within_s) {
  const double left_s = std::chrono::duration<double>(time_limit_.left()).count();
  return supervisor_.run(work, std::min(left_s, within_s.value_or(left_s)));
}

RunOutcome MpiJob::run(const std::vector<WorkRequest>& work) {
  return run([&](int) { return work; });
}

void MpiJob::append(const Json& record) {
  journal_.append(record);
  log_.append(record);
}

void MpiJob::finish(int exit_code, bool journals_redundant) {
  orderly_ = supervisor_.finish(exit_code, Json{{kJournalsRedundant, journals_redundant}});
  if (journals_redundant && orderly_) journal_.remove();
}

int MpiJob::serve() {
  const int exit_code = supervisor_.serve([this](const Json& farewell) {
    if (farewell.value(kJournalsRedundant, false)) journal_.remove();
  });
  orderly_ = supervisor_.orderly();
  return exit_code;
}

}  // namespace symmbench
