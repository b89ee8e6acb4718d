#include "findings/observe_lookups.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <set>

#include "findings/report_facts.hpp"

namespace symmbench {
namespace {

/// "type id" of each clique; nullopt where the list is not known.
std::optional<std::set<std::string>> cliques_in(const Json& list) {
  if (!in(list, "cliques").is_array()) return std::nullopt;
  std::set<std::string> cliques;
  for (const Json* clique : list_in(list, "cliques")) {
    cliques.insert(fmt::format("{} {}", text_in(*clique, "type"), in(*clique, "id").dump()));
  }
  return cliques;
}

/// Of the lists of a rank those that are known.
std::vector<const Json*> known_lists(const ReportedRank& rank) {
  auto lists = list_in(*rank.device, "clique_lists");
  std::erase_if(lists, [](const Json* list) { return !in(*list, "cliques").is_array(); });
  return lists;
}

}  // namespace

Observed observe_nonsense(const CheckRow&, const Json& report) {
  Observed observed;
  for (const auto& rank : ranks_of(report)) {
    Json nonsense = Json::array();
    bool told = in(*rank.device, "fabric").is_object();
    for (const Json* text : list_in(*rank.device, "fabric_nonsense")) nonsense.push_back(*text);
    for (const Json* list : list_in(*rank.device, "clique_lists")) {
      told = told || in(*list, "cliques").is_array();
      for (const Json* text : list_in(*list, "nonsense")) {
        nonsense.push_back(
            fmt::format("{}: {}", text_in(*list, "source"), text->is_string() ? text->get<std::string>() : ""));
      }
    }
    if (!told && nonsense.empty()) observed.missing = "fabric registration of " + entity_of(rank);
    if (!nonsense.empty()) observed.hits.push_back({{entity_of(rank)}, {{"nonsense", nonsense}}});
  }
  return observed;
}

Observed observe_clique_lists(const CheckRow&, const Json& report) {
  Observed observed;
  for (const auto& rank : ranks_of(report)) {
    const auto lists = known_lists(rank);
    if (lists.size() < 2) {
      observed.missing = "cliques by two libraries, of " + entity_of(rank);
      continue;
    }
    for (const Json* other : lists) {
      const Json &cluster = in(*lists.front(), "cluster_uuid"), &others = in(*other, "cluster_uuid");
      const bool two_clusters = !cluster.is_null() && !others.is_null() && cluster != others;
      if (!two_clusters && cliques_in(*lists.front()) == cliques_in(*other)) continue;
      observed.hits.push_back({{entity_of(rank)}, {{"lists", {*lists.front(), *other}}}});
    }
  }
  return observed;
}

Observed observe_multicast_cliques(const CheckRow&, const Json& report) {
  constexpr std::string_view kType = "multicast_pointer ";
  Observed observed;
  std::map<int, std::vector<ReportedRank>> groups;
  for (const auto& rank : ranks_of(report)) groups[rank.group].push_back(rank);
  for (const auto& [group, ranks] : groups) {
    std::optional<std::set<std::string>> common;
    std::vector<Json> values;
    bool known = true;
    for (const auto& rank : ranks) {
      const auto lists = known_lists(rank);
      if (lists.empty()) {
        observed.missing = "cliques by type, of " + entity_of(rank);
        known = false;
        break;
      }
      std::set<std::string> own = cliques_in(*lists.back()).value_or(std::set<std::string>{});
      std::erase_if(own, [&](const std::string& clique) { return !clique.starts_with(kType); });
      values.emplace_back(own);
      if (!common) {
        common = own;
        continue;
      }
      std::set<std::string> both;
      std::ranges::set_intersection(*common, own, std::inserter(both, both.end()));
      common = std::move(both);
    }
    const bool any = std::ranges::any_of(values, [](const Json& own) { return !own.empty(); });
    if (!known || !any || !common->empty()) continue;
    Hit hit{.evidence = {{"cliques", by_rank(ranks, values)}}};
    for (const auto& rank : ranks) hit.entities.push_back(entity_of(rank));
    observed.hits.push_back(std::move(hit));
  }
  return observed;
}

/// A hit of full weight where a rule takes another handle type for it; else it did no harm here.
Observed observe_lookups(const CheckRow&, const Json& report) {
  Observed observed;
  for (const auto& rank : ranks_of(report)) {
    Json rules = Json::array();
    const auto choices = list_in(*rank.device, "upstream_handles");
    if (choices.empty()) observed.missing = "rules of " + entity_of(rank);
    for (const Json* choice : choices) {
      const Json& own = in(*choice, "own_device_handle");
      if (own.is_string() && own != in(*choice, "handle")) rules.push_back(*choice);
    }
    const Json &lookup = in(*rank.device, "nvml_by_ordinal"), &test = in(*rank.device, "first_device_test");
    const bool another = in(lookup, "same_device") == false;
    const bool tests_differ = test.is_object() && in(test, "passed").is_boolean() &&
                              in(test, "passed") != in(*rank.device, "fabric_self_test");
    if (rules.empty() && !another && !tests_differ) continue;
    observed.hits.push_back({{entity_of(rank)},
                             {{"rules", rules},
                              {"nvml_by_ordinal", lookup},
                              {"first_device_test", test},
                              {"pci_bus_id", in(*rank.device, "pci_bus_id")},
                              {"fabric_self_test", in(*rank.device, "fabric_self_test")}},
                             rules.empty() ? std::optional(Severity::info) : std::nullopt});
  }
  return observed;
}

}  // namespace symmbench
