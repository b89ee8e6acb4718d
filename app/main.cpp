#include <fmt/format.h>

#include <exception>
#include <string>
#include <vector>

#include "app/cli.hpp"
#include "app/command_list.hpp"
#include "app/command_plan.hpp"
#include "app/command_run.hpp"
#include "app/command_validate.hpp"
#include "app/worker_task.hpp"
#include "report/verdict.hpp"

namespace {

using namespace symmbench;

int dispatch(const std::vector<std::string>& arguments) {
  if (!arguments.empty() && arguments.front() == "run") return command_run(arguments);
  const ParsedCommand command = parse_command_line(arguments);
  if (command.text) {
    fmt::print("{}", *command.text);
    return 0;
  }
  if (command.command == "plan") return command_plan(command);
  if (command.command == "list") return command_list(command);
  return command_validate(command);
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  try {
    // How a supervisor starts its worker; of no use to a person, so no help speaks of it.
    if (!arguments.empty() && arguments.front() == "worker") return worker_main(run_worker_task);
    return dispatch(arguments);
  } catch (const Error& error) {
    const Failure& failure = error.failure();
    const bool usage = failure.layer == Layer::config;
    fmt::print(stderr, "{}\n", usage ? failure.detail : std::string("symmbench: ") + error.what());
    return static_cast<int>(usage ? ExitCode::usage : ExitCode::no_verdict);
  } catch (const std::exception& error) {
    fmt::print(stderr, "symmbench: {}\n", error.what());
    return static_cast<int>(ExitCode::no_verdict);
  }
}
