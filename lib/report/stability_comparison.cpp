#include "report/stability_comparison.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "report/pick.hpp"
#include "stats/proportion.hpp"
#include "stats/slowdown.hpp"

namespace symmbench {
namespace {

constexpr double kChance = 0.05;
constexpr std::size_t kBlocks = 8;

/// One side of a comparison: an entry of stability[], and its rounds.
struct Side {
  const Json* entry = nullptr;
  std::map<std::string, Spread> phase_us;               ///< of all rounds that came through it
  std::map<std::string, std::vector<Spread>> parts_us;  ///< the same, in the order of time

  std::string allocator() const { return text_or(*entry, "allocator"); }
  Proportion failures() const {
    return {.hits = entry->at("failed").get<std::uint64_t>(), .tries = entry->at("lifecycles").get<std::uint64_t>()};
  }
  bool leaks() const {
    return std::ranges::any_of(entry->at("leaks"), [](const Json& grown) { return grown.is_number() && grown > 0; });
  }
};

Side side_of(const RecordSet& records, const Json& entry) {
  Side side{.entry = &entry, .phase_us = {}, .parts_us = {}};
  std::map<std::string, std::vector<const Spread*>> in_order;
  const Json asked = pick_text(entry.at("handle"), "asked");
  for (const auto& cycle : records.lifecycles) {
    const Json cycle_asked = pick_text(cycle.handle, "asked");
    if (cycle.failure || cycle.workspace != text_or(entry, "workspace") || cycle.allocator != side.allocator() ||
        cycle.transport != text_or(entry, "transport") || (!cycle_asked.is_null() && cycle_asked != asked)) {
      continue;
    }
    for (const auto& [phase, spans_us] : cycle.phase_us) {
      side.phase_us[phase].add(spans_us);
      in_order[phase].push_back(&spans_us);
    }
    side.phase_us["total"].add(cycle.total_us);
    in_order["total"].push_back(&cycle.total_us);
  }
  for (const auto& [phase, spreads] : in_order) {
    const std::uint64_t rounds = side.phase_us.at(phase).count();
    side.parts_us[phase] = in_parts(spreads, rounds < 2 * kBlocks ? rounds : kBlocks);
  }
  return side;
}

/// Medians of so many rounds in a row each: single ones share whatever the machine did just then.
PlacedTimes in_blocks(const Side& side, const std::string& phase) {
  PlacedTimes times{.placement_us = {}, .samples = side.phase_us.at(phase).count()};
  for (const Spread& part : side.parts_us.at(phase)) times.placement_us.push_back(part.median());
  return times;
}

Json phases_json(const Side& a, const Side& b) {
  std::vector<std::string> names;
  std::vector<Slowdown> family;
  for (const auto& [phase, spans_us] : a.phase_us) {
    if (!b.phase_us.contains(phase)) continue;
    // B before A: the ratio is A's time over B's, as in comparison[].
    const auto slowdown = slowdown_between(in_blocks(b, phase), in_blocks(a, phase), names.size());
    if (!slowdown) continue;
    names.push_back(phase);
    family.push_back(*slowdown);
  }
  const std::vector<double> no_limits(family.size(), std::numeric_limits<double>::infinity());
  const auto judged = judge_slowdowns(family, no_limits, 0);
  Json list = Json::array();
  const auto add = [&](const std::string& phase) {
    const auto at = std::ranges::find(names, phase);
    if (at == names.end()) return;
    const SlowdownResult& result = judged[static_cast<std::size_t>(at - names.begin())];
    const auto& of_a = a.phase_us.at(phase);
    const auto& of_b = b.phase_us.at(phase);
    const std::uint64_t rounds = std::min(of_a.count(), of_b.count());
    const bool few = rounds < kSamplesToDecide;
    list.push_back(
        {{"phase", phase},
         {"a_p50_us", of_a.median()},
         {"b_p50_us", of_b.median()},
         {"ratio", result.ratio},
         {"ci_low", result.interval ? Json(result.interval->low) : Json(nullptr)},
         {"ci_high", result.interval ? Json(result.interval->high) : Json(nullptr)},
         {"verdict", name_of(few ? PairVerdict::ambiguous : result.verdict)},
         {"reason", few ? fmt::format("{} lifecycles, {} are needed", rounds, kSamplesToDecide) : result.reason}});
  };
  for (const Phase phase : kAllPhases) add(std::string(name_of(phase)));
  add("total");
  return list;
}

Json rate_json(const Proportion& failures) {
  if (failures.tries == 0) return {{"per_1000", nullptr}, {"low", nullptr}, {"high", nullptr}};
  const Interval chance = chance_interval(failures);
  return {{"per_1000", 1000 * static_cast<double>(failures.hits) / static_cast<double>(failures.tries)},
          {"low", 1000 * chance.low},
          {"high", 1000 * chance.high}};
}

struct StabilityVerdict {
  std::string verdict;
  Json stabler = nullptr;
  std::string reason;
};

StabilityVerdict verdict_of(const Side& a, const Side& b) {
  for (const Side* side : {&a, &b}) {
    if (side->failures().tries == 0) {
      return {.verdict = "unknown", .reason = fmt::format("{} went through no lifecycle", side->allocator())};
    }
  }
  const Proportion of_a = a.failures(), of_b = b.failures();
  const double chance = equal_chances(of_a, of_b);
  const double rate_a = static_cast<double>(of_a.hits) / static_cast<double>(of_a.tries);
  const double rate_b = static_cast<double>(of_b.hits) / static_cast<double>(of_b.tries);
  const auto counts = fmt::format("{} of {} failed with {}, {} of {} with {}", of_a.hits, of_a.tries, a.allocator(),
                                  of_b.hits, of_b.tries, b.allocator());
  if (chance < kChance) {
    const Side& better = rate_a < rate_b ? a : b;
    const Side& worse = rate_a < rate_b ? b : a;
    if (better.leaks() && !worse.leaks()) {
      return {.verdict = "unknown", .reason = fmt::format("{}, and {} leaks", counts, better.allocator())};
    }
    return {.verdict = "stabler", .stabler = better.allocator(), .reason = counts};
  }
  if (a.leaks() != b.leaks()) {
    const Side& leaky = a.leaks() ? a : b;
    return {.verdict = "stabler",
            .stabler = (a.leaks() ? b : a).allocator(),
            .reason = fmt::format("{} leaks", leaky.allocator())};
  }
  if (of_a.hits + of_b.hits > 0) {
    return {.verdict = "unknown", .reason = fmt::format("{}: chance alone makes that, p = {:.2g}", counts, chance)};
  }
  if (a.leaks()) return {.verdict = "unknown", .reason = "both leak"};
  const std::uint64_t fewest = std::min(of_a.tries, of_b.tries);
  const double at_most = 1000 * chance_interval({.hits = 0, .tries = fewest}).high;
  if (at_most < kFewFailures_per_1000) {
    return {.verdict = "same",
            .reason = fmt::format("neither failed nor leaked: below {:.3g} failures in 1000 lifecycles", at_most)};
  }
  return {.verdict = "unknown",
          .reason = fmt::format("no failure in {} lifecycles shows only that there are fewer than {:.3g} in 1000; 300 "
                                "lifecycles decide",
                                fewest, at_most)};
}

Json compared(const Side& a, const Side& b) {
  const StabilityVerdict verdict = verdict_of(a, b);
  return {{"allocator_a", a.allocator()},
          {"allocator_b", b.allocator()},
          {"workspace", a.entry->at("workspace")},
          {"transport", a.entry->at("transport")},
          {"handle_asked", a.entry->at("handle").at("asked")},
          {"lifecycles_a", a.failures().tries},
          {"lifecycles_b", b.failures().tries},
          {"failed_a", a.failures().hits},
          {"failed_b", b.failures().hits},
          {"failures_a", rate_json(a.failures())},
          {"failures_b", rate_json(b.failures())},
          {"leaks_a", a.entry->at("leaks")},
          {"leaks_b", b.entry->at("leaks")},
          {"phases", phases_json(a, b)},
          {"verdict", verdict.verdict},
          {"stabler", verdict.stabler},
          {"reason", verdict.reason}};
}

bool beside_each_other(const Json& a, const Json& b) {
  return a.at("workspace") == b.at("workspace") && a.at("transport") == b.at("transport") &&
         pick_text(a.at("handle"), "asked") == pick_text(b.at("handle"), "asked");
}

}  // namespace

Json fold_stability_comparison(const RecordSet& records, const Json& stability) {
  Json list = Json::array();
  for (auto a = stability.begin(); a != stability.end(); ++a) {
    const bool first = std::none_of(stability.begin(), a, [&](const Json& before) {
      return beside_each_other(before, *a) && before.at("lifecycles_planned") > 0;
    });
    if (!first || a->at("lifecycles_planned") == 0) continue;
    const Side side_a = side_of(records, *a);
    for (auto b = std::next(a); b != stability.end(); ++b) {
      if (!beside_each_other(*a, *b) || b->at("lifecycles_planned") == 0) continue;
      list.push_back(compared(side_a, side_of(records, *b)));
    }
  }
  return list;
}

}  // namespace symmbench
