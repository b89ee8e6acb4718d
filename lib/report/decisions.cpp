#include "report/decisions.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>

#include "config/options.hpp"
#include "core/counted.hpp"
#include "core/text.hpp"
#include "report/pick.hpp"
#include "report/text.hpp"
#include "stats/comparison.hpp"

namespace symmbench {
namespace {

/// More cases than this do not help a reader; the report has them all.
constexpr std::size_t kMostNamed = 6;

/// Comparisons of the same two that are undecided for one reason.
struct Undecided {
  std::string why;
  std::vector<const Json*> entries;
};

bool crosses(const Json& entry) { return text_or(entry, "reason").starts_with("interval"); }

/// What stands behind an undecided comparison, the same words for many.
std::string why_undecided(const Json& entry) {
  return crosses(entry) ? "the interval holds both a difference and none" : text_or(entry, "reason", "unknown");
}

/// How many placements would make the interval narrow enough for what the ratio seems to be, where the differences between
/// placements stay as they were; nullopt where that cannot be told.
std::optional<double> placements_to_decide(const Json& entry) {
  const Json low = pick_number(entry, "ci_low"), high = pick_number(entry, "ci_high");
  const int placements = integer_or(entry, "placements", 0);
  if (low.is_null() || low.get<double>() <= 0 || placements < 1) return std::nullopt;
  const double half_width = std::log(high.get<double>() / low.get<double>()) / 2;
  const double distance = std::abs(std::abs(std::log(entry.at("ratio").get<double>())) - std::log1p(kSameWithin));
  if (distance <= 0) return std::nullopt;
  return placements * std::pow(half_width / distance, 2);
}

/// Of a row of the case, of the first of two cases: iterations in one sample.
double iterations_of_sample(const Json& report, const Json& entry) {
  const Json& case_id = entry.contains("case_a") ? entry.at("case_a") : entry.at("case_id");
  for (const Json& row : report.at("results")) {
    if (row.at("case_id") == case_id && row.at("iterations_per_batch").is_number()) {
      return row.at("iterations_per_batch").get<double>();
    }
  }
  return 1;
}

bool placements_were_limited(const Json& report) {
  const Json events = member(report.at("run"), "events");
  return events.is_array() && std::any_of(events.begin(), events.end(), [](const Json& event) {
           return text_or(event, "what") == "placements_limited";
         });
}

/// The option that would decide them; empty where none would.
std::string what_would_do(const Json& report, const Undecided& undecided) {
  double needed = 0;
  if (crosses(*undecided.entries.front())) {
    for (const Json* entry : undecided.entries) {
      const auto placements = placements_to_decide(*entry);
      if (!placements) return "";
      needed = std::max(needed, *placements);
    }
    needed = std::ceil(needed);
    if (needed <= option("placements").bounds.high) return fmt::format("about --placements {:.0f} would do", needed);
    return "placements or batches differ too much for more of them to help";
  }
  for (const Json* entry : undecided.entries) {
    if (integer_or(*entry, "placements", 0) < static_cast<int>(kPlacementsToDecide)) {
      return placements_were_limited(report) ? "a smaller --maxbytes leaves room for more"
                                             : fmt::format("--placements {} would do", kPlacementsToDecide);
    }
    if (integer_or(*entry, "samples", 0) >= static_cast<int>(kSamplesToDecide)) return "";
    needed = std::max(needed, kSamplesToDecide * iterations_of_sample(report, *entry));
  }
  return fmt::format("-n {:.0f} would do", needed);
}

/// "allreduce bf16 two_shot 2 KiB: slower, 1.100 (1.080 to 1.121)".
std::string difference_text(const Json& entry) {
  const Json bytes = pick_integer(entry, "message_bytes");
  const Json low = pick_number(entry, "ci_low"), high = pick_number(entry, "ci_high");
  auto text =
      fmt::format("{} {} {} {}: {}, {:.3f}", text_or(entry, "pattern", "?"), text_or(entry, "dtype", "?"),
                  text_or(entry, "algorithm", "?"), bytes.is_number() ? format_bytes(bytes.get<std::uint64_t>()) : "?",
                  text_or(entry, "verdict"), entry.at("ratio").get<double>());
  if (low.is_number()) text += fmt::format(" ({:.3f} to {:.3f})", low.get<double>(), high.get<double>());
  return text;
}

/// Who is compared: two allocators, or two transports of one.
struct Opponents {
  std::string first, other;
  std::string within;  ///< what both belong to; may be empty
  bool operator==(const Opponents&) const = default;
};

/// What two came to against each other.
struct Score {
  Opponents opponents;
  std::map<std::string, std::size_t> verdicts;
  double log_sum = 0;  ///< of the decided cases
  std::size_t decided = 0;
  std::vector<std::string> differences;
  std::vector<Undecided> undecided;

  void add(const Json& entry);
  std::string headline() const;
};

void Score::add(const Json& entry) {
  const auto verdict = text_or(entry, "verdict");
  ++verdicts[verdict];
  if (verdict == "ambiguous") {
    const auto why = why_undecided(entry);
    auto it = std::find_if(undecided.begin(), undecided.end(), [&](const auto& one) { return one.why == why; });
    if (it == undecided.end()) it = undecided.insert(undecided.end(), {why, {}});
    it->entries.push_back(&entry);
  }
  if (verdict != "same" && verdict != "faster" && verdict != "slower") return;
  ++decided;
  log_sum += std::log(entry.at("ratio").get<double>());
  if (verdict != "same") differences.push_back(difference_text(entry));
}

std::string Score::headline() const {
  std::string counts;
  for (const char* verdict : {"same", "faster", "slower", "ambiguous", "unstable"}) {
    const auto it = verdicts.find(verdict);
    if (it == verdicts.end()) continue;
    counts += fmt::format("{}{} {}", counts.empty() ? "" : ", ", it->second, shown_verdict(verdict));
  }
  const auto& [first, other, within] = opponents;
  const auto where = within.empty() ? "" : within + ": ";
  if (decided == 0) return fmt::format("{}{} against {}: not decided ({})", where, first, other, counts);
  return fmt::format("{}time of {} / time of {}: {:.3f} in the geometric mean of {} ({})", where, first, other,
                     std::exp(log_sum / static_cast<double>(decided)), counted(decided, "case"), counts);
}

Opponents of_allocators(const Json& entry) {
  return {.first = entry.at("allocators")[0].get<std::string>(), .other = entry.at("allocators")[1].get<std::string>()};
}
Opponents of_transports(const Json& entry) {
  return {.first = text_or(entry, "transport_a"),
          .other = text_or(entry, "transport_b"),
          .within = fmt::format("{}, {}", text_or(entry, "workspace"), text_or(entry, "allocator"))};
}

void add_scores(std::vector<Score>& scores, const Json& comparison, Opponents (*opponents_of)(const Json&)) {
  for (const Json& entry : comparison) {
    Opponents opponents = opponents_of(entry);
    auto it = std::find_if(scores.begin(), scores.end(), [&](const auto& one) { return one.opponents == opponents; });
    if (it == scores.end()) it = scores.insert(scores.end(), Score{.opponents = std::move(opponents)});
    it->add(entry);
  }
}

/// Allocators first.
std::vector<Score> scores_of(const Json& report) {
  std::vector<Score> scores;
  add_scores(scores, report.at("comparison"), of_allocators);
  add_scores(scores, report.at("transport_comparison"), of_transports);
  return scores;
}

}  // namespace

std::vector<std::string> decision_lines(const Json& report) {
  std::vector<std::string> lines;
  for (const Score& score : scores_of(report)) {
    lines.push_back(score.headline());
    const auto named = std::min(score.differences.size(), kMostNamed);
    for (std::size_t i = 0; i < named; ++i) lines.push_back("  " + score.differences[i]);
    if (score.differences.size() > named) {
      lines.push_back(fmt::format("  and {} more that differ: see {}[]", score.differences.size() - named,
                                  score.opponents.within.empty() ? "comparison" : "transport_comparison"));
    }
    for (const auto& undecided : score.undecided) {
      const auto hint = what_would_do(report, undecided);
      lines.push_back(fmt::format("  {} inconclusive: {}{}{}", undecided.entries.size(), undecided.why,
                                  hint.empty() ? "" : "; ", hint));
    }
  }
  return lines;
}

}  // namespace symmbench
