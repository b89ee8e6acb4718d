#include "report/probe.hpp"

#include <algorithm>
#include <map>
#include <vector>

#include "journal/probe_items.hpp"
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

/// What ended the turn in which `rank` was to look at the one `turn` places behind it in its group; nullptr: nothing is known.
const Failure* ended_turn(const RecordSet& records, int group, int rank, int turn) {
  for (const FailureRecord& failed : records.failures) {
    if (failed.group == group && failed.case_id && probe_turn(*failed.case_id) == turn && failed.failure.rank == rank) {
      return &failed.failure;
    }
  }
  return nullptr;
}

/// Pairs of a group that has memory to look at, of which nobody told: the rank did not come back from the peer, or was not
/// there any more.
void add_untold(Json& pairs, const RecordSet& records, int group, const std::vector<int>& ranks) {
  const auto told = [&](int rank, int peer) {
    return std::ranges::any_of(
        pairs, [&](const Json& pair) { return member_of(pair, "rank") == rank && member_of(pair, "peer") == peer; });
  };
  const auto size = static_cast<int>(ranks.size());
  for (int own = 0; own < size; ++own) {
    for (int turn = 1; turn < size; ++turn) {
      const int rank = ranks[own], peer = ranks[(own + turn) % size];
      if (told(rank, peer)) continue;
      const Failure* failure = ended_turn(records, group, rank, turn);
      Json pair{{"rank", rank}, {"peer", peer}, {"failure", failure != nullptr ? to_json(*failure) : Json(nullptr)}};
      for (const char* key :
           {"access", "owner", "owner_rank", "latency_us", "read_us", "write_us", "read_gbs", "write_gbs"}) {
        pair[key] = nullptr;
      }
      pairs.push_back(std::move(pair));
    }
  }
}

}  // namespace

Json fold_probe(const RecordSet& records) {
  if (records.probes.empty()) return nullptr;
  Json groups = Json::array(), descriptors = Json::array(), pairs = Json::array(), calls = Json::array();
  Json received = Json::array();
  std::map<int, std::vector<int>> with_memory;  // ranks by group, in their order
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
    append(received, rank, data, "received");
    if (member_of(data, "memory").is_object()) with_memory[integer_or(data, "group", 0)].push_back(rank);
    append(calls, rank, data, "driver_calls");
    append(trace, rank, data, "trace");
  }
  for (const auto& [group, ranks] : with_memory) add_untold(pairs, records, group, ranks);
  return {{"groups", groups},     {"descriptors", descriptors}, {"pairs", pairs},
          {"received", received}, {"driver_calls", calls},      {"trace", trace}};
}

}  // namespace symmbench
