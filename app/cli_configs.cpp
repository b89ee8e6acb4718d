#include <fmt/format.h>
#include <fmt/ranges.h>

#include "app/cli.hpp"
#include "config/config_file.hpp"
#include "config/option_value.hpp"

namespace symmbench {

Document load_config(const std::string& asked) {
  // A folder that happens to be called like a shipped one (--output-dir quick) hides nothing.
  if (is_no_folder(asked)) return read_config_file(asked);
  std::vector<std::string_view> known;
  for (const auto& shipped : shipped_configs()) {
    if (shipped.name == asked) return parse_document(shipped.text, fmt::format("config file {}", asked));
    known.push_back(shipped.name);
  }
  fail_config(
      fmt::format("--config '{}': neither a file nor a shipped configuration ({})", asked, fmt::join(known, ", ")));
}

}  // namespace symmbench
