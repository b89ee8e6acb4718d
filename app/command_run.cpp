#include "app/command_run.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <csignal>
#include <map>

#include "app/cli.hpp"
#include "app/command_plan.hpp"
#include "app/console.hpp"
#include "app/run_job.hpp"
#include "app/worker_task.hpp"
#include "comm/job_nonce.hpp"
#include "comm/mpi_transport.hpp"
#include "config/options.hpp"
#include "config/resolve.hpp"
#include "core/rank_groups.hpp"
#include "core/text.hpp"
#include "journal/journal.hpp"
#include "report/fold.hpp"
#include "report/outputs.hpp"
#include "report/verdict.hpp"
#include "supervise/signals.hpp"
#include "symmbench_version.hpp"

namespace symmbench {
namespace {

constexpr int kPassed = static_cast<int>(ExitCode::passed);
constexpr int kUsage = static_cast<int>(ExitCode::usage);
constexpr int kNoVerdict = static_cast<int>(ExitCode::no_verdict);
constexpr double kForever_s = 1e8;
constexpr unsigned kFinalize_s = 10;

/// Collective. The first rank that has something to say says it; all ranks then know that somebody had.
bool anyone_objects(MpiSession& mpi, const std::optional<std::string>& objection) {
  const int speaker = mpi.size() - mpi.agree_max(objection ? mpi.size() - mpi.rank() : 0);
  if (speaker == mpi.rank()) fmt::print(stderr, "{}\n", *objection);
  return speaker < mpi.size();
}

/// What argv and files alone decide, beyond the options themselves: the plan and the report's place.
void check_before_running(const ParsedCommand& command, const MpiSession& mpi) {
  try {
    make_plan(command.config, mpi.size(), 0);
    if (mpi.rank() == 0 && !command.plan_only) check_outputs(command.config.outputs);
  } catch (const Error& error) {
    Failure failure = error.failure();
    if (!failure.detail.starts_with("symmbench")) failure.detail = "symmbench run: " + failure.detail;
    throw Error(failure);
  }
}

std::optional<std::string> journal_dir(const RunConfig& config) {
  if (config.journal_path) return config.journal_path;
  if (const auto report = output_path(config, OutputFileKind::report)) return *report + ".journal";
  return std::nullopt;
}

/// Collective. Every rank's journal, none where none is wanted. Rank 0 goes first: it makes the directory, and so is
/// the one to remove it. Only its troubles are the user's to mend, and come back as an objection; elsewhere a journal
/// serves the salvage of a killed run and no more.
std::optional<std::string> open_journal(MpiSession& mpi, const RunConfig& config,
                                        std::optional<JournalWriter>& journal) {
  const auto dir = journal_dir(config);
  if (!dir) return std::nullopt;
  std::optional<std::string> objection;
  const auto open = [&] { journal.emplace(*dir, mpi.rank()); };
  if (mpi.rank() == 0) {
    try {
      if (const auto kept = put_aside_journal(*dir)) {
        fmt::print(stderr, "symmbench run: '{}' holds the records of a run that never finished; kept in '{}'\n", *dir,
                   *kept);
      }
      open();
    } catch (const Error& error) {
      objection = fmt::format("symmbench run: --journal: {}", error.failure().detail);
    }
  }
  if (mpi.agree_max(objection ? 1 : 0) != 0 || mpi.rank() == 0) return objection;
  try {
    open();
  } catch (const Error& error) {
    fmt::print(stderr, "symmbench run: rank {} goes on without a journal: {}\n", mpi.rank(), error.failure().detail);
  }
  return std::nullopt;
}

/// MPI_Finalize waits for all ranks; one that died after its farewell must not hold the others for ever.
void finalize_within(MpiSession& mpi, unsigned seconds, int exit_code) {
  static volatile std::sig_atomic_t code_at_alarm;
  code_at_alarm = exit_code;
  ::signal(SIGALRM, [](int) { ::_exit(code_at_alarm); });
  ::alarm(seconds);
  mpi.finalize();
  ::alarm(0);
}

/// Hands records to several sinks; any of them may be absent.
class Tee final : public RecordSink {
 public:
  Tee(RecordSink* first, RecordSink* second) : first_(first), second_(second) {}
  void append(const Json& record) override {
    if (first_ != nullptr) first_->append(record);
    if (second_ != nullptr) second_->append(record);
  }

 private:
  RecordSink* first_;
  RecordSink* second_;
};

/// Rank 0's memory of the run: what the report is folded from, handed on as it comes in.
class RecordLog final : public RecordSink {
 public:
  RecordLog(Console& console, CaseFeed& feed) : console_(console), feed_(feed) {}
  void append(const Json& record) override {
    records_.push_back(record);
    console_.append(record);
    feed_.append(record);
  }
  const std::vector<Json>& records() const { return records_; }
  std::vector<Json> of_type(std::string_view type) const {
    std::vector<Json> found;
    for (const auto& record : records_) {
      if (record.value("type", std::string()) == type) found.push_back(record);
    }
    return found;
  }

 private:
  Console& console_;
  CaseFeed& feed_;
  std::vector<Json> records_;
};

/// The configuration without where this run writes: repeated from its own report, a run must not write over it.
Json repeatable(const RunConfig& config) {
  Json settings = parse_json(config.config_text, "configuration");
  for (const auto& spec : option_table()) {
    if (spec.says_where()) settings.erase(spec.key());
  }
  return settings;
}

/// `config` is `command.config` with the device's tuning table; a repetition decides on that anew.
RunStarted run_started(const ParsedCommand& command, const RunConfig& config, const std::vector<std::string>& arguments,
                       int world_size, const DeviceDecision& device, const std::string& started_at) {
  RunStarted started;
  started.tool = Json{{"version", kVersion}, {"git", kGitRevision}, {"build", kBuildType}};
  started.run = Json{{"command", fmt::format("symmbench {}", fmt::join(arguments, " "))},
                     {"repro_command", repro_command(command.config, world_size)},
                     {"config", repeatable(config)},
                     {"seed", config.seed},
                     {"started_at", started_at}};
  started.device = Json{{"asked", started.run.at("config").value("device", std::string("auto"))},
                        {"kind", device.kind},
                        {"emulated", device.emulated},
                        {"reason", device.reason}};
  started.world_size = world_size;
  started.group_size = ranks_per_group(config.group_size, world_size);
  started.planned_rows = planned_rows(config, world_size);
  started.planned_lifecycles = planned_lifecycles(config, world_size);
  started.strict = config.strict;
  started.raw_samples = config.raw_samples;
  started.skip_if_unsupported = config.skip_if_unsupported;
  return started;
}

/// One record per rank, the latest: a preflight that was started again reports again.
std::vector<Json> latest_facts(const std::vector<Json>& records) {
  std::map<int, Json> by_rank;
  for (const auto& record : records) by_rank[record.at("rank").get<int>()] = record;
  std::vector<Json> latest;
  for (auto& [rank, record] : by_rank) latest.push_back(std::move(record));
  return latest;
}

/// One rank's part of the job: its supervisor and journal, until the code that all ranks leave with is known.
class Rank {
 public:
  Rank(MpiSession& mpi, const ParsedCommand& command, const std::vector<std::string>& arguments,
       std::optional<JournalWriter>& journal)
      : mpi_(mpi),
        command_(command),
        config_(command.config),
        arguments_(arguments),
        transport_(mpi),
        journal_(journal) {}

  int lead() {
    Console console(config_);
    OutputFiles files(config_.outputs);
    CaseFeed feed({&console, &files});
    RecordLog log(console, feed);
    Tee own(journal_ ? &*journal_ : nullptr, &log);
    Supervisor supervisor(transport_, options(), *journal_sink(), &log);

    for (const auto& note : make_plan(config_, mpi_.size(), 0).notes) fmt::print(stderr, "symmbench run: {}\n", note);
    const std::string started_at = utc_timestamp();
    const auto limit = Deadline::in_seconds(config_.time_limit_s > 0 ? config_.time_limit_s : kForever_s);
    const auto left_s = [&] { return std::chrono::duration<double>(limit.left()).count(); };
    WorkRequest preflight{.task = "preflight", .label = "preflight"};
    RunOutcome outcome = supervisor.run(std::vector{preflight}, left_s());
    const auto facts = latest_facts(log.of_type("rank"));
    const DeviceDecision device = decide_device(config_, facts, mpi_.size());
    const RunConfig config = config_for(config_, device);
    if (auto concern = tuning_concern(config, device)) {
      own.append(to_json(EventRecord{.what = "foreign_tuning", .detail = std::move(*concern), .data = nullptr}));
    }
    own.append(to_json(run_started(command_, config, arguments_, mpi_.size(), device, started_at)));

    std::optional<std::string> problem = device.problem;
    if (!problem) problem = memory_problem(make_plan(config, mpi_.size(), 0), device, facts);
    if (!outcome.interrupted && !problem) {
      const auto work = [&](int group) { return work_of(make_plan(config, mpi_.size(), group), config, device); };
      outcome = supervisor.run(work, left_s());
    }
    RunEnded ended{.ended_at = utc_timestamp(), .complete = !outcome.interrupted && !problem};
    if (outcome.interrupted) {
      ended.interrupted_by = outcome.interrupted_by;
    } else if (problem) {
      ended.interrupted_by = problem;
      ended.unsupported = true;
    }
    own.append(to_json(ended));

    Json report = fold_report(log.records());
    feed.finish(report);
    const StoredOutputs outputs = files.store(report, device.family);
    for (const auto& why : outputs.problems) fmt::print(stderr, "symmbench run: {}\n", why);  // the console may be off
    console.end(report, outputs.stored);
    // What was not asked for is not missed.
    const bool stored = !output_path(config_, OutputFileKind::report) || outputs.holds(OutputFileKind::report);
    const int exit_code = report.at("verdict").at("exit_code").get<int>();
    orderly_ = supervisor.finish(exit_code, Json{{"report_stored", stored}});
    if (stored && orderly_) drop_journal();
    return exit_code;
  }

  int follow() {
    Supervisor supervisor(transport_, options(), *journal_sink(), nullptr);
    const int exit_code = supervisor.serve([this](const Json& farewell) {
      if (farewell.value("report_stored", false)) drop_journal();
    });
    orderly_ = supervisor.orderly();
    return exit_code;
  }

  bool orderly() const { return orderly_; }

 private:
  class Nowhere final : public RecordSink {
    void append(const Json&) override {}
  };

  /// The report has made it redundant.
  void drop_journal() {
    if (journal_) journal_->remove();
  }

  RecordSink* journal_sink() { return journal_ ? static_cast<RecordSink*>(&*journal_) : &nowhere_; }

  SupervisorOptions options() {
    const Deadlines deadlines = deadlines_of(config_);
    SupervisorOptions options;
    options.job_nonce = nonce_;
    options.group_size = ranks_per_group(config_.group_size, mpi_.size());
    options.round_s = deadlines.round_s;
    options.watchdog_s = deadlines.watchdog_s - deadlines.round_s;
    options.isolate = config_.isolation == Isolation::process;
    options.worker_argv = {"/proc/self/exe", "worker"};
    options.task = run_worker_task;
    return options;
  }

  MpiSession& mpi_;
  const ParsedCommand& command_;
  const RunConfig& config_;
  const std::vector<std::string>& arguments_;
  MpiTransport transport_;
  const std::string nonce_ = mpi_.broadcast(mpi_.rank() == 0 ? make_job_nonce() : "");
  std::optional<JournalWriter>& journal_;
  Nowhere nowhere_;
  bool orderly_ = false;
};

/// The same build and the same configuration on every rank, or the first rank's complaint.
std::optional<std::string> mismatch(MpiSession& mpi, const RunConfig& config) {
  const std::string mine =
      fmt::format("{} {} {} {:016x}", kVersion, kGitRevision, kBuildType, fnv1a(config.config_text));
  const std::string leaders = mpi.broadcast(mine);
  if (mine == leaders) return std::nullopt;
  return fmt::format("symmbench run: rank {} runs build and configuration '{}', rank 0 '{}': all ranks need the same",
                     mpi.rank(), mine, leaders);
}

}  // namespace

int command_run(const std::vector<std::string>& arguments) {
  die_with_parent();
  MpiSession mpi;
  ParsedCommand command;
  std::optional<std::string> objection;
  try {
    command = parse_command_line(arguments);
    if (!command.text) check_before_running(command, mpi);
  } catch (const Error& error) {
    objection = error.failure().detail;
  }
  if (anyone_objects(mpi, objection)) {
    mpi.finalize();
    return kUsage;
  }
  if (command.text || command.plan_only) {
    if (mpi.rank() == 0) {
      if (command.text) {
        fmt::print("{}", *command.text);
      } else {
        command.ranks = mpi.size();
        command_plan(command);
      }
    }
    mpi.finalize();
    return kPassed;
  }
  if (anyone_objects(mpi, mismatch(mpi, command.config))) {
    mpi.finalize();
    return kNoVerdict;
  }

  std::optional<JournalWriter> journal;
  if (anyone_objects(mpi, open_journal(mpi, command.config, journal))) {
    mpi.finalize();
    return kUsage;
  }

  ::setenv(kLocalRankVariable, std::to_string(mpi.local_rank_and_size().first).c_str(), 1);
  ::setenv(kSupervisorPidVariable, std::to_string(::getpid()).c_str(), 1);
  int exit_code = kNoVerdict;
  {
    Rank rank(mpi, command, arguments, journal);
    exit_code = mpi.rank() == 0 ? rank.lead() : rank.follow();
    std::fflush(nullptr);
    // With a rank lost, MPI_Finalize would wait for it for ever; so would the destructor of what MPI still holds.
    if (!rank.orderly()) ::_exit(exit_code);
  }
  finalize_within(mpi, kFinalize_s, exit_code);
  return exit_code;
}

}  // namespace symmbench
