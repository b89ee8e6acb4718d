#include "gate/environment.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "config/options.hpp"
#include "core/counted.hpp"
#include "gate/host_environment.hpp"
#include "gate/told.hpp"
#include "report/pick.hpp"

namespace symmbench {
namespace {

/// What a report says under one name.
struct Fact {
  std::string key;
  std::string value;
  bool of_machine = false;
  bool identity = false;
  std::string shown = {};    ///< what a person is told; empty: the value
  bool if_both_say = false;  ///< no difference where one does not tell, as older reports do not

  const std::string& text() const { return shown.empty() ? value : shown; }
};

/// What the devices that were used say of `key`, or of a key of their fabric.
std::string of_devices(const Json& report, const char* key, bool in_fabric = false) {
  std::set<std::string> values;
  for (const Json* device : used_devices(report)) {
    const Json& value = member_of(in_fabric ? member_of(*device, "fabric") : *device, key);
    if (!value.is_null()) values.insert(told_text(value));
  }
  return joined(values);
}

/// What an allocator's own rule takes, compared by its answers; shown with the facts that decided.
Fact rule_fact(const Json& report, const std::string& allocator) {
  std::set<std::string> answers, reasons;
  for (const Json* device : used_devices(report)) {
    const Json& rules = member_of(*device, "upstream_handles");
    if (!rules.is_array()) continue;
    for (const Json& rule : rules) {
      if (text_or(rule, "allocator") != allocator) continue;
      answers.insert(text_or(rule, "handle"));
      reasons.insert(fmt::format("{} ({})", text_or(rule, "handle"), text_or(rule, "why")));
    }
  }
  return {.key = "upstream_rule." + allocator, .value = joined(answers), .shown = joined(reasons)};
}

/// Whether the fabric's clusters are there, and in how many cliques the ranks are: identities differ between any two
/// systems, this between those of which one is not in order.
Fact cliques_fact(const Json& report) {
  std::set<std::string> cliques;
  bool without = false, known = false;
  for (const Json* device : used_devices(report)) {
    const Json& fabric = member_of(*device, "fabric");
    if (!fabric.is_object()) continue;
    known = true;
    const auto cluster = text_or(fabric, "cluster_uuid");
    without = without || cluster.empty();
    if (!cluster.empty())
      cliques.insert(fmt::format("{} clique {}", cluster, told_text(member_of(fabric, "clique_id"))));
  }
  if (!known) return {.key = "fabric_cliques", .value = kUnknown};
  return {.key = "fabric_cliques",
          .value = fmt::format("{}{}", counted(cliques.size(), "clique"), without ? ", ranks without a cluster" : ""),
          .shown = fmt::format("{}{}{}", counted(cliques.size(), "clique"), without ? ", ranks without a cluster" : "",
                               cliques.empty() ? "" : ": " + joined(cliques))};
}

/// In how many network namespaces the ranks are: their names differ between any two systems, and may be the same on two hosts.
std::string network_namespaces(const Json& report) {
  std::set<std::string> names;
  const Json& ranks = member_of(report, "ranks");
  for (const Json& rank : ranks.is_array() ? ranks : Json::array()) {
    const auto name = text_or(rank, "network_namespace");
    if (!name.empty()) names.insert(fmt::format("{} {}", text_or(rank, "host"), name));
  }
  return names.empty() ? kUnknown : std::to_string(names.size());
}

/// How many ranks have GPUs of their host out of reach, by CUDA's word.
std::string ranks_without_reach(const Json& report) {
  std::size_t known = 0, without = 0;
  for (const Json* device : used_devices(report)) {
    const Json& unreachable = member_of(*device, "unreachable_gpus");
    if (!unreachable.is_array()) continue;
    ++known;
    without += unreachable.empty() ? 0 : 1;
  }
  return known == 0 ? kUnknown : counted(without, "rank");
}

/// Pairs of a probe of which one does not reach the other's memory. A run has looked at none: that is no difference.
Fact pairs_fact(const Json& report) {
  const Json& pairs = member_of(member_of(report, "probe"), "pairs");
  std::set<std::string> without;
  for (const Json& pair : pairs.is_array() ? pairs : Json::array()) {
    if (member_of(pair, "access") == false) {
      without.insert(fmt::format("{}-{}", told_text(member_of(pair, "rank")), told_text(member_of(pair, "peer"))));
    }
  }
  return {.key = "pairs_without_access",
          .value = without.empty() ? "none seen" : joined(without),
          .shown = without.empty() ? "" : fmt::format("{} of {}: {}", without.size(), pairs.size(), joined(without))};
}

/// What became of the trials of handle types, each different one once.
Fact trials_fact(const Json& report) {
  std::set<std::string> outcomes, details;
  const Json& trials = member_of(member_of(report, "fabric"), "handle_trials");
  if (trials.is_array()) {
    for (const Json& trial : trials) {
      const auto what = fmt::format("{} under {}", text_or(trial, "type"), text_or(trial, "allocator"));
      const Json& failure = member_of(trial, "failure");
      const auto outcome = member_of(trial, "passed").is_null() ? std::string("not tried")
                           : member_of(trial, "passed") == true
                               ? std::string("passed")
                               : fmt::format("failed in {} ({})", text_or(failure, "call", "no call"),
                                             told_text(member_of(failure, "code")));
      outcomes.insert(fmt::format("{} {}", what, outcome));
      const auto detail = text_or(failure, "detail");
      details.insert(fmt::format("{} {}{}", what, outcome, detail.empty() ? "" : ": " + detail));
    }
  }
  return {.key = "handle_trials", .value = joined(outcomes), .shown = joined(details)};
}

/// What failed, by call and code where there is one; each different failure once.
std::string failures_text(const Json& report) {
  std::set<std::string> failures;
  const Json& rows = member_of(report, "results");
  for (const Json& row : rows.is_array() ? rows : Json::array()) {
    const Json& failure = member_of(row, "failure");
    if (!failure.is_object()) continue;
    const auto call = text_or(failure, "call");
    failures.insert(fmt::format("{}/{} in {} under {}", text_or(failure, "layer"), text_or(failure, "reason"),
                                call.empty() ? text_or(failure, "phase", "no phase")
                                             : fmt::format("{} ({})", call, told_text(member_of(failure, "code"))),
                                text_or(row, "allocator")));
  }
  return failures.empty() ? "none" : joined(failures);
}

/// Whether multicast was used, where it was asked for.
std::string multicast_used(const Json& report) {
  std::set<std::string> used;
  const Json& rows = member_of(report, "results");
  for (const Json& row : rows.is_array() ? rows : Json::array()) {
    const auto what = text_or(member_of(row, "multicast"), "used");
    if (!what.empty()) used.insert(what);
  }
  return joined(used);
}

std::string handles_used(const Json& report) {
  std::set<std::string> used;
  const Json& rows = member_of(report, "results");
  if (rows.is_array()) {
    for (const Json& row : rows) {
      const auto type = text_or(member_of(row, "handle"), "used");
      if (!type.empty()) used.insert(fmt::format("{} under {}", type, text_or(row, "allocator")));
    }
  }
  return joined(used);
}

/// What reports say since they have hosts[].
Fact told(const char* key, std::string value) { return {.key = key, .value = std::move(value), .if_both_say = true}; }

/// In the order of how likely a difference explains another outcome: a rule that answers otherwise, what handle types and
/// the fabric are said to be, driver, IMEX, multicast; then what became of handles, and which machine it is.
std::vector<Fact> facts_of(const Json& report) {
  const Json &device = member_of(report, "device"), &fabric = member_of(report, "fabric");
  const Json &tool = member_of(report, "tool"), &run = member_of(report, "run");
  return {rule_fact(report, "symm_device_memory"),
          rule_fact(report, "torch_symm_mem"),
          {"device_kind", told_text(member_of(device, "kind")), true},
          {"device_emulated", told_text(member_of(device, "emulated")), true},
          {"gpu_model", of_ranks(report, "gpu_name"), true},
          {"fabric_profile", told_text(member_of(fabric, "profile")), true},
          {"fabric_hosts", told_text(member_of(fabric, "hosts")), true},
          {"posix_fd_supported", of_devices(report, "posix_fd_supported")},
          {"fabric_supported", of_devices(report, "fabric_supported")},
          {"fabric_state", of_devices(report, "state", true), true},
          {"fabric_status", of_devices(report, "status", true)},
          {"fabric_health", of_devices(report, "health_summary", true)},
          cliques_fact(report),
          {"driver_version", of_devices(report, "driver_version")},
          {"system_driver", of_devices(report, "system_driver")},
          told("kernel_driver", of_hosts(report, "kernel_driver")),
          told("driver_libraries", driver_libraries(report)),
          told("mig", mig_modes(report)),
          {"imex_channels", of_devices(report, "imex_channels")},
          {"confidential_computing", of_devices(report, "confidential_computing")},
          {"multicast_supported", of_devices(report, "multicast_supported")},
          {"network_namespaces", network_namespaces(report)},
          {"ranks_with_unreachable_gpus", ranks_without_reach(report)},
          {"nvlinks_active", of_devices(report, "nvlinks_active")},
          {"gpu_direct_rdma_supported", of_devices(report, "gpu_direct_rdma_supported")},
          pairs_fact(report),
          trials_fact(report),
          {"handles_used", handles_used(report)},
          {"multicast_used", multicast_used(report)},
          {"failures", failures_text(report)},
          {"sm_version", of_devices(report, "sm_version")},
          {.key = "fabric_cluster_uuid", .value = of_devices(report, "cluster_uuid", true), .identity = true},
          {.key = "fabric_clique_id", .value = of_devices(report, "clique_id", true), .identity = true},
          {.key = "hosts", .value = of_ranks(report, "host"), .identity = true},
          {.key = "gpu_uuid", .value = of_ranks(report, "gpu_uuid"), .identity = true},
          {"numa_nodes", of_members(report, "topology", "numa_nodes")},
          {"cpus_allowed", of_ranks(report, "cpus_allowed")},
          told("granularities", granularities(report)),
          told("mpi", of_members(report, "mpi", "library")),
          told("os", of_hosts(report, "os")),
          told("kernel", of_hosts(report, "kernel")),
          told("architecture", of_hosts(report, "architecture")),
          told("cpu_model", of_hosts(report, "cpu_model")),
          told("container", of_hosts(report, "container")),
          told("memory_total", memory_of_hosts(report)),
          told("cgroup_cores", limits_of_ranks(report, "cpu_quota")),
          told("cgroup_memory", limits_of_ranks(report, "memory_limit_bytes")),
          told("limit_memlock", process_limit(report, "memlock")),
          told("limit_nofile", process_limit(report, "nofile")),
          told("limit_core", process_limit(report, "core")),
          told("limit_stack", process_limit(report, "stack")),
          told("limit_nproc", process_limit(report, "nproc")),
          told("limit_address_space", process_limit(report, "address_space")),
          {"world_size", told_text(member_of(run, "world_size"))},
          {"group_size", told_text(member_of(run, "group_size"))},
          {"tool_version", told_text(member_of(tool, "version"))},
          {"tool_git", told_text(member_of(tool, "git"))},
          {"tool_build", told_text(member_of(tool, "build"))},
          told("tool_binary", told_text(member_of(tool, "binary_hash"))),
          {"schema_version", told_text(member_of(report, "schema_version"))},
          {"injected", told_text(member_of(run, "injected"))}};
}

/// Older reports do not say everything: what one does not say is no proof of another machine, except for its device.
bool forbids(const std::string& key, const std::string& a, const std::string& b) {
  const bool said = a != kUnknown && b != kUnknown;
  return a != b && (said || key == "device_kind" || key == "gpu_model");
}

/// Allow-listed variables of all ranks.
std::map<std::string, std::string> variables_of(const Json& report) {
  std::map<std::string, std::set<std::string>> values;
  const Json& ranks = member_of(report, "ranks");
  if (ranks.is_array()) {
    for (const Json& rank : ranks) {
      const Json& environment = member_of(rank, "environment");
      if (!environment.is_object()) continue;
      for (auto it = environment.begin(); it != environment.end(); ++it) values[it.key()].insert(told_text(*it));
    }
  }
  std::map<std::string, std::string> all;
  for (const auto& [name, set] : values) all[name] = joined(set);
  return all;
}

/// Neither what a run shows and writes nor what it is held against changes what it measures.
bool is_measured_by(const std::string& key) {
  constexpr std::array kOfGates{"baseline", "max_regress", "threshold"};
  const OptionSpec* spec = find_option(key);
  const bool gates = std::find(kOfGates.begin(), kOfGates.end(), key) != kOfGates.end();
  return spec == nullptr || !(spec->group == OptionGroup::output || gates);
}

void add_settings(std::map<std::string, std::string>& all, const std::string& path, const Json& value) {
  if (value.is_object()) {
    for (auto it = value.begin(); it != value.end(); ++it) {
      if (is_measured_by(it.key())) add_settings(all, path.empty() ? it.key() : path + "." + it.key(), *it);
    }
  } else if (value.is_array() && !value.empty() && value.front().is_object()) {
    for (std::size_t i = 0; i < value.size(); ++i) add_settings(all, fmt::format("{}[{}]", path, i), value[i]);
  } else {
    all[path] = told_text(value);
  }
}

std::map<std::string, std::string> settings_of(const Json& report) {
  std::map<std::string, std::string> all;
  const Json& config = member_of(member_of(report, "run"), "config");
  if (config.is_object()) add_settings(all, "", config);
  return all;
}

/// Another one in every job, or on every rank.
bool names_a_job(const std::string& key) {
  constexpr std::array<std::string_view, 10> kNames{
      "SLURM_JOB_ID", "SLURM_STEP_ID", "SLURM_PROCID",   "SLURM_LOCALID",           "SLURM_NODEID",
      "POD_NAME",     "NODE_NAME",     "PMIX_NAMESPACE", "OMPI_MCA_ess_base_jobid", "JOB_COMPLETION_INDEX"};
  constexpr std::string_view kPrefix = "environment.";
  return key.starts_with(kPrefix) &&
         std::find(kNames.begin(), kNames.end(), std::string_view(key).substr(kPrefix.size())) != kNames.end();
}

void add_map_differences(std::vector<EnvironmentDifference>& differences, const std::string& prefix,
                         const std::map<std::string, std::string>& a, const std::map<std::string, std::string>& b,
                         const char* absent = "not set") {
  std::set<std::string> keys;
  for (const auto* side : {&a, &b}) {
    for (const auto& [key, value] : *side) keys.insert(key);
  }
  for (const auto& key : keys) {
    const auto of = [&](const auto& side) { return side.contains(key) ? side.at(key) : std::string(absent); };
    if (of(a) != of(b)) {
      differences.push_back({.key = prefix + key, .a = of(a), .b = of(b), .identity = names_a_job(prefix + key)});
    }
  }
}

}  // namespace

std::vector<EnvironmentDifference> environment_differences(const Json& a, const Json& b) {
  std::vector<EnvironmentDifference> differences;
  const auto of_a = facts_of(a), of_b = facts_of(b);
  for (std::size_t i = 0; i < of_a.size(); ++i) {
    if (of_a[i].value == of_b[i].value) continue;
    if (of_a[i].if_both_say && (of_a[i].value == kUnknown || of_b[i].value == kUnknown)) continue;
    differences.push_back({.key = of_a[i].key,
                           .a = of_a[i].text(),
                           .b = of_b[i].text(),
                           .identity = of_a[i].identity,
                           .other_machine = of_a[i].of_machine && forbids(of_a[i].key, of_a[i].value, of_b[i].value)});
  }
  if (const auto of_one = loaded_modules(a), of_other = loaded_modules(b); of_one && of_other) {
    add_map_differences(differences, "module.", *of_one, *of_other, "not loaded");
  }
  add_map_differences(differences, "environment.", variables_of(a), variables_of(b));
  add_map_differences(differences, "config.", settings_of(a), settings_of(b));
  std::stable_partition(differences.begin(), differences.end(),
                        [](const EnvironmentDifference& one) { return !one.identity; });
  return differences;
}

std::map<std::string, std::string> machine_of(const Json& report) {
  std::map<std::string, std::string> machine;
  for (const Fact& fact : facts_of(report)) {
    if (fact.of_machine) machine[fact.key] = fact.value;
  }
  return machine;
}

std::string why_other_machine(const std::map<std::string, std::string>& a,
                              const std::map<std::string, std::string>& b) {
  for (const auto& [key, value] : a) {
    const auto at = b.find(key);
    const std::string other = at == b.end() ? kUnknown : at->second;
    if (forbids(key, value, other)) return fmt::format("{}: {} and {}", key, value, other);
  }
  return "";
}

std::string why_other_machine(const std::vector<EnvironmentDifference>& differences) {
  const auto at = std::find_if(differences.begin(), differences.end(),
                               [](const EnvironmentDifference& one) { return one.other_machine; });
  return at == differences.end() ? "" : fmt::format("{}: {} and {}", at->key, at->a, at->b);
}

}  // namespace symmbench
