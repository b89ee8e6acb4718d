#include "findings/observe_facts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "findings/report_facts.hpp"

namespace symmbench {
namespace {

using Ranks = std::vector<ReportedRank>;

std::vector<std::string> entities(const Ranks& ranks) {
  std::vector<std::string> names;
  for (const auto& rank : ranks) names.push_back(entity_of(rank));
  return names;
}

/// A hit that names the ranks of which `value` of the device is bad; unknown where a device does not say.
template <class IsBad>
Observed where_device(const Json& report, const char* key, const IsBad& is_bad) {
  Observed observed;
  Ranks bad;
  std::vector<Json> values;
  for (const auto& rank : ranks_of(report)) {
    const Json& value = in(*rank.device, key);
    if (value.is_null()) {
      observed.missing = fmt::format("{} of {}", key, entity_of(rank));
    } else if (is_bad(value)) {
      bad.push_back(rank);
      values.push_back(value);
    }
  }
  if (!bad.empty()) observed.hits.push_back({entities(bad), {{key, by_rank(bad, values)}}});
  return observed;
}

/// A hit per group whose ranks' values differ; a null is unknown.
template <class Value>
Observed where_groups_differ(const Json& report, const char* what, const Value& value_of) {
  Observed observed;
  std::map<int, Ranks> groups;
  for (const auto& rank : ranks_of(report)) groups[rank.group].push_back(rank);
  for (const auto& [group, ranks] : groups) {
    std::vector<Json> values;
    std::set<std::string> known;
    for (const auto& rank : ranks) {
      values.push_back(value_of(rank));
      if (values.back().is_null()) {
        observed.missing = fmt::format("{} of {}", what, entity_of(rank));
      } else {
        known.insert(values.back().dump());
      }
    }
    if (known.size() > 1) observed.hits.push_back({entities(ranks), {{what, by_rank(ranks, values)}}});
  }
  return observed;
}

auto device_value(const char* key) {
  return [key](const ReportedRank& rank) { return in(*rank.device, key); };
}

/// What the fabric of a device says under `key`; null: nothing is known of it.
Json fabric_value(const ReportedRank& rank, const char* key) { return in(in(*rank.device, "fabric"), key); }

bool registered(const ReportedRank& rank) { return fabric_value(rank, "state") == "completed"; }

/// Ranks whose fabric is bad; unknown where it is, and where a registered one does not say what `key` is. A cluster alone
/// may be none.
template <class IsBad>
Observed where_fabric(const Json& report, const char* key, const IsBad& is_bad) {
  Observed observed;
  Ranks bad;
  std::vector<Json> values;
  for (const auto& rank : ranks_of(report)) {
    const Json state = fabric_value(rank, "state"), value = fabric_value(rank, key);
    const bool untold = value.is_null() && registered(rank) && std::string_view(key) != "cluster_uuid";
    if (state.is_null()) observed.missing = "fabric registration of " + entity_of(rank);
    if (untold) observed.missing = fmt::format("fabric {} of {}", key, entity_of(rank));
    if (state.is_null() || !is_bad(rank, value)) continue;
    bad.push_back(rank);
    values.push_back(value);
  }
  if (!bad.empty()) observed.hits.push_back({entities(bad), {{key, by_rank(bad, values)}}});
  return observed;
}

/// What the rule of an allocator takes on a rank: {handle, why}; null: not recorded.
Json rule_of(const ReportedRank& rank, const std::string& allocator) {
  for (const Json* rule : list_in(*rank.device, "upstream_handles")) {
    if (text_in(*rule, "allocator") == allocator) return *rule;
  }
  return nullptr;
}

constexpr const char* kRuled[] = {"symm_device_memory", "torch_symm_mem"};

bool fails(const Json& row) { return text_in(row, "status") == "failed" || text_in(row, "status") == "hung"; }

bool ran(const Json& row) { return fails(row) || text_in(row, "status") == "ok"; }

bool wrong(const Json& row) {
  const Json& count = in(row, "wrong_elements");
  return count.is_number() && count.get<double>() > 0;
}

}  // namespace

Observed observe_rule_split(const CheckRow&, const Json& report) {
  Observed all;
  for (const char* allocator : kRuled) {
    Observed one = where_groups_differ(
        report, "handle", [&](const ReportedRank& rank) -> Json { return in(rule_of(rank, allocator), "handle"); });
    for (Hit& hit : one.hits) {
      hit.entities.push_back(std::string("allocator ") + allocator);
      for (const auto& rank : ranks_of(report)) {
        hit.evidence["why"][std::to_string(rank.rank)] = in(rule_of(rank, allocator), "why");
      }
      all.hits.push_back(std::move(hit));
    }
    if (!one.missing.empty()) all.missing = fmt::format("rule of {}: {}", allocator, one.missing);
  }
  return all;
}

Observed observe_rules_differ(const CheckRow&, const Json& report) {
  Observed observed;
  Ranks apart;
  std::vector<Json> values;
  for (const auto& rank : ranks_of(report)) {
    const Json symm = rule_of(rank, kRuled[0]), torch = rule_of(rank, kRuled[1]);
    if (symm.is_null() || torch.is_null()) {
      observed.missing = "rules of " + entity_of(rank);
    } else if (in(symm, "handle") != in(torch, "handle")) {
      apart.push_back(rank);
      values.push_back(Json::array({symm, torch}));
    }
  }
  if (!apart.empty()) observed.hits.push_back({entities(apart), {{"rules", by_rank(apart, values)}}});
  return observed;
}

Observed observe_no_handle(const CheckRow&, const Json& report) {
  Observed observed;
  std::set<std::string> seen;
  if (list_in(report, "results").empty()) observed.missing = "rows";
  for (const Json* row : list_in(report, "results")) {
    const Json& handle = in(*row, "handle");
    const auto reason = text_in(handle, "reason");
    const bool none = text_in(*row, "status") == "skipped" && !reason.empty() && in(handle, "used").is_null();
    if (!none || !seen.insert(text_in(*row, "allocator") + reason).second) continue;
    observed.hits.push_back({{"allocator " + text_in(*row, "allocator")}, {{"handle", handle}}});
  }
  return observed;
}

Observed observe_trials(const CheckRow&, const Json& report) {
  Observed observed;
  const auto trials = list_in(in(report, "fabric"), "handle_trials");
  const auto tried = [](const Json* trial) { return in(*trial, "passed").is_boolean(); };
  if (std::none_of(trials.begin(), trials.end(), tried)) observed.missing = "handle trials";
  for (const Json* trial : trials) {
    if (in(*trial, "passed") != false) continue;
    observed.hits.push_back({{"allocator " + text_in(*trial, "allocator"), "handle " + text_in(*trial, "type")},
                             *trial,
                             another_type_passed(report, *trial) ? std::optional(Severity::info) : std::nullopt});
  }
  return observed;
}

Observed observe_one_allocator(const CheckRow&, const Json& report) {
  std::map<std::string, std::map<std::string, std::size_t>> failed, passed;  // by case, then allocator
  std::set<std::string> allocators_that_ran;
  for (const Json* row : list_in(report, "results")) {
    if (in(*row, "reference") == true) continue;
    auto& side = fails(*row) ? failed : passed;
    if (!ran(*row)) continue;
    allocators_that_ran.insert(text_in(*row, "allocator"));
    ++side[text_in(*row, "case_id")][text_in(*row, "allocator")];
  }
  std::map<std::string, std::vector<std::string>> cases;  // by allocator: those that another one passes
  for (const auto& [name, allocators] : failed) {
    if (!passed.contains(name)) continue;
    for (const auto& [allocator, count] : allocators) cases[allocator].push_back(name);
  }
  Observed observed;
  if (allocators_that_ran.size() < 2) observed.missing = "rows of two allocators";
  for (const auto& [allocator, names] : cases) {
    observed.hits.push_back({{"allocator " + allocator}, {{"cases", names.size()}, {"first_case", names.front()}}});
  }
  return observed;
}

Observed observe_wrong_by_handle(const CheckRow&, const Json& report) {
  std::map<std::string, std::pair<std::size_t, std::size_t>> counts;  // by type: wrong and right rows
  for (const Json* row : list_in(report, "results")) {
    const auto used = text_in(in(*row, "handle"), "used");
    if (used.empty()) continue;
    if (wrong(*row)) {
      ++counts[used].first;
    } else if (text_in(*row, "status") == "ok") {
      ++counts[used].second;
    }
  }
  Observed observed;
  if (counts.empty()) observed.missing = "rows whose data were checked";
  for (const auto& [type, count] : counts) {
    if (count.first == 0) continue;
    if (counts.size() == 1) observed.missing = "rows over another handle type";
    const bool right_elsewhere = std::any_of(counts.begin(), counts.end(), [&](const auto& other) {
      return other.first != type && other.second.first == 0 && other.second.second > 0;
    });
    if (right_elsewhere) {
      observed.hits.push_back({{"handle " + type}, {{"wrong_rows", count.first}, {"right_rows", count.second}}});
    }
  }
  return observed;
}

Observed observe_imex_channel(const CheckRow&, const Json& report) {
  Observed observed;
  Ranks without;
  std::vector<Json> counts;
  for (const auto& rank : ranks_of(report)) {
    const Json& offered = in(*rank.device, "fabric_supported");
    if (offered.is_null()) observed.missing = "fabric_supported of " + entity_of(rank);
    if (offered != true) continue;
    const Json& channels = in(*rank.device, "imex_channels");
    if (channels.is_null()) observed.missing = "IMEX channel nodes of " + entity_of(rank);
    if (channels != 0) continue;
    without.push_back(rank);
    counts.push_back(channels);
  }
  if (without.empty()) return observed;
  // On a board descriptors reach everybody; where there is a cluster, fabric handles are meant to be used.
  const bool in_cluster = std::any_of(without.begin(), without.end(), [](const ReportedRank& rank) {
    return !fabric_value(rank, "cluster_uuid").is_null();
  });
  observed.hits.push_back({entities(without),
                           {{"imex_channels", by_rank(without, counts)}},
                           in_cluster ? std::nullopt : std::optional(Severity::info)});
  return observed;
}

Observed observe_fabric_state(const CheckRow&, const Json& report) {
  return where_fabric(report, "state", [](const ReportedRank&, const Json& state) {
    return state == "not_started" || state == "in_progress";
  });
}

Observed observe_fabric_status(const CheckRow&, const Json& report) {
  return where_fabric(report, "status", [](const ReportedRank& rank, const Json& status) {
    return registered(rank) && status.is_number() && status != 0;
  });
}

Observed observe_fabric_health(const CheckRow&, const Json& report) {
  constexpr int kUnhealthy = 2, kLimited = 3;
  return where_fabric(report, "health_summary", [](const ReportedRank&, const Json& health) {
    return health == kUnhealthy || health == kLimited;
  });
}

Observed observe_clique_split(const CheckRow&, const Json& report) {
  return where_groups_differ(report, "cluster_and_clique", [](const ReportedRank& rank) -> Json {
    if (fabric_value(rank, "state").is_null()) return nullptr;
    if (fabric_value(rank, "cluster_uuid").is_null()) return "no cluster";
    return fmt::format("{}, clique {}", text_in(in(*rank.device, "fabric"), "cluster_uuid"),
                       fabric_value(rank, "clique_id").dump());
  });
}

Observed observe_zero_cluster(const CheckRow&, const Json& report) {
  return where_fabric(report, "cluster_uuid", [](const ReportedRank& rank, const Json& uuid) {
    return registered(rank) && uuid.is_null() && in(*rank.device, "fabric_supported") == true;
  });
}

Observed observe_unreachable(const CheckRow&, const Json& report) {
  Observed observed;
  const auto ranks = ranks_of(report);
  for (const auto& rank : ranks) {
    if (!in(*rank.device, "unreachable_gpus").is_array()) observed.missing = "reach of the GPU of " + entity_of(rank);
    const auto unreachable = list_in(*rank.device, "unreachable_gpus");
    for (const auto& peer : ranks) {
      const bool hit = std::any_of(unreachable.begin(), unreachable.end(),
                                   [&](const Json* uuid) { return *uuid == in(*peer.facts, "gpu_uuid"); });
      if (hit) observed.hits.push_back({{entity_of(rank), entity_of(peer)}, {{"gpu", in(*peer.facts, "gpu_uuid")}}});
    }
  }
  return observed;
}

Observed observe_confidential(const CheckRow&, const Json& report) {
  return where_device(report, "confidential_computing", [](const Json& on) { return on == true; });
}

Observed observe_confidential_split(const CheckRow&, const Json& report) {
  return where_groups_differ(report, "confidential_computing", device_value("confidential_computing"));
}

Observed observe_multicast_split(const CheckRow&, const Json& report) {
  return where_groups_differ(report, "multicast_supported", device_value("multicast_supported"));
}

Observed observe_driver_split(const CheckRow&, const Json& report) {
  return where_groups_differ(report, "driver_version", device_value("driver_version"));
}

Observed observe_model_split(const CheckRow&, const Json& report) {
  return where_groups_differ(report, "name", device_value("name"));
}

Observed observe_environment(const CheckRow&, const Json& report) {
  Ranks ranks;  // that tell
  std::set<std::string> names;
  Observed observed;
  for (const auto& rank : ranks_of(report)) {
    const Json& variables = in(*rank.facts, "environment");
    if (!variables.is_object()) {
      observed.missing = "environment of " + entity_of(rank);
      continue;
    }
    ranks.push_back(rank);
    for (const auto& [name, value] : variables.items()) names.insert(name);
  }
  for (const auto& name : names) {
    // These are meant to differ.
    if (name.starts_with("SLURM_") || name.starts_with("CUDA_VISIBLE") || name.starts_with("NVIDIA_VISIBLE")) continue;
    std::vector<Json> values;
    std::set<std::string> different;
    for (const auto& rank : ranks) {
      values.push_back(in(in(*rank.facts, "environment"), name));
      different.insert(values.back().dump());
    }
    if (different.size() > 1) observed.hits.push_back({{"variable " + name}, {{name, by_rank(ranks, values)}}});
  }
  return observed;
}

Observed observe_namespaces(const CheckRow&, const Json& report) {
  std::map<std::string, Ranks> machines;
  Observed observed;
  for (const auto& rank : ranks_of(report)) {
    const auto boot_id = text_in(*rank.facts, "boot_id");
    if (boot_id.empty() || text_in(*rank.facts, "network_namespace").empty()) {
      observed.missing = "machine and network namespace of " + entity_of(rank);
    } else {
      machines[boot_id].push_back(rank);
    }
  }
  for (const auto& [boot_id, ranks] : machines) {
    std::vector<Json> values;
    std::set<std::string> different;
    for (const auto& rank : ranks) {
      values.push_back(in(*rank.facts, "network_namespace"));
      different.insert(values.back().dump());
    }
    if (different.size() > 1)
      observed.hits.push_back({entities(ranks), {{"network_namespace", by_rank(ranks, values)}}});
  }
  return observed;
}

Observed observe_visible_devices(const CheckRow&, const Json& report) {
  Ranks remapped;
  std::vector<Json> values;
  Observed observed;
  for (const auto& rank : ranks_of(report)) {
    if (!in(*rank.facts, "environment").is_object()) observed.missing = "environment of " + entity_of(rank);
    const auto visible = text_in(in(*rank.facts, "environment"), "CUDA_VISIBLE_DEVICES");
    if (text_in(*rank.device, "kind") != "cuda" || visible.empty() || visible.starts_with("0")) continue;
    remapped.push_back(rank);
    values.emplace_back(visible);
  }
  if (!remapped.empty()) {
    observed.hits.push_back({entities(remapped), {{"CUDA_VISIBLE_DEVICES", by_rank(remapped, values)}}});
  }
  return observed;
}

Observed observe_leaks(const CheckRow&, const Json& report) {
  Observed observed{.hits = {}, .missing = "lifecycles (--lifecycles)"};
  for (const Json* entry : list_in(report, "stability")) {
    const Json& leaks = in(*entry, "leaks");
    if (!leaks.is_object()) continue;
    observed.missing.clear();
    const bool leaked = std::any_of(leaks.begin(), leaks.end(),
                                    [](const Json& grown) { return grown.is_number() && grown.get<double>() > 0; });
    if (leaked) observed.hits.push_back({{"allocator " + text_in(*entry, "allocator")}, {{"leaks", leaks}}});
  }
  return observed;
}

}  // namespace symmbench
