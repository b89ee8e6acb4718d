#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <string>
#include <vector>

#include "app/cli.hpp"
#include "app/command_bundle.hpp"
#include "app/command_compare.hpp"
#include "app/command_explain.hpp"
#include "app/command_html.hpp"
#include "app/command_list.hpp"
#include "app/command_plan.hpp"
#include "app/command_run.hpp"
#include "app/command_salvage.hpp"
#include "app/command_selftest.hpp"
#include "app/command_threshold.hpp"
#include "app/command_validate.hpp"
#include "app/product.hpp"
#include "app/worker_task.hpp"
#include "core/log.hpp"
#include "core/prepare_process.hpp"
#include "report/verdict.hpp"

namespace {

using namespace symmbench;
using Arguments = std::vector<std::string>;

/// A command that runs alone: its command line is read first. Under mpirun MPI comes first instead, so that ranks leave
/// together whatever the command line holds.
template <int (*command)(const ParsedCommand&)>
int alone(const Arguments& arguments) {
  const ParsedCommand parsed = parse_command_line(arguments);
  if (!parsed.text) return command(parsed);
  print_product(*parsed.text);
  return 0;
}

/// How a supervisor starts its worker; of no use to a person, so no help speaks of it.
int worker(const Arguments&) { return worker_main(run_worker_task); }

struct Command {
  std::string_view name;  ///< as in command_table()
  int (*run)(const Arguments& arguments);
};
constexpr Command kCommands[] = {{"run", command_run},
                                 {"selftest", command_selftest},
                                 {"probe", command_run},
                                 {"plan", alone<command_plan>},
                                 {"list", alone<command_list>},
                                 {"validate", alone<command_validate>},
                                 {"compare", alone<command_compare>},
                                 {"threshold", alone<command_threshold>},
                                 {"html", alone<command_html>},
                                 {"salvage", alone<command_salvage>},
                                 {"bundle", alone<command_bundle>},
                                 {"explain", alone<command_explain>},
                                 {"worker", worker}};

int dispatch(const Arguments& arguments) {
  const auto* command = arguments.empty()
                            ? std::end(kCommands)
                            : std::find_if(std::begin(kCommands), std::end(kCommands),
                                           [&](const Command& one) { return one.name == arguments.front(); });
  if (command != std::end(kCommands)) return command->run(arguments);
  // Only --help and --version go through; for a name that is no command it throws.
  print_product(parse_command_line(arguments).text.value());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  prepare_process();
  const Arguments arguments(argv + 1, argv + argc);
  try {
    return dispatch(arguments);
  } catch (const Error& error) {
    const Failure& failure = error.failure();
    const bool usage = failure.layer == Layer::config;
    log_line("{}", usage ? failure.detail : std::string("symmbench: ") + error.what());
    return static_cast<int>(usage ? ExitCode::usage : ExitCode::no_verdict);
  } catch (const std::exception& error) {
    log_line("symmbench: {}", error.what());
    return static_cast<int>(ExitCode::no_verdict);
  }
}
