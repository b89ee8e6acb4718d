#include "app/new_file.hpp"

#include <fmt/format.h>

#include <filesystem>

#include "config/option_value.hpp"
#include "report/write.hpp"

namespace symmbench {

void check_new_file(const ParsedCommand& parsed) {
  if (!parsed.output) fail_config("needs -o FILE; see --help");
  check_writable(*parsed.output);
  std::error_code ignored;
  if (!parsed.force && std::filesystem::exists(*parsed.output, ignored)) {
    fail_config(fmt::format("-o '{}': exists; --force replaces it", *parsed.output));
  }
}

}  // namespace symmbench
