#include "findings/observe_failures.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "findings/report_facts.hpp"

namespace symmbench {
namespace {

bool matches(const CheckRow& row, const Json& failure) {
  const auto text = [&](const char* key) { return text_in(failure, key); };
  if (!text("call").starts_with(row.calls)) return false;
  if (!row.reason.empty() && text("reason") != row.reason) return false;
  if (!row.layers.empty() && std::ranges::find(row.layers, text("layer")) == row.layers.end()) return false;
  if (text("detail").find(row.detail) == std::string::npos) return false;
  if (!row.phase.empty() && text("phase") != row.phase) return false;
  if (row.codes.empty()) return true;
  const Json& code = in(failure, "code");
  return code.is_number_integer() && std::find(row.codes.begin(), row.codes.end(), code.get<int>()) != row.codes.end();
}

std::vector<std::string> entities_of(const RecordedFailure& recorded) {
  std::vector<std::string> entities;
  for (const char* key : {"rank", "peer"}) {
    const Json& rank = in(*recorded.failure, key);
    if (rank.is_number_integer()) entities.push_back(fmt::format("rank {}", rank.get<int>()));
  }
  if (!recorded.allocator.empty()) entities.push_back("allocator " + recorded.allocator);
  return entities;
}

bool any_begins_with(const Json& holder, std::string_view call) {
  const auto calls = list_in(holder, "driver_calls");
  return std::any_of(calls.begin(), calls.end(),
                     [&](const Json* counted) { return text_in(*counted, "call").starts_with(call); });
}

/// What would have to be in the report for it to have the failure that the row goes by; empty: it is there.
std::string missing_for(const CheckRow& row, const Json& report) {
  const auto rows = list_in(report, "results"), entries = list_in(report, "stability");
  const bool measured = std::any_of(rows.begin(), rows.end(), [](const Json* each) {
    const auto status = text_in(*each, "status");
    return status == "ok" || status == "failed" || status == "hung";
  });
  const bool built = std::any_of(entries.begin(), entries.end(), [](const Json* entry) {
    return in(*entry, "leaks").is_object() || !list_in(*entry, "driver_calls").empty();
  });
  if (!measured && !built && list_in(in(report, "probe"), "pairs").empty()) return "outcomes: nothing ran";
  if (row.calls.empty()) return "";
  const bool called = any_begins_with(in(report, "probe"), row.calls) ||
                      std::any_of(entries.begin(), entries.end(),
                                  [&](const Json* entry) { return any_begins_with(*entry, row.calls); });
  return called ? "" : fmt::format("calls of {}", row.calls);
}

}  // namespace

Observed observe_failures(const CheckRow& row, const Json& report) {
  // A failure is one, however many rows it ended: told by the record that knows its allocator, if any does.
  std::vector<RecordedFailure> told;
  for (const RecordedFailure& recorded : failures_of(report)) {
    if (!matches(row, *recorded.failure)) continue;
    const auto known = std::ranges::find_if(told, [&](const RecordedFailure& other) {
      const auto same = [&](const char* key) { return in(*other.failure, key) == in(*recorded.failure, key); };
      return same("rank") && same("call") && same("code");
    });
    if (known == told.end()) {
      told.push_back(recorded);
    } else if (known->allocator.empty() && !recorded.allocator.empty()) {
      *known = recorded;
    }
  }
  Observed observed{.hits = {}, .missing = missing_for(row, report)};
  for (const RecordedFailure& recorded : told) {
    Json evidence{{"where", recorded.where}};
    for (const char* key : {"layer", "reason", "call", "code", "phase", "rank", "peer", "detail"}) {
      evidence[key] = in(*recorded.failure, key);
    }
    observed.hits.push_back(
        {entities_of(recorded), std::move(evidence), recorded.replaced ? std::optional(Severity::info) : std::nullopt});
  }
  return observed;
}

}  // namespace symmbench
