#include "report/bisect.hpp"

#include "report/pick.hpp"

namespace symmbench {
namespace {

Json pick_list(const Json& json, std::string_view key) {
  Json value = member(json, key);
  return value.is_array() ? value : Json::array();
}

Json counts(const Json& json) {
  if (!json.is_object()) return nullptr;
  return {{"failed", pick_integer(json, "failed")}, {"tried", pick_integer(json, "tried")}};
}

/// The ranks that are named, with where they are.
Json places(const RecordSet& records, const Json& ranks) {
  Json list = Json::array();
  for (const Json& rank : ranks) {
    if (!rank.is_number_integer()) continue;
    Failure place{.rank = rank.get<int>()};
    locate(place, records);
    list.push_back({{"rank", rank},
                    {"host", place.host.empty() ? Json(nullptr) : Json(place.host)},
                    {"gpu_uuid", place.gpu.empty() ? Json(nullptr) : Json(place.gpu)}});
  }
  return list;
}

}  // namespace

Json fold_bisect(const RecordSet& records) {
  if (records.bisections.empty()) return nullptr;  // not asked for, or nothing to search
  Json list = Json::array();
  for (const auto& [group, data] : records.bisections) {
    Json tests = Json::array();
    for (const Json& test : pick_list(data, "tests")) {
      tests.push_back({{"ranks", pick_list(test, "ranks")},
                       {"status", pick_text(test, "status")},
                       {"failure", pick_object(test, "failure")}});
    }
    list.push_back({{"group", group},
                    {"allocator", pick_text(data, "allocator")},
                    {"workspace", pick_text(data, "workspace")},
                    {"handle_asked", pick_text(data, "handle_asked")},
                    {"algorithm", pick_text(data, "algorithm")},
                    {"culprit", pick_text(data, "culprit")},
                    {"ranks", places(records, pick_list(data, "ranks"))},
                    {"sure", pick_flag(data, "sure")},
                    {"with", counts(member(data, "with"))},
                    {"without", counts(member(data, "without"))},
                    {"text", pick_text(data, "text")},
                    {"seconds", pick_number(data, "seconds")},
                    {"tests", std::move(tests)}});
  }
  return list;
}

}  // namespace symmbench
