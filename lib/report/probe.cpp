#include "report/probe.hpp"

#include "report/pick.hpp"

namespace symmbench {
namespace {

/// The entries of `key`, with their rank.
void append(Json& all, int rank, const Json& data, const char* key) {
  const Json& list = member_of(data, key);
  if (!list.is_array()) return;
  for (const Json& entry : list) {
    Json ranked{{"rank", rank}};
    ranked.update(entry);
    all.push_back(std::move(ranked));
  }
}

}  // namespace

Json fold_probe(const RecordSet& records) {
  if (records.probes.empty()) return nullptr;
  Json groups = Json::array(), descriptors = Json::array(), pairs = Json::array(), calls = Json::array();
  Json trace = Json::array();
  for (const auto& [rank, data] : records.probes) {
    groups.push_back({{"rank", rank},
                      {"group", pick_integer(data, "group")},
                      {"group_rank", pick_integer(data, "group_rank")},
                      {"memory", pick_object(data, "memory")}});
    Json transport{{"rank", rank}};
    const Json test = pick_object(data, "descriptors");
    transport["passed"] = pick_flag(test, "passed");
    transport["us"] = pick_number(test, "us");
    transport["failure"] = pick_object(test, "failure");
    descriptors.push_back(std::move(transport));
    append(pairs, rank, data, "pairs");
    append(calls, rank, data, "driver_calls");
    append(trace, rank, data, "trace");
  }
  return {
      {"groups", groups}, {"descriptors", descriptors}, {"pairs", pairs}, {"driver_calls", calls}, {"trace", trace}};
}

}  // namespace symmbench
