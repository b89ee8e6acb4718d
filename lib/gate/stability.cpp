#include "gate/stability.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "report/pick.hpp"
#include "report/stability.hpp"
#include "report/stability_comparison.hpp"
#include "report/text.hpp"

namespace symmbench {
namespace {

bool same_setting(const Json& a, const Json& b) {
  const auto same = [&](const char* key) { return pick_text(a, key) == pick_text(b, key); };
  return same("workspace") && same("transport") && same("allocator") &&
         pick_text(member_of(a, "handle"), "asked") == pick_text(member_of(b, "handle"), "asked");
}

bool went_through_any(const Json& entry) { return integer_or(entry, "lifecycles", 0) > 0; }

Json compared(const Json& a, const Json& b) {
  // B first, so that ratios are B over A, as everywhere between two reports; then each side gets its own name again.
  Json entry = compare_stability({b, "B"}, {a, "A"});
  entry.erase("allocator_a");
  entry.erase("allocator_b");
  for (const std::string key : {"lifecycles", "failed", "failures", "leaks"}) {
    std::swap(entry[key + "_a"], entry[key + "_b"]);
  }
  for (Json& phase : entry["phases"]) {
    std::swap(phase["a_p50_us"], phase["b_p50_us"]);
    std::swap(phase["a_parts_us"], phase["b_parts_us"]);
  }
  entry["allocator"] = pick_text(a, "allocator");
  entry["drift_a"] = pick_object(a, "drift");
  entry["drift_b"] = pick_object(b, "drift");
  return entry;
}

std::string failures_text(const Json& entry, const std::string& side) {
  const Json& rate = entry.at("failures_" + side);
  return fmt::format("{} of {} failed ({:.3g} to {:.3g} in 1000)", entry.at("failed_" + side).get<std::uint64_t>(),
                     entry.at("lifecycles_" + side).get<std::uint64_t>(), rate.at("low").get<double>(),
                     rate.at("high").get<double>());
}

std::string leaks_text(const Json& leaks) {
  std::string text;
  for (const auto& [key, grown] : leaks.items()) {
    if (!grown.is_number() || grown.get<double>() <= 0) continue;
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", grown.dump(), key);
  }
  return text;
}

}  // namespace

Json compared_stability(const Json& a, const Json& b) {
  Json list = Json::array();
  const Json &of_a = member_of(a, "stability"), &of_b = member_of(b, "stability");
  if (!of_a.is_array() || !of_b.is_array()) return list;
  for (const Json& after : of_b) {
    const auto before = std::ranges::find_if(of_a, [&](const Json& each) { return same_setting(each, after); });
    if (before == of_a.end() || !went_through_any(*before) || !went_through_any(after)) continue;
    list.push_back(compared(*before, after));
  }
  return list;
}

std::vector<std::string> stability_lines(const Json& compared) {
  std::vector<std::string> lines;
  for (const Json& entry : compared) {
    lines.push_back(
        fmt::format("Lifecycles of {}, {}", text_or(entry, "allocator", "?"), workspace_text(compared, entry)));
    lines.push_back(fmt::format("  A: {}; B: {}", failures_text(entry, "a"), failures_text(entry, "b")));
    const Json stabler = pick_text(entry, "stabler");
    const auto verdict = text_or(entry, "verdict", "?");
    lines.push_back(fmt::format("  {}: {}", stabler.is_null() ? verdict : stabler.get<std::string>() + " is stabler",
                                text_or(entry, "reason", "?")));
    for (const std::string side : {"a", "b"}) {
      const char* name = side == "a" ? "A" : "B";
      if (const auto leaks = leaks_text(entry.at("leaks_" + side)); !leaks.empty()) {
        lines.push_back(fmt::format("  {} left {} behind", name, leaks));
      }
      const Json drift = pick_object(entry, ("drift_" + side).c_str());
      if (text_or(drift, "verdict", "") == "slower") {
        lines.push_back(fmt::format("  {}: operations became {:.3f} times as long on the way", name,
                                    drift.at("ratio").get<double>()));
      }
    }
    // Medians of all lifecycles may differ the other way than what is judged: the parts in which these were told.
    const Json& phases = entry.at("phases");
    if (!phases.empty()) {
      lines.push_back(fmt::format("  {:>9} {:>11} {:>11} {:>7}  {}", "phase", "A us", "B us", "B/A", "verdict"));
    }
    for (const Json& phase : phases) {
      lines.push_back(fmt::format("  {:>9} {:>11.2f} {:>11.2f} {:>7.3f}  {}", text_or(phase, "phase", "?"),
                                  phase.at("a_parts_us").get<double>(), phase.at("b_parts_us").get<double>(),
                                  phase.at("ratio").get<double>(), shown_verdict(text_or(phase, "verdict", "?"))));
    }
  }
  return lines;
}

}  // namespace symmbench
