#include "report/drift.hpp"

#include <fmt/format.h>

#include <array>
#include <limits>

#include "core/counted.hpp"
#include "stats/slowdown.hpp"

namespace symmbench {
namespace {

constexpr std::size_t kPartsOfHalf = 8;

std::vector<const Spread*> operations_of(const std::vector<const LifecycleRecord*>& in_order) {
  std::vector<const Spread*> operations, all;
  const LifecycleRecord* last = nullptr;
  for (const auto* cycle : in_order) {
    const bool first_of_worker = last == nullptr || last->attempt != cycle->attempt || last->group != cycle->group;
    last = cycle;
    if (cycle->failure || cycle->operation_us.count() == 0) continue;
    all.push_back(&cycle->operation_us);
    if (!first_of_worker) operations.push_back(&cycle->operation_us);
  }
  return operations.empty() && all.size() > 1 ? all : operations;
}

struct Half {
  PlacedTimes times;
  Spread all;
};

Half half_of(const std::vector<Spread>& parts, std::size_t begin, std::size_t end) {
  Half half;
  for (std::size_t i = begin; i < end; ++i) {
    half.all.add(parts[i]);
    half.times.placement_us.push_back(parts[i].median());
  }
  half.times.samples = half.all.count();
  return half;
}

}  // namespace

Json fold_drift(const std::vector<const LifecycleRecord*>& in_order) {
  const auto operations = operations_of(in_order);
  std::uint64_t rounds = 0;
  for (const Spread* each : operations) rounds += each->count();
  if (rounds == 0) return nullptr;
  Json drift{{"early_p50_us", nullptr},
             {"late_p50_us", nullptr},
             {"ratio", nullptr},
             {"ci_low", nullptr},
             {"ci_high", nullptr},
             {"verdict", name_of(PairVerdict::ambiguous)},
             {"reason", fmt::format("{}, {} are needed", counted(rounds, "lifecycle"), 2 * kSamplesToDecide)}};
  const auto parts = in_parts(operations, rounds < 2 * kPartsOfHalf ? rounds : 2 * kPartsOfHalf);
  if (parts.size() < 2) return drift;
  const Half early = half_of(parts, 0, parts.size() / 2), late = half_of(parts, parts.size() / 2, parts.size());
  drift["early_p50_us"] = early.all.median();
  drift["late_p50_us"] = late.all.median();
  const auto slowdown = slowdown_between(early.times, late.times, 0);
  if (!slowdown) return drift;
  constexpr std::array kNoLimit{std::numeric_limits<double>::infinity()};
  const SlowdownResult judged = judge_slowdowns(std::array{*slowdown}, kNoLimit, 0).front();
  drift["ratio"] = judged.ratio;
  if (judged.interval) {
    drift["ci_low"] = judged.interval->low;
    drift["ci_high"] = judged.interval->high;
  }
  if (std::min(early.times.samples, late.times.samples) < kSamplesToDecide) return drift;
  drift["verdict"] = name_of(judged.verdict);
  drift["reason"] = judged.reason;
  return drift;
}

}  // namespace symmbench
