#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "app/cli.hpp"
#include "config/options.hpp"

namespace symmbench {

/// An option as a shell completes it, of the option table or of one command.
struct CompletedOption {
  std::string name;  ///< "--allocator"
  char letter = 0;   ///< 0: none
  std::string help;  ///< one sentence
  enum class Takes { nothing, anything, one_of, list_of, file, folder } takes = Takes::nothing;
  std::vector<std::string> words;  ///< what it can be; for a file, names that stand for one
};

/// What `command` takes, in the order of its help; nothing that is not in this version.
std::vector<CompletedOption> completed_options(const CommandSpec& command);

/// What the positional argument of `command` can be: the topics of `list`, the commands of `help`; else empty.
std::vector<std::string> completed_subjects(std::string_view command);
/// Whether it is a file or folder.
bool subject_is_file(const CommandSpec& command);

/// `text` with every `from` replaced.
std::string replaced(std::string text, std::string_view from, std::string_view to);

}  // namespace symmbench
