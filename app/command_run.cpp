#include "app/command_run.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <system_error>

#include "app/cli.hpp"
#include "app/console.hpp"
#include "app/product.hpp"
#include "app/worker_task.hpp"
#include "comm/host_name.hpp"
#include "config/option_value.hpp"
#include "config/repro.hpp"
#include "core/binary_hash.hpp"
#include "core/log.hpp"
#include "fault/fault_plan.hpp"
#include "gate/run_limits.hpp"
#include "job/check_faults.hpp"
#include "job/emulation.hpp"
#include "job/launcher.hpp"
#include "job/launcher_line.hpp"
#include "job/measure.hpp"
#include "job/multicast_veto.hpp"
#include "job/plan_text.hpp"
#include "job/probe_job.hpp"
#include "job/session.hpp"
#include "job/soak_space.hpp"
#include "report/case_feed.hpp"
#include "report/outputs.hpp"
#include "report/probe_text.hpp"
#include "report/verdict.hpp"
#include "report/write.hpp"
#include "supervise/signals.hpp"
#include "symmbench_version.hpp"

namespace symmbench {
namespace {

/// "symmbench run", "symmbench probe".
std::string called(const ParsedCommand& command) { return "symmbench " + command.command; }

bool is_probe(const ParsedCommand& command) { return command.command == "probe"; }

/// Takes `step`, whose objections are told as this command's.
template <class Step>
auto as_command(const ParsedCommand& command, Step&& step) {
  try {
    return step();
  } catch (const Error& error) {
    Failure failure = error.failure();
    if (!failure.detail.starts_with("symmbench"))
      failure.detail = fmt::format("{}: {}", called(command), failure.detail);
    throw Error(failure);
  }
}

void check_places(const RunConfig& config) {
  if (config.output_dir) make_output_dir(*config.output_dir);
  check_outputs(config.outputs);
}

/// What argv and files alone decide, beyond the options themselves: the plan and the report's place.
JobPlan checked_plan(const ParsedCommand& command, std::span<const RankIntent> ranks) {
  return as_command(command, [&] {
    JobPlan plan(command.config, static_cast<int>(ranks.size()), multicast_veto(ranks));
    if (!command.plan_only) check_places(command.config);
    return plan;
  });
}

/// What argv and files alone decide of a probe.
void check_probe(const ParsedCommand& command, int world_size) {
  as_command(command, [&] {
    if (command.plan_only)
      fail_config("--plan: a probe has no plan: `symmbench plan` and `run --plan` say what a run would do");
    (void)emulation_of(command.config, world_size);
    if (world_size % command.config.ranks_per_group(world_size) != 0) {
      fail_config(fmt::format("--group-size '{}': must divide the ranks of the job, {}", command.config.group_size,
                              world_size));
    }
    check_probe_faults(command.config, world_size);
    check_places(command.config);
  });
}

/// What the run is held against; nullptr: nothing.
std::unique_ptr<RunGate> checked_gate(const ParsedCommand& command, const JobPlan& plan) {
  return as_command(command, [&] { return make_run_gate(command.config, plan.planned_rows()); });
}

int coordinate(MpiJob& job, JobPlan& plan, const RunConfig& config, const Invocation& invocation, const RunGate* gate) {
  Console console(config);
  OutputFiles files(config.outputs, config.output_dir);
  CaseFeed feed({&console, &files});
  job.listen(console);
  job.listen(feed);
  for (const auto& note : plan.plan().notes) log_line("symmbench run: {}", note);
  auto [report, family] = measure(job, plan, config, invocation, gate);
  feed.finish(report);
  const StoredOutputs outputs = files.store(report, family);
  for (const auto& why : outputs.problems) log_line("symmbench run: {}", why);  // the console may be off
  if (!console.end(report, outputs.stored) && outputs.stored.empty()) downgrade(report, "the results were not printed");
  // What was not asked for is not missed.
  const bool stored = !output_path(config, OutputFileKind::report) || outputs.holds(OutputFileKind::report);
  const int exit_code = report.at("verdict").at("exit_code").get<int>();
  job.finish(exit_code, stored);
  return exit_code;
}

/// The report of a probe goes to stdout, as a table or (--json) as it is, and to its file where one is named.
int coordinate_probe(MpiJob& job, const ParsedCommand& command, const Invocation& invocation) {
  const RunConfig& config = command.config;
  Json report = probe(job, config, invocation, command.trace);
  OutputFiles files(config.outputs, config.output_dir);
  const StoredOutputs outputs = files.store(report, "");
  for (const auto& why : outputs.problems) log_line("{}: {}", called(command), why);
  try {
    print_product(command.json ? report.dump(2, ' ', false, Json::error_handler_t::replace) + "\n"
                               : probe_text(report));
  } catch (const Error& error) {
    log_line("{}: {}", called(command), error.what());
    if (outputs.stored.empty()) downgrade(report, "the results were not printed");
  }
  const bool stored = !output_path(config, OutputFileKind::report) || outputs.holds(OutputFileKind::report);
  const int exit_code = report.at("verdict").at("exit_code").get<int>();
  job.finish(exit_code, stored);
  return exit_code;
}

JobOptions job_options(const ParsedCommand& command, const MpiSession& mpi) {
  const RunConfig& config = command.config;
  // A --deadline-scale below 1 shortens what --timeout bounds; mpi knows of one above, and of busy machines.
  const double scale = std::min(config.deadline_scale, 1.0) * mpi.widened_by();
  return {.command = called(command),
          .group_size = config.ranks_per_group(mpi.size()),
          .deadlines = deadlines_of(config.timeout_s, scale),
          .isolate = config.isolation == Isolation::process,
          .time_limit_s = config.time_limit_s,
          .task = run_worker_task,
          .channel_faults = parse_fault_plan(config.inject).channel_faults(mpi.rank())};
}

/// Of this executable; as it was called where the system does not say.
std::string program_path() {
  std::error_code failed;
  const auto path = std::filesystem::read_symlink("/proc/self/exe", failed);
  return failed ? program_invocation_name : path.string();
}

std::optional<std::string> journal_dir(const RunConfig& config) {
  if (config.journal_path) return config.journal_path;
  if (const auto report = output_path(config, OutputFileKind::report)) return *report + ".journal";
  return std::nullopt;
}

const char* variable(const char* name) { return std::getenv(name); }

RankIntent intent(const ParsedCommand& command, const std::optional<std::string>& objection) {
  return {.host = host_name(),
          .build = fmt::format("{} ({}, {})", kVersion, kGitRevision, kBuildType),
          .binary = binary_hash(),
          .doing = command.command + (command.text        ? " --help"
                                      : command.plan_only ? " --plan"
                                                          : ""),
          .objection = objection,
          .config_text = objection ? "" : command.config.config_text,
          .multicast_veto = multicast_veto(variable)};
}

/// `binary`: binary_hash(), the same on all ranks or unknown.
Invocation invocation_of(const ParsedCommand& parsed, const std::vector<std::string>& arguments, int world_size,
                         const std::string& binary) {
  std::vector<std::string> words{program_invocation_name};
  words.insert(words.end(), arguments.begin(), arguments.end());
  const Json hash = binary == kNoHash ? Json(nullptr) : Json(binary);
  return {.tool = Json{{"version", kVersion}, {"git", kGitRevision}, {"build", kBuildType}, {"binary_hash", hash}},
          .command = fmt::format("symmbench {}", fmt::join(arguments, " ")),
          .repro_command =
              is_probe(parsed)
                  ? fmt::format("mpirun -n {} {} {}", world_size, program_path(), fmt::join(arguments, " "))
                  : repro_command(parsed.config,
                                  {.program = program_path(), .typed = parsed.typed, .world_size = world_size}),
          .launcher = launcher_line(),
          .emulated_command = emulated_command(words, world_size)};
}

/// What is known of a run that is not begun, as its ranks disagree or may not, goes where its report was to go.
void report_apart(const ParsedCommand& parsed, const std::vector<std::string>& arguments,
                  std::span<const RankIntent> ranks, const Disagreement& apart) {
  if (apart.exit_code == static_cast<int>(ExitCode::usage)) return;
  const auto written = objection_of([&] {
    const RunConfig& config = parsed.config;
    const auto world_size = static_cast<int>(ranks.size());
    const JobPlan plan(config, world_size, multicast_veto(ranks));
    const Invocation invocation = invocation_of(parsed, arguments, world_size, ranks.front().binary);
    Json report = report_of_disagreement(plan, config, invocation, ranks, apart.why);
    OutputFiles files(config.outputs, config.output_dir);
    for (const auto& problem : files.store(report, "").problems) log_line("symmbench run: {}", problem);
  });
  if (written) log_line("symmbench run: no report: {}", *written);
}

/// A command line, or what is wrong with it.
struct Understood {
  ParsedCommand command;
  std::optional<std::string> objection;
};

int run_on_all_ranks(MpiSession& mpi, const std::vector<std::string>& arguments, const Understood& understood) {
  const std::string name = "symmbench " + arguments.front();
  const auto& [command, objection] = understood;
  // Before any file is touched: each process would take the report for its own.
  if (const auto wrong = launcher_mismatch(mpi.size(), variable)) {
    log_line("{}: {}", name, *wrong);
    return leave(mpi, static_cast<int>(ExitCode::no_verdict));
  }
  // Before any rank goes its own way: one that only prints would leave while others wait for it.
  const auto ranks = intents_of_all(mpi, intent(command, objection));
  const auto apart = disagreement(name, ranks);
  if (apart) {
    if (mpi.rank() == 0) {
      log_line("{}", apart->why);
      if (!objection && !command.text && !command.plan_only && !is_probe(command))
        report_apart(command, arguments, ranks, *apart);
    }
    return leave(mpi, apart->exit_code);
  }
  std::optional<JobPlan> plan;  // rank 0's, as the gate is
  std::unique_ptr<RunGate> gate;
  const auto make_plan = [&] {
    if (mpi.rank() != 0 || command.text) return;
    if (is_probe(command)) return check_probe(command, mpi.size());
    plan = checked_plan(command, ranks);
    if (!command.plan_only) gate = checked_gate(command, *plan);
  };
  if (anyone_objects(mpi, "plan", objection_of(make_plan))) return leave(mpi, static_cast<int>(ExitCode::usage));
  if (mpi.rank() == 0) {
    for (const auto& note : command.notes) log_line("{}: {}", name, note);
  }
  if (command.text || command.plan_only) {
    const auto print = [&] {
      if (mpi.rank() == 0) print_text(command.text ? *command.text : plan_text(command.config, plan->plan()));
    };
    const bool printed = !anyone_objects(mpi, "output", objection_of(print));
    return leave(mpi, static_cast<int>(printed ? ExitCode::passed : ExitCode::no_verdict));
  }
  std::optional<std::string> refused;
  if (plan && plan->refusal()) refused = fmt::format("{}: {}", name, *plan->refusal());
  if (anyone_objects(mpi, "multicast", refused)) {
    if (refused) report_apart(command, arguments, ranks, {*refused, static_cast<int>(ExitCode::no_verdict)});
    return leave(mpi, static_cast<int>(ExitCode::no_verdict));
  }
  const auto no_space = soak_space_problem(command.config, journal_dir(command.config));
  const auto said = no_space
                        ? std::optional(fmt::format("{}: rank {} ({}): {}", name, mpi.rank(), host_name(), *no_space))
                        : std::nullopt;
  if (anyone_objects(mpi, "space for the journal", said)) return leave(mpi, static_cast<int>(ExitCode::no_verdict));
  const Invocation invocation = invocation_of(command, arguments, mpi.size(), ranks.front().binary);
  return run_job(mpi, job_options(command, mpi), journal_dir(command.config), [&](MpiJob& job) {
    return is_probe(command) ? coordinate_probe(job, command, invocation)
                             : coordinate(job, *plan, command.config, invocation, gate.get());
  });
}

}  // namespace

int command_run(const std::vector<std::string>& arguments) {
  die_with_parent();
  // What it objects to is told once all ranks have come, so that they leave together.
  Understood understood;
  understood.objection = objection_of([&] { understood.command = parse_command_line(arguments); });
  MpiSession mpi = arrive(understood.command.config.deadline_scale);
  try {
    return run_on_all_ranks(mpi, arguments, understood);
  } catch (const Error& error) {
    if (error.failure().layer != Layer::comm) throw;
    abandon(mpi, "symmbench " + arguments.front(), error.failure());
  }
}

}  // namespace symmbench
