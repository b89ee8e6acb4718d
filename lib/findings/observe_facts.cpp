#include "findings/observe_facts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
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

/// Degraded bandwidth, route recovery, route unhealthy, access timeout recovery: two bits each, 1 a problem; then why the
/// GPU's configuration is wrong, 1 not at all. (nvml.h, NVML_GPU_FABRIC_HEALTH_MASK)
bool tells_of_a_problem(std::uint32_t health_mask) {
  for (int field = 0; field < 4; ++field) {
    if ((health_mask >> (2 * field) & 3u) == 1) return true;
  }
  return (health_mask >> 8 & 0xFu) > 1;
}

/// What became of trials of fabric handles in the groups of these ranks: "passed", "failed" or "not made".
std::string fabric_trials(const Json& report, const Ranks& ranks) {
  std::string outcome = "not made";
  for (const Json* trial : list_in(in(report, "fabric"), "handle_trials")) {
    const bool theirs = std::ranges::any_of(
        ranks, [&](const auto& rank) { return in(*trial, "group") == rank.group || in(*trial, "group").is_null(); });
    if (!theirs || text_in(*trial, "type") != "fabric" || !in(*trial, "passed").is_boolean()) continue;
    if (in(*trial, "passed") == false) return "failed";
    outcome = "passed";
  }
  return outcome;
}

bool between(const Json& entry, int one, int other) {
  const Json &rank = in(entry, "rank"), &peer = in(entry, "peer");
  return (rank == one && peer == other) || (rank == other && peer == one);
}

/// Whether memory of one of two ranks was seen to be within the other's reach; nullopt: nobody tried.
std::optional<bool> reached(const Json& report, int one, int other) {
  for (const RecordedFailure& recorded : failures_of(report)) {
    if (between(*recorded.failure, one, other)) return false;
  }
  std::optional<bool> found;
  for (const Json* pair : list_in(in(report, "probe"), "pairs")) {
    if (!between(*pair, one, other) || !in(*pair, "access").is_boolean()) continue;
    if (in(*pair, "access") == false) return false;
    found = true;
  }
  return found;
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
  // On a board descriptors reach everybody; where there is a cluster, fabric handles are meant to be used. Where they were
  // used all the same, nothing is missing.
  const bool in_cluster = std::any_of(without.begin(), without.end(), [](const ReportedRank& rank) {
    return !fabric_value(rank, "cluster_uuid").is_null();
  });
  const auto outcome = fabric_trials(report, without);
  observed.hits.push_back({entities(without),
                           {{"imex_channels", by_rank(without, counts)}, {"fabric_trials", outcome}},
                           in_cluster && outcome != "passed" ? std::nullopt : std::optional(Severity::info)});
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
  Observed observed = where_fabric(report, "health_summary", [](const ReportedRank&, const Json& health) {
    return health == kUnhealthy || health == kLimited;
  });
  if (!observed.hits.empty() || observed.missing.empty()) return observed;
  // Drivers from before the summary have the mask alone.
  return where_fabric(report, "health_mask", [](const ReportedRank& rank, const Json& mask) {
    return fabric_value(rank, "health_summary").is_null() && mask.is_number_unsigned() &&
           tells_of_a_problem(mask.get<std::uint32_t>());
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
  Observed observed = where_fabric(report, "cluster_uuid", [](const ReportedRank& rank, const Json& uuid) {
    return registered(rank) && uuid.is_null() && in(*rank.device, "fabric_supported") == true;
  });
  // On a board all are so; ranks that are so beside others that have a cluster have left it.
  const bool others_have_one = std::ranges::any_of(
      ranks_of(report), [](const ReportedRank& rank) { return !fabric_value(rank, "cluster_uuid").is_null(); });
  for (Hit& hit : observed.hits) {
    if (others_have_one) hit.severity = Severity::warning;
  }
  return observed;
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
      if (!hit) continue;
      const auto outcome = reached(report, rank.rank, peer.rank);
      observed.hits.push_back({{entity_of(rank), entity_of(peer)},
                               {{"gpu", in(*peer.facts, "gpu_uuid")},
                                {"outcome", !outcome   ? "not tried"
                                            : *outcome ? "its memory was read all the same"
                                                       : "it was not reached"}},
                               outcome == false ? std::nullopt : std::optional(Severity::warning)});
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

Observed observe_multiprocessors(const CheckRow&, const Json& report) {
  return where_groups_differ(report, "multiprocessors", device_value("multiprocessors"));
}

Observed observe_link_counts(const CheckRow&, const Json& report) {
  return where_groups_differ(report, "nvlinks_active", device_value("nvlinks_active"));
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
    constexpr std::array kOfRanks{"POD_NAME", "NODE_NAME", "JOB_COMPLETION_INDEX", "OMPI_COMM_WORLD_LOCAL_SIZE"};
    if (std::ranges::find(kOfRanks, std::string_view(name)) != kOfRanks.end()) continue;
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

namespace {

/// "0", "0,1", "0,1,2": the GPUs that have these numbers anyhow.
bool names_first_in_order(const std::string& visible) {
  std::string expected = "0";
  for (int next = 1; expected.size() < visible.size(); ++next) expected += fmt::format(",{}", next);
  return expected == visible;
}

}  // namespace

Observed observe_visible_devices(const CheckRow&, const Json& report) {
  Ranks remapped;
  std::vector<Json> values;
  Observed observed;
  for (const auto& rank : ranks_of(report)) {
    if (!in(*rank.facts, "environment").is_object()) observed.missing = "environment of " + entity_of(rank);
    const auto visible = text_in(in(*rank.facts, "environment"), "CUDA_VISIBLE_DEVICES");
    if (text_in(*rank.device, "kind") != "cuda" || visible.empty() || names_first_in_order(visible)) continue;
    if (in(in(*rank.device, "nvml_by_ordinal"), "same_device") == true) continue;  // it was looked up, and is right
    remapped.push_back(rank);
    values.emplace_back(visible);
  }
  if (!remapped.empty()) {
    observed.hits.push_back({entities(remapped), {{"CUDA_VISIBLE_DEVICES", by_rank(remapped, values)}}});
  }
  return observed;
}

}  // namespace symmbench
