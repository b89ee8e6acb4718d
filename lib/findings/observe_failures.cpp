#include "findings/observe_failures.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <vector>

#include "findings/report_facts.hpp"

namespace symmbench {
namespace {

bool begins_with_any(const std::string& text, std::span<const std::string_view> beginnings) {
  return beginnings.empty() ||
         std::ranges::any_of(beginnings, [&](std::string_view beginning) { return text.starts_with(beginning); });
}

bool matches(const CheckRow& row, const Json& failure) {
  const auto text = [&](const char* key) { return text_in(failure, key); };
  if (!begins_with_any(text("call"), row.calls)) return false;
  if (!row.reason.empty() && text("reason") != row.reason) return false;
  if (!row.layers.empty() && std::ranges::find(row.layers, text("layer")) == row.layers.end()) return false;
  const auto words = text("detail");
  const auto has = [&](std::string_view part) { return words.find(part) != std::string::npos; };
  if (!row.details.empty() && std::ranges::none_of(row.details, has)) return false;
  if (!row.phase.empty() && text("phase") != row.phase) return false;
  if (!row.not_phase.empty() && text("phase") == row.not_phase) return false;
  if (row.codes.empty()) return true;
  const Json& code = in(failure, "code");
  return code.is_number_integer() && std::find(row.codes.begin(), row.codes.end(), code.get<int>()) != row.codes.end();
}

std::vector<std::string> entities_of(const RecordedFailure& recorded) {
  std::vector<std::string> entities;
  const Json &rank = in(*recorded.failure, "rank"), &peer = in(*recorded.failure, "peer");
  // All ranks find a disagreement alike: the one that tells of it is no more to blame than the others.
  const bool all_alike = text_in(*recorded.failure, "reason") == "disagreement";
  if (rank.is_number_integer() && !all_alike) entities.push_back(fmt::format("rank {}", rank.get<int>()));
  if (peer.is_number_integer()) entities.push_back(fmt::format("rank {}", peer.get<int>()));
  if (entities.empty() && rank.is_number_integer()) {
    entities.push_back(fmt::format("group of rank {}", rank.get<int>()));
  }
  return entities;
}

/// What several records tell of: a failure is one, however many rows it ended.
struct ToldFailure {
  RecordedFailure first;
  std::vector<std::string> allocators;  ///< of all that met it, in the order of the report
  bool replaced = false;                ///< for each of them

  void add(const RecordedFailure& recorded) {
    replaced = replaced && recorded.replaced;
    // Who was interrupted ran beside the failure, and did not meet it.
    if (recorded.allocator.empty() || recorded.status == "interrupted") return;
    if (first.allocator.empty()) first = recorded;
    if (std::ranges::find(allocators, recorded.allocator) == allocators.end()) allocators.push_back(recorded.allocator);
  }
};

bool any_begins_with(const Json& holder, std::span<const std::string_view> beginnings) {
  const auto calls = list_in(holder, "driver_calls");
  return std::any_of(calls.begin(), calls.end(),
                     [&](const Json* counted) { return begins_with_any(text_in(*counted, "call"), beginnings); });
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
  // A probe has no workspace whose canaries it could look at.
  if (row.reason == "corrupted" && !measured && !built) return "workspaces: none was built";
  const auto called = [&](std::span<const std::string_view> calls) {
    return any_begins_with(in(report, "probe"), calls) ||
           std::any_of(entries.begin(), entries.end(),
                       [&](const Json* entry) { return any_begins_with(*entry, calls); });
  };
  // What is mapped there is mapped by the call that maps everything else.
  constexpr std::array<std::string_view, 1> kMulticastCalls{"cuMulticast"};
  if (row.phase == "multicast" && !called(kMulticastCalls)) return "calls of cuMulticast";
  return row.calls.empty() || called(row.calls) ? "" : fmt::format("calls of {}", fmt::join(row.calls, ", "));
}

}  // namespace

Observed observe_failures(const CheckRow& row, const Json& report) {
  std::vector<ToldFailure> told;
  for (const RecordedFailure& recorded : failures_of(report)) {
    if (!matches(row, *recorded.failure)) continue;
    auto known = std::ranges::find_if(told, [&](const ToldFailure& other) {
      const auto same = [&](const char* key) { return in(*other.first.failure, key) == in(*recorded.failure, key); };
      return same("rank") && same("call") && same("code");
    });
    if (known == told.end()) known = told.insert(known, {recorded, {}, recorded.replaced});
    known->add(recorded);
  }
  Observed observed{.hits = {}, .missing = missing_for(row, report)};
  for (const auto& [first, allocators, replaced] : told) {
    Json evidence{{"where", first.where}};
    for (const char* key : {"layer", "reason", "call", "code", "phase", "rank", "peer", "detail"}) {
      evidence[key] = in(*first.failure, key);
    }
    auto entities = entities_of(first);
    for (const std::string& allocator : allocators) entities.push_back("allocator " + allocator);
    observed.hits.push_back(
        {std::move(entities), std::move(evidence), replaced ? std::optional(Severity::info) : std::nullopt});
  }
  return observed;
}

Observed observe_multicast_room(const CheckRow& row, const Json& report) {
  // A multicast object takes little of a GPU's own memory: where that is free, it was something else that ran out.
  constexpr std::uint64_t kPlenty = 1ull << 30;
  Observed observed = observe_failures(row, report);
  for (Hit& hit : observed.hits) {
    Json free = nullptr;
    for (const auto& rank : ranks_of(report)) {
      if (in(hit.evidence, "rank") == rank.rank) free = in(*rank.device, "free_bytes");
    }
    if (!free.is_number_unsigned() || free.get<std::uint64_t>() < kPlenty) {
      hit.severity = hit.severity.value_or(Severity::warning);
    }
    hit.evidence["free_bytes"] = free;
  }
  return observed;
}

}  // namespace symmbench
