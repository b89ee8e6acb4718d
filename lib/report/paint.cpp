#include "report/paint.hpp"

#include <fmt/format.h>

namespace symmbench {

std::string painted(const std::string& text, std::string_view status, bool colour) {
  if (!colour) return text;
  const bool good = status == "ok" || status == "passed";
  const bool bad = status == "failed" || status == "hung";
  return fmt::format("\033[{}m{}\033[0m", good ? "32" : bad ? "1;31" : "33", text);
}

}  // namespace symmbench
