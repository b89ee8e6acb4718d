#include "journal/lifecycle_record.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "journal/record_reader.hpp"

namespace symmbench {
namespace {

/// Of one class in a record: sums of many stay far below what 64 bits hold.
constexpr std::uint64_t kMostOfClass = std::uint64_t{1} << 40;
/// Classes of times that a double holds are nearer to 0.
constexpr std::int64_t kFurthestClass = std::int64_t{32} * 1100;

/// One value is itself; few are a list; classes are pairs of class and count, beside the largest value.
Json spread_json(const Spread& spread) {
  if (spread.count() == 0) return nullptr;
  if (spread.classes().empty()) {
    return spread.count() == 1 ? Json(spread.values().front()) : Json(spread.values());
  }
  Json classes = Json::array();
  for (const auto& [index, times] : spread.classes()) classes.push_back(Json::array({index, times}));
  return {{"classes", std::move(classes)}, {"max", spread.max()}};
}

Spread spread_from(const RecordReader& reader, const char* key, const Json& json) {
  const auto fail = [&] { reader.fail(key, "times: a number, a list of numbers, or {classes, max}"); };
  if (json.is_null()) return {};
  if (json.is_number()) return json.get<double>();
  Spread spread;
  if (json.is_array()) {
    for (const Json& value : json) {
      if (!value.is_number()) fail();
      spread.add(value.get<double>());
    }
    return spread;
  }
  if (!json.is_object() || !json.contains("classes") || !json["classes"].is_array() || !json.contains("max") ||
      !json["max"].is_number()) {
    fail();
  }
  Spread::Classes classes;
  for (const Json& entry : json["classes"]) {
    const bool well_formed = entry.is_array() && entry.size() == 2 && entry[0].is_number_integer() &&
                             entry[0] >= -kFurthestClass && entry[0] <= kFurthestClass &&
                             entry[1].is_number_unsigned() && entry[1] <= kMostOfClass;
    if (!well_formed) fail();
    classes[entry[0].get<int>()] += entry[1].get<std::uint64_t>();
  }
  return Spread::of_classes(std::move(classes), json["max"].get<double>());
}

void add_leaks(Json& sum, const Json& more) {
  if (!sum.is_object() || !more.is_object()) return;
  for (auto& [key, value] : sum.items()) {
    const auto other = more.find(key);
    const bool known = value.is_number_integer() && other != more.end() && other->is_number_integer();
    value = known ? Json(value.get<std::int64_t>() + other->get<std::int64_t>()) : Json(nullptr);
  }
}

/// Rounds need not have entered the same phases: some were refused their memory.
void add_phase(LifecycleRecord& span, const std::string& phase, const Spread& spans_us) {
  const auto same = [&](const auto& entry) { return entry.first == phase; };
  const auto it = std::ranges::find_if(span.phase_us, same);
  if (it == span.phase_us.end()) {
    span.phase_us.emplace_back(phase, spans_us);
  } else {
    it->second.add(spans_us);
  }
}

}  // namespace

std::string setting_of(const LifecycleRecord& record) {
  return fmt::format("{}/{}/{}/{}/{}", record.group, record.workspace, record.transport, record.allocator,
                     record.handle.dump(-1, ' ', false, Json::error_handler_t::replace));
}

void join(LifecycleRecord& span, const LifecycleRecord& next) {
  span.count += next.count;
  span.attempt = next.attempt;
  for (const auto& [phase, spans_us] : next.phase_us) add_phase(span, phase, spans_us);
  span.total_us.add(next.total_us);
  span.operation_us.add(next.operation_us);
  span.refused += next.refused;
  span.reattached += next.reattached;
  span.retries += next.retries;
  add_leaks(span.leaks, next.leaks);
  span.ended_at = next.ended_at;
  span.passed_s = next.passed_s;
}

void coarsen(LifecycleRecord& span) {
  for (auto& [phase, spans_us] : span.phase_us) spans_us.coarsen();
  span.total_us.coarsen();
  span.operation_us.coarsen();
}

Json to_json(const LifecycleRecord& record) {
  Json phases = Json::array();
  for (const auto& [phase, spans_us] : record.phase_us) {
    phases.push_back({{"phase", phase}, {"span_us", spread_json(spans_us)}});
  }
  return {{"type", "lifecycle"},
          {"group", record.group},
          {"workspace", record.workspace},
          {"transport", record.transport},
          {"allocator", record.allocator},
          {"handle", record.handle},
          {"iteration", record.iteration},
          {"count", record.count},
          {"attempt", record.attempt},
          {"phases", phases},
          {"total_us", spread_json(record.total_us)},
          {"operation_us", spread_json(record.operation_us)},
          {"refused", record.refused},
          {"reattached", record.reattached},
          {"retries", record.retries},
          {"failure", record.failure ? to_json(*record.failure) : Json(nullptr)},
          {"leaks", record.leaks},
          {"started_at", record.started_at},
          {"ended_at", record.ended_at},
          {"passed_s", record.passed_s}};
}

LifecycleRecord lifecycle_from(const Json& json) {
  const RecordReader reader(json, "lifecycle");
  LifecycleRecord record{.group = reader.integer("group"),
                         .workspace = reader.text("workspace"),
                         .transport = reader.text("transport"),
                         .allocator = reader.text("allocator"),
                         .handle = reader.value("handle"),
                         .iteration = reader.count("iteration"),
                         .count = reader.value("count").is_null() ? 1 : reader.count("count"),
                         .attempt = reader.integer("attempt"),
                         .phase_us = {},
                         .total_us = spread_from(reader, "total_us", reader.value("total_us")),
                         .operation_us = spread_from(reader, "operation_us", reader.value("operation_us")),
                         .refused = reader.value("refused").is_null() ? 0 : reader.count("refused"),
                         .reattached = reader.value("reattached").is_null() ? 0 : reader.count("reattached"),
                         .retries = reader.value("retries").is_null() ? 0 : reader.count("retries"),
                         .failure = reader.optional_failure("failure"),
                         .leaks = reader.value("leaks"),
                         .started_at = reader.optional_text("started_at").value_or(""),
                         .ended_at = reader.optional_text("ended_at").value_or(""),
                         .passed_s = reader.optional_number("passed_s").value_or(0)};
  for (const Json& entry : reader.array("phases")) {
    const bool well_formed = entry.is_object() && entry.contains("phase") && entry["phase"].is_string() &&
                             entry.contains("span_us") && !entry["span_us"].is_null();
    if (!well_formed) reader.fail("phases", "a list of {phase, span_us}");
    record.phase_us.emplace_back(entry["phase"].get<std::string>(), spread_from(reader, "phases", entry["span_us"]));
  }
  if (record.total_us.count() == 0 && record.count == 1 && !record.phase_us.empty()) {
    double total_us = 0;
    for (const auto& [phase, span_us] : record.phase_us) total_us += span_us.max();
    record.total_us = total_us;
  }
  return record;
}

}  // namespace symmbench
