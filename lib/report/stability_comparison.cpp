#include "report/stability_comparison.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <optional>

#include "core/counted.hpp"
#include "report/pick.hpp"
#include "stats/proportion.hpp"
#include "stats/slowdown.hpp"

namespace symmbench {
namespace {

constexpr double kChance = 0.05;

/// One side of a comparison.
struct Side {
  const Json& entry;  ///< of stability[]
  const std::string& name;

  Proportion failures() const {
    return {.hits = entry.at("failed").get<std::uint64_t>(), .tries = entry.at("lifecycles").get<std::uint64_t>()};
  }
  /// Workspaces in a lifecycle, of which its phases are the sum.
  std::uint64_t concurrent() const {
    const Json many = pick_integer(entry, "concurrent");
    return many.is_null() ? 1 : many.get<std::uint64_t>();
  }
  bool leaks() const {
    return std::ranges::any_of(entry.at("leaks"), [](const Json& grown) { return grown.is_number() && grown > 0; });
  }
};

/// How long a step took, as far as an entry says.
struct StepTimes {
  PlacedTimes times;  ///< parts of the lifecycles stand for placements: single ones share whatever the machine did
  double p50_us = 0;

  /// Geometric mean over the parts: what ratios are of.
  double parts_mean_us() const {
    double sum = 0;
    for (const double part : times.placement_us) sum += std::log(part);
    return std::exp(sum / static_cast<double>(times.placement_us.size()));
  }
};

/// nullopt: no lifecycle came through it, or the report is of a version that does not say.
std::optional<StepTimes> times_of(const Json& step) {
  StepTimes found;
  const Json parts = member(step, "parts_p50_us");
  if (!parts.is_array() || parts.empty()) return std::nullopt;
  for (const Json& part : parts) {
    if (!part.is_number()) return std::nullopt;
    found.times.placement_us.push_back(part.get<double>());
  }
  const Json count = pick_integer(step, "count"), p50_us = pick_number(step, "p50_us");
  found.times.samples = count.is_null() ? 0 : count.get<std::size_t>();
  found.p50_us = p50_us.is_null() ? median(found.times.placement_us) : p50_us.get<double>();
  return found;
}

/// By phase, and "total".
std::map<std::string, StepTimes> steps_of(const Side& side) {
  std::map<std::string, StepTimes> steps;
  for (const Json& phase : side.entry.at("phases")) {
    if (auto times = times_of(phase)) steps.emplace(text_or(phase, "phase"), std::move(*times));
  }
  if (auto times = times_of(pick_object(side.entry, "total"))) steps.emplace("total", std::move(*times));
  return steps;
}

Json phases_json(const Side& a, const Side& b) {
  const auto steps_of_a = steps_of(a), steps_of_b = steps_of(b);
  std::vector<std::string> names;
  std::vector<Slowdown> family;
  for (const auto& [phase, of_a] : steps_of_a) {
    const auto of_b = steps_of_b.find(phase);
    if (of_b == steps_of_b.end()) continue;
    // B before A: the ratio is A's time over B's, as in comparison[].
    const auto slowdown = slowdown_between(of_b->second.times, of_a.times, names.size());
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
    const StepTimes &of_a = steps_of_a.at(phase), &of_b = steps_of_b.at(phase);
    const std::size_t rounds = std::min(of_a.times.samples, of_b.times.samples);
    const bool few = rounds < kSamplesToDecide;
    list.push_back({{"phase", phase},
                    {"a_p50_us", of_a.p50_us},
                    {"b_p50_us", of_b.p50_us},
                    {"a_parts_us", of_a.parts_mean_us()},
                    {"b_parts_us", of_b.parts_mean_us()},
                    {"ratio", result.ratio},
                    {"ci_low", result.interval ? Json(result.interval->low) : Json(nullptr)},
                    {"ci_high", result.interval ? Json(result.interval->high) : Json(nullptr)},
                    {"verdict", name_of(few ? PairVerdict::ambiguous : result.verdict)},
                    {"reason", few ? fmt::format("{}, {} are needed", counted(rounds, "lifecycle"), kSamplesToDecide)
                                   : result.reason}});
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
      return {.verdict = "unknown", .reason = fmt::format("{} went through no lifecycle", side->name)};
    }
  }
  const Proportion of_a = a.failures(), of_b = b.failures();
  const double chance = equal_chances(of_a, of_b);
  const double rate_a = static_cast<double>(of_a.hits) / static_cast<double>(of_a.tries);
  const double rate_b = static_cast<double>(of_b.hits) / static_cast<double>(of_b.tries);
  const auto counts = fmt::format("{} of {} failed with {}, {} of {} with {}", of_a.hits, of_a.tries, a.name, of_b.hits,
                                  of_b.tries, b.name);
  if (chance < kChance) {
    const Side& better = rate_a < rate_b ? a : b;
    const Side& worse = rate_a < rate_b ? b : a;
    if (better.leaks() && !worse.leaks()) {
      return {.verdict = "unknown", .reason = fmt::format("{}, and {} leaks", counts, better.name)};
    }
    return {.verdict = "stabler", .stabler = better.name, .reason = counts};
  }
  if (a.leaks() != b.leaks()) {
    const Side& leaky = a.leaks() ? a : b;
    return {.verdict = "stabler", .stabler = (a.leaks() ? b : a).name, .reason = fmt::format("{} leaks", leaky.name)};
  }
  if (of_a.hits + of_b.hits > 0) {
    return {.verdict = "unknown", .reason = fmt::format("{}: chance alone makes that, p = {:.2g}", counts, chance)};
  }
  if (a.leaks()) return {.verdict = "unknown", .reason = "both leak"};
  const std::uint64_t fewest = std::min(of_a.tries, of_b.tries);
  const double at_most = 1000 * chance_interval({.hits = 0, .tries = fewest}).high;
  if (at_most < kFewFailuresPer1000) {
    return {.verdict = "same",
            .reason = fmt::format("neither failed nor leaked: below {:.3g} failures in 1000 lifecycles", at_most)};
  }
  return {.verdict = "unknown",
          .reason = fmt::format("no failure in {} shows only that there are fewer than {:.3g} in 1000; 300 lifecycles "
                                "decide",
                                counted(fewest, "lifecycle"), at_most)};
}

bool beside_each_other(const Json& a, const Json& b) {
  return a.at("workspace") == b.at("workspace") && a.at("transport") == b.at("transport") &&
         pick_text(a.at("handle"), "asked") == pick_text(b.at("handle"), "asked");
}

}  // namespace

Json compare_stability(const NamedStability& first, const NamedStability& second) {
  const Side a{first.entry, first.name}, b{second.entry, second.name};
  const StabilityVerdict verdict = verdict_of(a, b);
  return {{"allocator_a", a.name},
          {"allocator_b", b.name},
          {"workspace", a.entry.at("workspace")},
          {"transport", a.entry.at("transport")},
          {"handle_asked", a.entry.at("handle").at("asked")},
          {"lifecycles_a", a.failures().tries},
          {"lifecycles_b", b.failures().tries},
          {"failed_a", a.failures().hits},
          {"failed_b", b.failures().hits},
          {"failures_a", rate_json(a.failures())},
          {"failures_b", rate_json(b.failures())},
          {"leaks_a", a.entry.at("leaks")},
          {"leaks_b", b.entry.at("leaks")},
          {"phases", a.concurrent() == b.concurrent() ? phases_json(a, b) : Json::array()},
          {"verdict", verdict.verdict},
          {"stabler", verdict.stabler},
          {"reason", verdict.reason}};
}

Json fold_stability_comparison(const Json& stability) {
  Json list = Json::array();
  for (auto a = stability.begin(); a != stability.end(); ++a) {
    const bool first = std::none_of(stability.begin(), a, [&](const Json& before) {
      return beside_each_other(before, *a) && before.at("lifecycles_planned") > 0;
    });
    if (!first || a->at("lifecycles_planned") == 0) continue;
    for (auto b = std::next(a); b != stability.end(); ++b) {
      if (!beside_each_other(*a, *b) || b->at("lifecycles_planned") == 0) continue;
      list.push_back(compare_stability({*a, text_or(*a, "allocator")}, {*b, text_or(*b, "allocator")}));
    }
  }
  return list;
}

}  // namespace symmbench
