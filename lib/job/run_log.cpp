#include "job/run_log.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "core/error.hpp"

namespace symmbench {
namespace {

/// nullopt: no lifecycle, or one that cannot be read, which the report will say.
std::optional<LifecycleRecord> lifecycle_of(const Json& record) {
  if (type_of(record) != "lifecycle") return std::nullopt;
  try {
    return lifecycle_from(record);
  } catch (const Error&) {
    return std::nullopt;
  }
}

/// Joins neighbours into spans of a like length, some kMostSpans / 2 of them. The first lifecycle of a worker is told by
/// its attempt, and its leaks count for less: it is joined with another first one only.
std::vector<LifecycleRecord> joined(std::vector<LifecycleRecord> in_order) {
  std::uint64_t total = 0;
  for (const LifecycleRecord& cycle : in_order) total += cycle.count;
  const std::uint64_t longest = total / (RunLog::kMostSpans / 4);  // two neighbours together are longer
  std::vector<LifecycleRecord> result;
  bool last_is_first = false;
  std::optional<int> attempt;
  for (LifecycleRecord& cycle : in_order) {
    const bool is_first = attempt != cycle.attempt;
    attempt = cycle.attempt;
    const bool joins = !result.empty() && is_first == last_is_first && !result.back().failure && !cycle.failure &&
                       result.back().count + cycle.count <= longest;
    if (joins) {
      join(result.back(), cycle);
    } else {
      result.push_back(std::move(cycle));
    }
    last_is_first = is_first;
  }
  for (LifecycleRecord& span : result) coarsen(span);
  return result;
}

}  // namespace

void RunLog::append(const Json& record) {
  if (auto cycle = lifecycle_of(record)) {
    keep(std::move(*cycle));
  } else {
    others_.push_back(record);
  }
  for (RecordSink* listener : listeners_) listener->append(record);
}

void RunLog::keep(LifecycleRecord cycle) {
  Lifecycles& kept = lifecycles_[setting_of(cycle)];
  kept.in_order.push_back(std::move(cycle));
  if (kept.in_order.size() < kept.limit) return;
  kept.in_order = joined(std::move(kept.in_order));
  kept.limit = std::max(kMostSpans, 2 * kept.in_order.size());
}

std::vector<Json> RunLog::records() const {
  std::vector<Json> all = others_;
  for (const auto& [setting, kept] : lifecycles_) {
    for (const LifecycleRecord& cycle : kept.in_order) all.push_back(to_json(cycle));
  }
  return all;
}

std::vector<Json> RunLog::records_of(std::string_view type) const {
  std::vector<Json> found = type == "lifecycle" ? records() : others_;
  std::erase_if(found, [&](const Json& record) { return type_of(record) != type; });
  return found;
}

}  // namespace symmbench
