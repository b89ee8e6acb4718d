#include "report/rank_rows.hpp"

#include <algorithm>
#include <set>

#include "config/fabric_profile.hpp"
#include "report/evidence.hpp"
#include "report/floors.hpp"
#include "report/link_times.hpp"
#include "report/pick.hpp"

namespace symmbench {
namespace {

Json upstream_handles_json(const Json& device) {
  Json choices = Json::array();
  const Json given = member(device, "upstream_handles");
  for (const Json& choice : given.is_array() ? given : Json::array()) {
    choices.push_back({{"allocator", pick_text(choice, "allocator")},
                       {"handle", pick_text(choice, "handle")},
                       {"why", pick_text(choice, "why")},
                       {"own_device_handle", pick_text(choice, "own_device_handle")}});
  }
  return choices;
}

/// Each trial once: allocators of later case groups make the same ones again.
Json handle_trials_json(const RecordSet& records) {
  Json trials = Json::array();
  for (const auto& trial : records.handle_trials) {
    Json entry{{"group", trial.group},
               {"allocator", trial.allocator},
               {"type", trial.type},
               {"passed", json_or_null(trial.passed)},
               {"failure", trial.failure ? to_json(*trial.failure) : Json(nullptr)},
               {"reason", trial.reason.empty() ? Json(nullptr) : Json(trial.reason)}};
    if (std::find(trials.begin(), trials.end(), entry) == trials.end()) trials.push_back(std::move(entry));
  }
  return trials;
}

Json fabric_json(const Json& fabric) {
  if (!fabric.is_object()) return nullptr;
  return {{"state", pick_text(fabric, "state")},
          {"status", pick_integer(fabric, "status")},
          {"cluster_uuid", pick_text(fabric, "cluster_uuid")},
          {"clique_id", pick_integer(fabric, "clique_id")},
          {"health_mask", pick_integer(fabric, "health_mask")},
          {"health_summary", pick_integer(fabric, "health_summary")}};
}

Json clique_lists_json(const Json& device) {
  Json lists = Json::array();
  const Json& given = member_of(device, "clique_lists");
  for (const Json& list : given.is_array() ? given : Json::array()) {
    const Json& told = member_of(list, "cliques");
    Json cliques = told.is_array() ? Json::array() : Json(nullptr);
    for (const Json& clique : told.is_array() ? told : Json::array()) {
      cliques.push_back({{"type", pick_text(clique, "type")}, {"id", pick_integer(clique, "id")}});
    }
    lists.push_back({{"source", pick_text(list, "source")},
                     {"cluster_uuid", pick_text(list, "cluster_uuid")},
                     {"cliques", std::move(cliques)},
                     {"unknown", pick_text(list, "unknown")},
                     {"nonsense", texts_or_null(list, "nonsense")}});
  }
  return lists;
}

Json lookup_json(const Json& lookup) {
  if (!lookup.is_object()) return nullptr;
  return {{"pci_bus_id", pick_text(lookup, "pci_bus_id")},
          {"same_device", pick_flag(lookup, "same_device")},
          {"fabric", fabric_json(member(lookup, "fabric"))}};
}

Json first_device_json(const Json& test) {
  if (!test.is_object()) return nullptr;
  return {{"uuid", pick_text(test, "uuid")},
          {"passed", pick_flag(test, "passed")},
          {"failure", pick_text(test, "failure")}};
}

/// A fact out of a list of them.
template <class Entry>
Json entries_json(const Json& device, const char* key, const Entry& entry_json) {
  Json entries = Json::array();
  const Json& given = member_of(device, key);
  for (const Json& entry : given.is_array() ? given : Json::array()) entries.push_back(entry_json(entry));
  return entries;
}

Json library_json(const Json& library) {
  return {{"name", pick_text(library, "name")},
          {"path", pick_text(library, "path")},
          {"version", pick_text(library, "version")},
          {"unknown", pick_text(library, "unknown")}};
}

Json granularity_json(const Json& granularity) {
  return {{"handle", pick_text(granularity, "handle")},
          {"minimum_bytes", pick_integer(granularity, "minimum_bytes")},
          {"recommended_bytes", pick_integer(granularity, "recommended_bytes")},
          {"unknown", pick_text(granularity, "unknown")}};
}

Json mig_json(const Json& mig) {
  if (!mig.is_object()) return nullptr;
  return {{"enabled", pick_flag(mig, "enabled")},
          {"pending", pick_flag(mig, "pending")},
          {"unknown", pick_text(mig, "unknown")}};
}

Json device_answer_json(const Json& device) {
  return {{"kind", pick_text(device, "kind")},
          {"usable", pick_flag(device, "usable")},
          {"reason", pick_text(device, "reason")},
          {"name", pick_text(device, "name")},
          {"uuid", pick_text(device, "uuid")},
          {"pci_bus_id", pick_text(device, "pci_bus_id")},
          {"ordinal", pick_integer(device, "ordinal")},
          {"numa_node", pick_integer(device, "numa_node")},
          {"near_cpus", pick_text(device, "near_cpus")},
          {"bound_near", pick_flag(device, "bound_near")},
          {"pci_path", texts_or_null(device, "pci_path")},
          {"system_driver", pick_text(device, "system_driver")},
          {"toolkit_version", pick_integer(device, "toolkit_version")},
          {"nvlinks_active", pick_integer(device, "nvlinks_active")},
          {"sm_version", pick_integer(device, "sm_version")},
          {"multiprocessors", pick_integer(device, "multiprocessors")},
          {"driver_version", pick_integer(device, "driver_version")},
          {"posix_fd_supported", pick_flag(device, "posix_fd_supported")},
          {"fabric_supported", pick_flag(device, "fabric_supported")},
          {"ipc_supported", pick_flag(device, "ipc_supported")},
          {"gpu_direct_rdma_supported", pick_flag(device, "gpu_direct_rdma_supported")},
          {"multicast_supported", pick_flag(device, "multicast_supported")},
          {"confidential_computing", pick_flag(device, "confidential_computing")},
          {"imex_channels", pick_integer(device, "imex_channels")},
          {"upstream_handles", upstream_handles_json(device)},
          {"fabric_self_test", pick_flag(device, "fabric_self_test")},
          {"fabric_self_test_failure", pick_object(device, "fabric_self_test_failure")},
          {"fabric", fabric_json(member(device, "fabric"))},
          {"fabric_unknown", pick_text(device, "fabric_unknown")},
          {"fabric_nonsense", texts_or_null(device, "fabric_nonsense")},
          {"clique_lists", clique_lists_json(device)},
          {"nvml_by_ordinal", lookup_json(member(device, "nvml_by_ordinal"))},
          {"first_device_test", first_device_json(member(device, "first_device_test"))},
          {"unreachable_gpus", texts_or_null(device, "unreachable_gpus")},
          {"free_bytes", pick_integer(device, "free_bytes")},
          {"mig", mig_json(member(device, "mig"))},
          {"granularities", entries_json(device, "granularities", granularity_json)},
          {"libraries", entries_json(device, "libraries", library_json)}};
}

/// Null as a whole: the rank did not tell.
Json limits_json(const Json& limits) {
  if (!limits.is_object()) return nullptr;
  Json json = Json::object();
  for (const char* key : {"memlock", "nofile", "core", "stack", "nproc", "address_space"}) {
    const Json& limit = member_of(limits, key);
    json[key] = limit.is_object() ? Json{{"soft", pick_integer(limit, "soft")}, {"hard", pick_integer(limit, "hard")}}
                                  : Json(nullptr);
  }
  return json;
}

Json mpi_json(const Json& mpi) {
  if (!mpi.is_object()) return nullptr;
  return {{"library", pick_text(mpi, "library")}, {"standard", pick_text(mpi, "standard")}};
}

Json topology_json(const Json& topology) {
  if (!topology.is_object()) return nullptr;
  Json json = Json::object();
  for (const char* key : {"packages", "cores", "threads", "numa_nodes", "l3_caches", "l3_bytes"}) {
    json[key] = pick_integer(topology, key);
  }
  json["bound_cpus"] = pick_text(topology, "bound_cpus");
  const Json nodes = member(topology, "bound_numa_nodes");
  json["bound_numa_nodes"] = nodes.is_array() ? nodes : Json(nullptr);
  return json;
}

Json environment_json(const Json& facts) {
  Json variables = Json::object();
  const Json given = pick_object(facts, "environment");
  for (auto it = given.begin(); it != given.end(); ++it) {
    if (it->is_string()) variables[it.key()] = *it;
  }
  return variables;
}

}  // namespace

Json rank_json(int rank, const Json& facts, const std::string& device_kind) {
  Json devices = Json::array();
  Json used = nullptr;
  const Json answers = member(facts, "devices");
  if (answers.is_array()) {
    for (const Json& answer : answers) {
      devices.push_back(device_answer_json(answer));
      if (text_or(answer, "kind") == device_kind) used = answer;
    }
  }
  return {{"rank", rank},
          {"host", pick_text(facts, "host")},
          {"boot_id", pick_text(facts, "boot_id")},
          {"machine", pick_text(facts, "machine")},
          {"network_namespace", pick_text(facts, "network_namespace")},
          {"pid", pick_integer(facts, "pid")},
          {"local_rank", pick_integer(facts, "local_rank")},
          {"cpus", pick_integer(facts, "cpus")},
          {"cpus_allowed", pick_integer(facts, "cpus_allowed")},
          {"cpu_quota", pick_number(facts, "cpu_quota")},
          {"memory_limit_bytes", pick_integer(facts, "memory_limit_bytes")},
          {"load_1m", pick_number(facts, "load_1m")},
          {"limits", limits_json(member(facts, "limits"))},
          {"mpi", mpi_json(member(facts, "mpi"))},
          {"gpu_name", pick_text(used, "name")},
          {"gpu_uuid", pick_text(used, "uuid")},
          {"pci_bus_id", pick_text(used, "pci_bus_id")},
          {"gpu_ordinal", pick_integer(used, "ordinal")},
          {"topology", topology_json(pick_object(facts, "topology"))},
          {"devices", devices},
          {"environment", environment_json(facts)}};
}

namespace {

/// What a shipped profile says that its links reach; null: no such profile, and nothing to hold rates against.
Json limits_json(const std::string& profile) {
  const auto shipped = shipped_fabrics();
  const auto at = std::ranges::find_if(shipped, [&](const ShippedFabric& one) { return one.name == profile; });
  if (at == shipped.end()) return nullptr;
  const FabricProfile limits = FabricDocument::of_value(profile).profile();
  return {{"profile", profile}, {"links", limits.links}, {"link_gbs", limits.link_gbs}, {"copy_gbs", limits.copy_gbs}};
}

}  // namespace

Json fold_ranks(const RecordSet& records) {
  const std::string kind = text_or(records.started.device, "kind");
  Json ranks = Json::array();
  for (int rank = 0; rank < records.started.world_size; ++rank) {
    const auto it = records.rank_facts.find(rank);
    ranks.push_back(rank_json(rank, it == records.rank_facts.end() ? Json(nullptr) : it->second, kind));
  }
  return ranks;
}

Json fold_fabric(const RecordSet& records) {
  std::set<std::string> hosts;
  for (const auto& [rank, facts] : records.rank_facts) {
    // Two hosts may share a name; no two booted systems share a boot id.
    const auto identity = text_or(facts, "boot_id", text_or(facts, "host"));
    if (!identity.empty()) hosts.insert(identity);
  }
  return {{"profile", pick_text(records.started.device, "fabric_profile")},
          {"limits", limits_json(text_or(records.started.device, "fabric_profile"))},
          {"hosts", hosts.empty() ? Json(nullptr) : Json(hosts.size())},
          {"handle_trials", handle_trials_json(records)},
          {"samples", fold_samples(records)},
          {"kernel_log", fold_kernel_log(records)},
          {"floors", fold_floors(records)},
          {"links", fold_link_times(records)}};
}

}  // namespace symmbench
