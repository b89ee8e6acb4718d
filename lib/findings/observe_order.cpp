#include "findings/observe_order.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "findings/observe_failures.hpp"
#include "findings/report_facts.hpp"

namespace symmbench {
namespace {

std::string rank_entity(const Json& rank) { return fmt::format("rank {}", rank.dump()); }

int group_size_of(const Json& report) {
  const Json& size = in(in(report, "run"), "group_size");
  return size.is_number_integer() ? std::max(1, size.get<int>()) : 1;
}

/// World rank whose memory a pair's rank found; null: no rank's. Reports from before owner_rank have the rank in the group.
Json owner_of(const Json& report, const Json& pair) {
  if (in(pair, "owner_rank").is_number_integer()) return in(pair, "owner_rank");
  const Json &owner = in(pair, "owner"), &rank = in(pair, "rank");
  if (!owner.is_number_integer() || !rank.is_number_integer()) return nullptr;
  const int size = group_size_of(report);
  return rank.get<int>() / size * size + owner.get<int>();
}

bool shows_another(const Json& report, const Json& pair) {
  const Json owner = owner_of(report, pair);
  return !owner.is_null() && owner != in(pair, "peer");
}

/// What a rank found in the room that it keeps for one peer.
bool is_misplaced(const Json& found) {
  const Json &writer = in(found, "writer_rank"), &meant = in(found, "meant_for_rank");
  return writer.is_number_integer() && (writer != in(found, "from") || meant != in(found, "rank"));
}

}  // namespace

Observed observe_rank_order(const CheckRow& row, const Json& report) {
  Observed observed = observe_failures(row, report);
  const Json& probe = in(report, "probe");
  for (const Json* pair : list_in(probe, "pairs")) {
    if (!shows_another(report, *pair)) continue;
    observed.hits.push_back(
        {{rank_entity(in(*pair, "rank")), rank_entity(in(*pair, "peer")), rank_entity(owner_of(report, *pair))},
         {{"reader", in(*pair, "rank")}, {"meant", in(*pair, "peer")}, {"shown", owner_of(report, *pair)}}});
  }
  for (const Json* found : list_in(probe, "received")) {
    if (!is_misplaced(*found)) continue;
    const Json &writer = in(*found, "writer_rank"), &meant = in(*found, "meant_for_rank");
    observed.hits.push_back({{rank_entity(writer), rank_entity(meant), rank_entity(in(*found, "rank"))},
                             {{"writer", writer}, {"meant", meant}, {"reached", in(*found, "rank")}}});
  }
  for (const Json* place : list_in(probe, "groups")) {
    const Json &rank = in(*place, "rank"), &group = in(*place, "group"), &in_group = in(*place, "group_rank");
    if (!rank.is_number_integer() || !group.is_number_integer() || !in_group.is_number_integer()) continue;
    const int expected = rank.get<int>() - group.get<int>() * group_size_of(report);
    if (in_group == expected) continue;
    observed.hits.push_back(
        {{rank_entity(rank)}, {{"group", group}, {"group_rank", in_group}, {"expected_group_rank", expected}}});
  }
  return observed;
}

Observed observe_peer_access(const CheckRow&, const Json& report) {
  Observed observed;
  const Json& probe = in(report, "probe");
  const auto pairs = list_in(probe, "pairs");
  if (std::ranges::none_of(pairs, [](const Json* pair) { return in(*pair, "access").is_boolean(); })) {
    observed.missing = "peer-access matrix (symmbench probe)";
  }
  for (const Json* pair : pairs) {
    // A rank that died or stood still says nothing about the way to its peers; a call that failed on the way does.
    const auto layer = text_in(in(*pair, "failure"), "layer");
    const bool failed_on_the_way = in(*pair, "access").is_null() && (layer == "driver" || layer == "kernel");
    if (!failed_on_the_way && (in(*pair, "access") != false || shows_another(report, *pair))) continue;
    observed.hits.push_back({{rank_entity(in(*pair, "rank")), rank_entity(in(*pair, "peer"))}, *pair});
  }
  for (const Json* found : list_in(probe, "received")) {
    if (in(*found, "tested") == false || !in(*found, "writer_rank").is_null()) continue;
    observed.hits.push_back({{rank_entity(in(*found, "rank")), rank_entity(in(*found, "from"))},
                             {{"writer", in(*found, "from")}, {"did_not_reach", in(*found, "rank")}}});
  }
  return observed;
}

}  // namespace symmbench
