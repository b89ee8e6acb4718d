#include "report/crossover_text.hpp"

#include <fmt/format.h>
#include <fmt/ostream.h>

#include <algorithm>
#include <array>

#include "core/text.hpp"
#include "report/pick.hpp"
#include "report/text.hpp"

namespace symmbench {
namespace {

/// More series than this do not help a reader; the report has them all.
constexpr std::size_t kMostSeries = 12;

/// Keys that are shown only where the series of a run differ in them.
constexpr std::array<std::pair<const char*, const char*>, 6> kPlaceKeys{{{"group", "group "},
                                                                         {"allocator", ""},
                                                                         {"handle_asked", "handle "},
                                                                         {"hidden", "hidden "},
                                                                         {"workspace", ""},
                                                                         {"transport", ""}}};

bool differs(const Json& crossover, const char* key) {
  return std::any_of(crossover.begin(), crossover.end(),
                     [&](const Json& entry) { return member(entry, key) != member(crossover.front(), key); });
}

std::string name_of_series(const Json& crossover, const Json& entry) {
  auto name = fmt::format("{} {}", text_or(entry, "pattern", "?"), text_or(entry, "dtype", "?"));
  for (const auto& [key, title] : kPlaceKeys) {
    const Json& value = entry.at(key);
    if (value.is_null() || !differs(crossover, key)) continue;
    const auto text = value.is_string() ? short_allocator_name(value.get<std::string>()) : value.dump();
    name += fmt::format(", {}{}", title, text);
  }
  if (differs(crossover, "in_place")) name += entry.at("in_place") == true ? ", in place" : ", out of place";
  if (differs(crossover, "pdl") && member(entry, "pdl") == false) name += ", no pdl";
  if (differs(crossover, "accumulate") && member(entry, "accumulate") == "storage") name += ", accumulate storage";
  if (differs(crossover, "trigger") && member(entry, "trigger") == "end") name += ", trigger end";
  if (differs(crossover, "buffers_asked")) {
    const auto buffers = integer_or(entry, "buffers_asked", 0);
    name += buffers != 0 ? fmt::format(", --buffers {}", buffers) : ", a buffer per iteration";
  }
  return name;
}

std::string bytes_text(const Json& bytes) { return format_bytes(bytes.get<std::uint64_t>()); }

/// "one_shot", "one_shot or two_shot", "one_shot, two_shot or nccl".
std::string best_text(const Json& range) {
  const Json& algorithms = range.at("algorithms");
  std::string text;
  for (std::size_t i = 0; i < algorithms.size(); ++i) {
    if (i > 0) text += i + 1 == algorithms.size() ? " or " : ", ";
    text += algorithms[i].get<std::string>();
  }
  return text;
}

std::string ranges_text(const Json& entry) {
  std::string text;
  const Json& ranges = entry.at("ranges");
  for (std::size_t i = 0; i < ranges.size(); ++i) {
    if (i > 0) text += ", ";
    text += best_text(ranges[i]);
    if (ranges.size() == 1) return text + " at every size";
    text += i + 1 < ranges.size() ? fmt::format(" to {}", bytes_text(ranges[i].at("to_bytes")))
                                  : fmt::format(" from {}", bytes_text(ranges[i].at("from_bytes")));
  }
  return text;
}

/// Where `auto` was asked for: what following it is known to cost at worst, and at how many sizes that was not
/// measured.
std::string auto_text(const Json& entry) {
  if (entry.at("auto_asked") != true) return "";
  const Json* worst = nullptr;
  std::size_t unknown = 0;
  for (const Json& size : entry.at("sizes")) {
    const Json& taken = size.at("auto");
    if (!taken.is_object() || !taken.at("loss").is_number()) {
      ++unknown;
    } else if (taken.at("loss_decided") == true &&
               (worst == nullptr || taken.at("loss") > worst->at("auto").at("loss"))) {
      worst = &size;
    }
  }
  if (unknown == entry.at("sizes").size()) return "; what auto takes was not measured";
  auto known =
      worst == nullptr
          ? std::string("; auto takes the fastest")
          : fmt::format("; auto loses up to {:.2f}x ({} at {})", worst->at("auto").at("loss").get<double>(),
                        worst->at("auto").at("algorithm").get<std::string>(), bytes_text(worst->at("message_bytes")));
  if (unknown == 0) return known;
  return known + fmt::format(", and was not measured at {} of {} sizes", unknown, entry.at("sizes").size());
}

}  // namespace

void write_crossover(std::ostream& out, const Json& report, bool commented) {
  const Json& crossover = report.at("crossover");
  // What a run measured in which something failed is evidence, not advice.
  if (crossover.empty() || report.at("verdict").at("status") != "passed") return;
  const char* lead = commented ? "# " : "";
  fmt::print(out, "{}\n{}Fastest algorithm by size\n", commented ? "#" : "", lead);
  for (std::size_t i = 0; i < std::min(crossover.size(), kMostSeries); ++i) {
    fmt::print(out, "{}  {}: {}{}\n", lead, name_of_series(crossover, crossover[i]), ranges_text(crossover[i]),
               auto_text(crossover[i]));
  }
  if (crossover.size() > kMostSeries) {
    fmt::print(out, "{}  and {} more series: see crossover[]\n", lead, crossover.size() - kMostSeries);
  }
}

}  // namespace symmbench
