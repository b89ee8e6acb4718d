#pragma once
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/nccl_tests.hpp"
#include "config/run_config.hpp"
#include "core/document.hpp"

namespace symmbench {

/// One option of a single command, beside those of the option table (config/options.hpp).
struct CommandOption {
  std::string_view name;      ///< "ranks"
  std::string_view argument;  ///< "N"; empty: a flag
  std::string_view help;
  char letter = 0;  ///< 0: none
};

struct CommandSpec {
  std::string_view name;
  std::string_view arguments;  ///< after the name, in the usage line
  std::string_view about;      ///< one line
  std::string_view details = {};
  bool run_options = false;          ///< takes every option of the option table
  std::string_view positional = {};  ///< "FILE"; empty: none
  std::string_view subjects = {};    ///< what the positional argument can be, where that is a short list
  bool several = false;              ///< of the positional argument one or more
  bool with_dashes = false;          ///< it may begin with dashes
  std::span<const CommandOption> options = {};
  std::string_view exit_codes = {};
};

/// Every subcommand, in the order of --help.
std::span<const CommandSpec> command_table();

/// What the command line asks for. Only the members of its command are set.
struct ParsedCommand {
  std::string command;                     ///< "run", "plan", "list", ...; empty when only `text` was asked for
  std::optional<std::string> text;         ///< --help or --version: print it to stdout and exit 0
  RunConfig config;                        ///< run, plan
  std::optional<std::string> config_path;  ///< what --config named: a file or a shipped configuration
  TypedOptions typed;                      ///< what was typed; run, plan: with nccl-tests' options taken out
  std::vector<std::string> notes;          ///< run, plan: what is told about options of nccl-tests, a line each
  bool plan_only = false;                  ///< run --plan
  int ranks = 4;                           ///< plan --ranks
  bool json = false;                       ///< plan, list --json
  std::vector<std::string> subjects;       ///< validate FILE..., compare A B, list WHAT, salvage DIR, ...: one or more
  std::optional<std::string> output;       ///< salvage, bundle -o
  bool trace = false;                      ///< probe --trace
  bool force = false;                      ///< salvage, bundle --force
  std::optional<double> max_regress;       ///< compare --max-regress, in percent
  std::optional<double> margin;            ///< threshold --margin, in percent
  std::string format = "text";             ///< compare --format
};

/// Parses, reads the config file and resolves. Neither prints nor exits.
/// @throws Error{config, ...}: exit 2; failure().detail is the whole line to print: "symmbench run: --stepfactor '0.5':
/// must be greater than 1"
ParsedCommand parse_command_line(int argc, const char* const* argv);
/// The same without the program's name: {"run", "-b", "1K"}.
ParsedCommand parse_command_line(const std::vector<std::string>& arguments);

/// Its details, with what its positional argument can be.
std::string details_of(const CommandSpec& command);

/// What --help prints, for one command and for the tool.
std::string help_of(const CommandSpec& command);
std::string help_of_tool();

/// A configuration of configs/, built into the program.
struct ShippedConfig {
  std::string_view name;  ///< "quick"
  std::string_view text;
};
std::span<const ShippedConfig> shipped_configs();

/// What `--config asked` means: a file, else the shipped configuration of that name.
/// @throws Error{config, ...} when it is neither, naming the shipped ones, or no JSON
Document load_config(const std::string& asked);

}  // namespace symmbench
