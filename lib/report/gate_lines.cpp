#include "report/gate_lines.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "core/counted.hpp"
#include "core/text.hpp"
#include "report/pick.hpp"

namespace symmbench {
namespace {

constexpr std::size_t kMostRegressions = 8;

}  // namespace

std::string regression_text(const Json& check) {
  const Json bytes = pick_integer(check, "message_bytes"), value = pick_number(check, "value");
  const Json limit = pick_number(check, "limit"), least = pick_number(check, "ratio_at_least");
  const auto unit = text_or(check, "unit") == "gbs" ? "GB/s" : "us";
  return fmt::format(
      "{} {} {} {} {}: {:.2f} {}, {} {:.2f} {}, proven {:.1f} % slower at least", text_or(check, "allocator", "?"),
      text_or(check, "pattern", "?"), text_or(check, "dtype", "?"), text_or(check, "algorithm", "?"),
      bytes.is_number() ? format_bytes(bytes.get<std::uint64_t>()) : "?", value.is_number() ? value.get<double>() : 0,
      unit, text_or(check, "against", "limit"), limit.is_number() ? limit.get<double>() : 0, unit,
      least.is_number() ? (least.get<double>() - 1) * 100 : 0);
}

std::vector<std::string> gate_lines(const Json& report) {
  const Json& gate = member_of(report, "gate");
  if (!gate.is_object()) return {};
  std::map<std::string, std::size_t> counts;
  std::vector<std::string> regressions;
  for (const Json& check : gate.at("checks")) {
    ++counts[text_or(check, "verdict")];
    if (text_or(check, "verdict") == "regressed") regressions.push_back(regression_text(check));
  }
  const auto reason = text_or(gate, "reason");
  // A pass by which nothing was shown must not read as one that shows something.
  const bool proves_nothing = text_or(gate, "status") == "passed" && counts["within"] == 0;
  std::vector<std::string> lines{
      fmt::format("gate {}: {} of {} regressed ({} within, {} undecided, {} not judged){}{}",
                  proves_nothing ? "not failed, but proves nothing" : text_or(gate, "status"), counts["regressed"],
                  counted(gate.at("checks").size(), "check"), counts["within"], counts["undecided"],
                  counts["not_judged"], reason.empty() ? "" : ": ", reason)};
  for (std::size_t i = 0; i < std::min(regressions.size(), kMostRegressions); ++i)
    lines.push_back("  " + regressions[i]);
  if (regressions.size() > kMostRegressions) {
    lines.push_back(
        fmt::format("  and {} more that regressed: see gate.checks[]", regressions.size() - kMostRegressions));
  }
  return lines;
}

}  // namespace symmbench
