#include "app/command_selftest.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstdlib>

#include "app/cli.hpp"
#include "app/product.hpp"
#include "app/worker_task.hpp"
#include "comm/host_name.hpp"
#include "config/option_value.hpp"
#include "config/options.hpp"
#include "core/binary_hash.hpp"
#include "core/log.hpp"
#include "core/text.hpp"
#include "job/launcher.hpp"
#include "job/session.hpp"
#include "report/schema_validation.hpp"
#include "report/verdict.hpp"
#include "report/write.hpp"
#include "selftest/run_selftest.hpp"
#include "supervise/signals.hpp"
#include "symmbench_version.hpp"

namespace symmbench {
namespace {

constexpr std::string_view kCommand = "symmbench selftest";

/// The value of one of the command's own options, read as `run` reads its option of that name.
template <class T>
void take(const TypedOptions& typed, std::string_view name, T& value) {
  const auto at = typed.find(std::string(name));
  if (at == typed.end()) return;
  const OptionSpec& spec = option(name);
  value = value_from_text(spec, at->second, Origin::command_line(spec)).get<T>();
}

std::vector<std::string> list_in(const TypedOptions& typed, const std::string& name) {
  const auto at = typed.find(name);
  return at == typed.end() ? std::vector<std::string>{} : split_list(at->second);
}

/// What is emulated and what is not was asked for in either case.
void take_device(const TypedOptions& typed, SelftestPlan& plan) {
  const auto typed_device = typed.find("device");
  if (typed_device == typed.end()) {
    fail_config(
        "needs --device host (the emulated device: every fault) or --device cuda (the faults that are safe on GPUs)");
  }
  const std::string& device = typed_device->second;
  if (device != "host" && device != "cuda") {
    fail_config(
        fmt::format("--device '{}': must be host (the emulated device: every fault) or cuda (the faults that are "
                    "safe on GPUs)",
                    device));
  }
  plan.device = device == "host" ? DeviceChoice::host : DeviceChoice::cuda;
}

SelftestPlan plan_of(const TypedOptions& typed) {
  SelftestPlan plan{.faults = list_in(typed, "faults"), .allocators = list_in(typed, "allocator")};
  take_device(typed, plan);
  take(typed, "seed", plan.seed);
  take(typed, "timeout", plan.timeout_s);
  bool check = true;
  take(typed, "check", check);
  plan.check = check ? CheckMode::on : CheckMode::off;
  plan.exhaustive = typed.contains("exhaustive");
  return plan;
}

/// What stdout does not take now is told at the end: the faults are provoked all the same.
void show_text(std::string_view text) {
  (void)objection_of([&] { print_product(text); });
}
void show(const TestedFault& tested) { show_text(line_of(tested)); }

int with_ranks(MpiSession& mpi, const std::vector<std::string>& arguments) {
  if (const auto wrong = launcher_mismatch(mpi.size(), [](const char* n) -> const char* { return std::getenv(n); })) {
    log_line("{}: {}", kCommand, *wrong);
    return leave(mpi, static_cast<int>(ExitCode::no_verdict));
  }
  ParsedCommand parsed;
  SelftestPlan plan;
  std::optional<std::string> report;
  const auto objection = objection_of([&] {
    parsed = parse_command_line(arguments);
    if (parsed.text) return;
    try {
      plan = plan_of(parsed.typed);
      (void)scenarios_of(plan, mpi.size());
      if (mpi.size() < 2) fail_config("needs 2 ranks or more: start it with mpirun -n 4");
      if (const auto at = parsed.typed.find("report"); at != parsed.typed.end()) report = at->second;
      if (report && mpi.rank() == 0) check_writable(*report);
    } catch (const Error& error) {
      Failure failure = error.failure();
      failure.detail = fmt::format("{}: {}", kCommand, failure.detail);
      throw Error(std::move(failure));
    }
  });
  const auto ranks = intents_of_all(mpi, {.host = host_name(),
                                          .build = fmt::format("{} ({}, {})", kVersion, kGitRevision, kBuildType),
                                          .binary = binary_hash(),
                                          .doing = parsed.text ? "selftest --help" : "selftest",
                                          .objection = objection,
                                          .config_text = Json(parsed.typed).dump()});
  if (const auto apart = disagreement(std::string(kCommand), ranks)) {
    if (mpi.rank() == 0) log_line("{}", apart->why);
    return leave(mpi, apart->exit_code);
  }
  if (parsed.text) {
    const bool printed = !anyone_objects(mpi, "output", objection_of([&] {
                                           if (mpi.rank() == 0) print_product(*parsed.text);
                                         }));
    return leave(mpi, static_cast<int>(printed ? ExitCode::passed : ExitCode::no_verdict));
  }

  SelftestJob job{.head = {.tool = Json{{"version", kVersion}, {"git", kGitRevision}, {"build", kBuildType}},
                           .command = fmt::format("symmbench {}", fmt::join(arguments, " ")),
                           .started_at = utc_timestamp(),
                           .world_size = mpi.size()},
                  .plan = plan,
                  .task = run_worker_task,
                  .tell = show};
  if (mpi.rank() == 0 && plan.device == DeviceChoice::host) show_text("# EMULATED device\n");
  SelftestResult result = run_selftest(mpi, job);
  if (mpi.rank() == 0) {
    const auto problem = objection_of([&] {
      print_product(matrix_text(result.document));
      if (report) write_report(*report, result.document);
    });
    if (problem) log_line("{}: {}", kCommand, *problem);
    const ExitCode own = problem ? ExitCode::no_verdict : ExitCode::passed;
    result.exit_code = static_cast<int>(worse(own, static_cast<ExitCode>(result.exit_code)));
  }
  std::fflush(nullptr);
  if (!result.orderly) ::_exit(result.exit_code);
  return leave(mpi, mpi.agree_max("exit code", result.exit_code));
}

}  // namespace

int command_selftest(const std::vector<std::string>& arguments) {
  die_with_parent();
  MpiSession mpi = arrive(1);
  try {
    return with_ranks(mpi, arguments);
  } catch (const Error& error) {
    if (error.failure().layer != Layer::comm) throw;
    abandon(mpi, std::string(kCommand), error.failure());
  }
}

}  // namespace symmbench
