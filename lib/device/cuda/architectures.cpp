#include "device/cuda/architectures.hpp"

#include <fmt/format.h>

#include <charconv>

#include "core/text.hpp"

namespace symmbench {
namespace {

struct Architecture {
  int sm = 0;
  bool exact = false;    ///< architecture-specific ("a")
  bool forward = false;  ///< PTX is in the binary, which the driver compiles for later devices
};

Architecture parse(std::string_view text) {
  Architecture found;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), found.sm);
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  found.exact = text.starts_with('a');
  found.forward = !found.exact && !text.starts_with('f') && !text.ends_with("-real");
  return found;
}

bool runs(const Architecture& built, int sm) {
  if (sm == built.sm) return true;
  if (built.exact || sm < built.sm) return false;
  return built.forward || sm / 10 == built.sm / 10;
}

}  // namespace

std::optional<std::string> architecture_problem(int sm, std::string_view built) {
  std::string held;
  for (const auto& entry : split_list(built)) {
    if (runs(parse(entry), sm)) return std::nullopt;
    held += fmt::format("{}SM{}", held.empty() ? "" : ", ", entry.substr(0, entry.find('-')));
  }
  return fmt::format("it is SM{}, and this binary holds kernels for {} only", sm, held);
}

}  // namespace symmbench
