#include "job/session.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <memory>

#include "bench/rank_place.hpp"
#include "comm/job_nonce.hpp"
#include "core/alarm.hpp"
#include "core/deadlines.hpp"
#include "core/log.hpp"
#include "job/arrivals.hpp"
#include "report/verdict.hpp"
#include "supervise/kernel_log.hpp"

namespace symmbench {
namespace {

/// A rank's journal, or why it has none although one is wanted.
struct RankJournal {
  std::optional<JournalWriter> writer;
  std::optional<Failure> problem;
};

/// What is wrong with the path itself, or with two runs that share it, is for the user to mend before anything runs.
/// Whatever else the file system says (full, read-only, broken) costs the journal, not the run.
bool is_objection(const Failure& failure) {
  constexpr std::array kOfPath{ENOENT, ENOTDIR, EEXIST, EISDIR, ENAMETOOLONG, ELOOP, EINVAL};
  return failure.reason == Reason::illegal_state ||
         (failure.code && std::find(kOfPath.begin(), kOfPath.end(), *failure.code) != kOfPath.end());
}

void open_on_rank_0(const std::string& command, const std::string& dir, RankJournal& journal) {
  if (const auto kept = put_aside_journal(dir)) {
    log_line("{}: '{}' holds the records of a run that never finished; kept in '{}'", command, dir, *kept);
  }
  journal.writer.emplace(dir, 0);
}

/// Collective. Every rank's journal, none where none is wanted. Rank 0 goes first: it makes the directory, and so is
/// the one to remove it. Only its problems come back as an objection, for the user named that place; elsewhere a
/// journal serves the salvage of a killed run and no more.
std::optional<std::string> open_journal(MpiSession& mpi, const std::string& command,
                                        const std::optional<std::string>& dir, RankJournal& journal) {
  if (!dir) return std::nullopt;
  std::optional<std::string> objection;
  try {
    if (mpi.rank() == 0) open_on_rank_0(command, *dir, journal);
  } catch (const Error& error) {
    journal.problem = error.failure();
    if (is_objection(error.failure())) objection = fmt::format("{}: --journal: {}", command, error.failure().detail);
  }
  if (mpi.agree_max("journal", objection ? 1 : 0) != 0 || mpi.rank() == 0) return objection;
  try {
    journal.writer.emplace(*dir, mpi.rank());
  } catch (const Error& error) {
    journal.problem = error.failure();
  }
  return std::nullopt;
}

}  // namespace

MpiSession arrive(double scale) {
  const double widened_by = start_widening(scale);
  const ArrivalWatch watch(widened_by);
  return MpiSession(widened_by);
}

std::optional<std::string> objection_of(const std::function<void()>& step) {
  try {
    step();
    return std::nullopt;
  } catch (const Error& error) {
    return error.failure().detail;
  } catch (const std::exception& error) {
    return fmt::format("symmbench: {}", error.what());  // the other ranks must still hear of it
  }
}

bool anyone_objects(MpiSession& mpi, std::string_view step, const std::optional<std::string>& objection) {
  const int speaker = mpi.size() - mpi.agree_max(step, objection ? mpi.size() - mpi.rank() : 0);
  if (speaker == mpi.rank()) log_line("{}", *objection);
  return speaker < mpi.size();
}

std::vector<RankIntent> intents_of_all(MpiSession& mpi, RankIntent mine) {
  mine.widened_by = mpi.widened_by();
  std::vector<RankIntent> intents;
  for (const auto& text : mpi.gather("command line, binary and configuration", text_of(mine))) {
    intents.push_back(intent_from(text));
    mpi.widen(intents.back().widened_by);
  }
  return intents;
}

void abandon(const MpiSession& mpi, const std::string& command, const Failure& failure) {
  if (failure.rank.value_or(mpi.rank()) == mpi.rank()) log_line("{}: {}", command, failure.detail);
  std::fflush(nullptr);
  ::_exit(static_cast<int>(ExitCode::no_verdict));
}

int leave(MpiSession& mpi, int exit_code) {
  const Alarm alarm(deadline::kFinalize_s * mpi.widened_by(), exit_code, "");
  mpi.finalize();
  return exit_code;
}

int run_job(MpiSession& mpi, JobOptions options, const std::optional<std::string>& journal_dir,
            const std::function<int(MpiJob&)>& coordinate) {
  RankJournal journal;
  if (anyone_objects(mpi, "journal of rank 0", open_journal(mpi, options.command, journal_dir, journal))) {
    return leave(mpi, static_cast<int>(ExitCode::usage));
  }
  const int local_rank = mpi.local_rank_and_size().first;
  const MpiLibrary library = mpi_library();
  tell_worker_its_place({.local_rank = local_rank,
                         .supervisor_pid = ::getpid(),
                         .mpi = library.name,
                         .mpi_standard = library.standard,
                         .launched = launcher_variables()});
  if (local_rank == 0) {
    options.host_news = [log = std::make_shared<KernelLog>(mpi.rank())] { return log->news(); };
  }
  options.job_nonce = mpi.broadcast("job nonce", mpi.rank() == 0 ? make_job_nonce() : "");
  int exit_code = 0;
  {
    MpiTransport transport(mpi);
    MpiJob job(transport, std::move(options), journal.writer ? &*journal.writer : nullptr, journal.problem);
    exit_code = mpi.rank() == 0 ? coordinate(job) : job.serve();
    std::fflush(nullptr);
    // With a rank lost, MPI_Finalize would wait for it indefinitely; so would the destructor of what MPI still holds.
    if (!job.orderly()) ::_exit(exit_code);
  }
  return leave(mpi, exit_code);
}

}  // namespace symmbench
