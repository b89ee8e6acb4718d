#include "report/transport_comparison.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "catalog/row_keys.hpp"
#include "catalog/workspaces.hpp"
#include "report/comparison_entry.hpp"
#include "report/pick.hpp"
#include "report/placements.hpp"
#include "report/reference.hpp"
#include "report/rows.hpp"
#include "stats/slowdown.hpp"

namespace symmbench {
namespace {

struct TransportSide {
  const Json* row = nullptr;  ///< of results[]
  PlacedTimes times = {};
};

/// The rows that differ in their transport alone, as far as they passed.
struct TransportPair {
  std::string family, series;
  TransportSide unicast = {}, other = {};
};

/// What the plan says of a row, without `left_out`.
std::string keys_but(const Json& planned, std::span<const std::string_view> left_out) {
  Json values = Json::array({member(planned, "handle_asked")});
  for (const RowKey& key : kRowKeys) {
    if (key.source != KeySource::plan || std::ranges::find(left_out, key.name) != left_out.end()) continue;
    values.push_back(member(planned, key.name));
  }
  return values.dump();
}

/// Of two rows that are compared: equal. The workspace of a transport may need to be larger.
std::string planned_but_transport(const Json& planned) {
  constexpr std::array<std::string_view, 3> kOfTransport{"case_id", "transport", "capacity_bytes"};
  return keys_but(planned, kOfTransport);
}

std::string planned_but_size(const Json& planned) {
  constexpr std::array<std::string_view, 7> kOfSize{"case_id", "transport",     "capacity_bytes", "tokens",
                                                    "hidden",  "message_bytes", "asked_bytes"};
  return keys_but(planned, kOfSize);
}

std::string judged_together(const Json& planned) {
  Json values = Json::array();
  for (const char* key : {"workspace", "handle_asked", "group", "pattern"}) values.push_back(member(planned, key));
  return values.dump();
}

bool by_unicast(const Json& row) { return transport_from(text_or(row, "transport")) == TransportKind::unicast; }

TransportSide side_of(const Json& row, const RowRecord& record) {
  TransportSide side{.row = &row};
  for (const auto& [placement, mean_us] : placement_means_us(record)) side.times.placement_us.push_back(mean_us);
  side.times.samples = samples_of(record).size();
  return side;
}

/// In the order of results.
std::vector<TransportPair> transport_pairs(const Outcomes& outcomes, std::span<const Json> planned_rows,
                                           const Json& results) {
  std::vector<TransportPair> pairs;
  std::map<std::string, std::size_t> places;
  for (std::size_t i = 0; i < results.size(); ++i) {
    const Json &row = results[i], &planned = planned_rows[i];
    if (row.at("status") != "ok" || is_reference(row)) continue;
    const RowOutcome outcome = outcomes.of(planned);
    if (outcome.measured == nullptr) continue;
    const auto [place, first] = places.try_emplace(planned_but_transport(planned), pairs.size());
    if (first) pairs.push_back({.family = judged_together(planned), .series = planned_but_size(planned)});
    TransportPair& pair = pairs[place->second];
    (by_unicast(row) ? pair.unicast : pair.other) = side_of(row, *outcome.measured);
  }
  std::vector<TransportPair> complete;
  for (auto& pair : pairs) {
    if (pair.unicast.row != nullptr && pair.other.row != nullptr) complete.push_back(std::move(pair));
  }
  return complete;
}

Json entry_of(const TransportPair& pair, const SlowdownResult& result) {
  const Json &a = *pair.unicast.row, &b = *pair.other.row;
  Json entry{{"case_a", a.at("case_id")}, {"case_b", b.at("case_id")}};
  entry["transport_a"] = pick_text(a, "transport");
  entry["transport_b"] = pick_text(b, "transport");
  entry["allocator"] = pick_text(a, "allocator");
  add_case(entry, a, b);
  add_result(entry, result);
  return entry;
}

/// Where ranks of the emulated device had to share cores, with each other or with whatever else ran; nullopt: nowhere.
std::optional<std::string> shared_cores(const RunStarted& started) {
  if (pick_flag(started.device, "emulated") != true) return std::nullopt;
  const Json hosts = member(pick_object(started.run, "deadlines"), "hosts");
  for (const Json& host : hosts.is_array() ? hosts : Json::array()) {
    const Json widened_by = pick_number(host, "widened_by");
    if (!widened_by.is_number() || widened_by <= 1) continue;
    return fmt::format(
        "transports ran one after the other, and {} has fewer free cores than ranks of the emulated device",
        text_or(host, "host", "a host"));
  }
  return std::nullopt;
}

}  // namespace

Json fold_transport_comparison(const RunStarted& started, const Outcomes& outcomes, const Json& results) {
  Json comparison = Json::array();
  if (std::ranges::all_of(results, by_unicast)) return comparison;
  const auto pairs = transport_pairs(outcomes, started.planned_rows, results);
  const auto shared = shared_cores(started);
  std::map<std::string, std::vector<std::size_t>> families;  // indices of pairs
  std::map<std::string, std::size_t> series;
  std::vector<Json> entries(pairs.size());
  for (std::size_t i = 0; i < pairs.size(); ++i) families[pairs[i].family].push_back(i);
  for (const auto& [key, members] : families) {
    std::vector<std::size_t> timed;
    std::vector<Slowdown> family;
    for (const std::size_t i : members) {
      const auto number = series.try_emplace(pairs[i].series, series.size()).first->second;
      // Multicast before unicast: the ratio is unicast's time over multicast's.
      const auto slowdown = slowdown_between(pairs[i].other.times, pairs[i].unicast.times, number);
      if (!slowdown) continue;
      timed.push_back(i);
      family.push_back(*slowdown);
    }
    const std::vector<double> no_limits(family.size(), std::numeric_limits<double>::infinity());
    auto judged = judge_slowdowns(family, no_limits, 0);
    for (SlowdownResult& result : judged) {
      if (shared && result.verdict != PairVerdict::ambiguous) result.reason = *shared;
      if (shared) result.verdict = PairVerdict::ambiguous;
    }
    for (std::size_t k = 0; k < timed.size(); ++k) entries[timed[k]] = entry_of(pairs[timed[k]], judged[k]);
  }
  for (Json& entry : entries) {
    if (!entry.is_null()) comparison.push_back(std::move(entry));
  }
  return comparison;
}

}  // namespace symmbench
