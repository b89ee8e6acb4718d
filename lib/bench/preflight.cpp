#include "bench/preflight.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "bench/host_facts.hpp"
#include "bench/machine_load.hpp"
#include "bench/text_or_null.hpp"
#include "bench/topology.hpp"
#include "comm/rank_host.hpp"
#include "core/secret_names.hpp"
#include "memory/allocators.hpp"

extern char** environ;  // NOLINT(readability-identifier-naming): POSIX's name

namespace symmbench {
namespace {

/// Variables that change what is measured or how it is launched. Never the whole environment: it holds secrets.
constexpr auto kAllowedPrefixes = std::to_array<std::string_view>({"NCCL_",
                                                                   "CUDA_",
                                                                   "NVIDIA_VISIBLE",
                                                                   "NVSHMEM_",
                                                                   "TORCH_SYMM",
                                                                   "FLASHINFER_TRTLLM",
                                                                   "SLURM_JOB_ID",
                                                                   "SLURM_PROCID",
                                                                   "SLURM_LOCALID",
                                                                   "SLURM_NODEID",
                                                                   "SLURM_GPUS",
                                                                   "SLURM_STEP_ID",
                                                                   "SLURM_JOB_NUM_NODES",
                                                                   "SLURM_NTASKS",
                                                                   "SLURM_MPI_TYPE",
                                                                   "SLURM_ARRAY_",
                                                                   "POD_NAME",
                                                                   "NODE_NAME",
                                                                   "JOB_COMPLETION_INDEX",
                                                                   "NVIDIA_DRIVER_CAPABILITIES",
                                                                   "NVIDIA_IMEX_CHANNELS",
                                                                   "TMPDIR",
                                                                   "SGLANG_FLASHINFER_"});

bool is_allowed(std::string_view name) {
  if (name.starts_with("VLLM_") && name.find("ALLREDUCE") != std::string_view::npos) return true;
  return std::ranges::any_of(kAllowedPrefixes, [&](std::string_view prefix) { return name.starts_with(prefix); });
}

Json shown_value(std::string_view name, std::string_view value) { return names_secret(name) ? kSecretMask : value; }

/// Of this process, and of its launcher what supervisors alone inherit.
Json allowed_environment(const RankPlace& place) {
  Json variables = Json::object();
  for (const auto& [name, value] : place.launched) variables[name] = shown_value(name, value);
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const auto equals = text.find('=');
    if (equals == std::string_view::npos) continue;
    const auto name = text.substr(0, equals);
    if (is_allowed(name)) variables[std::string(name)] = shown_value(name, text.substr(equals + 1));
  }
  return variables;
}

Json to_json(const CliqueList& list) {
  Json cliques = Json::array();
  for (const auto& clique : list.cliques) {
    cliques.push_back({{"type", clique_type_name(clique.type)}, {"id", clique.id}});
  }
  return {{"source", list.source},
          {"cluster_uuid", list.cluster_uuid ? json_or_null(cluster_uuid_text(*list.cluster_uuid)) : Json(nullptr)},
          {"cliques", list.unknown.empty() ? cliques : Json(nullptr)},
          {"unknown", list.unknown.empty() ? Json(nullptr) : Json(list.unknown)},
          {"nonsense", list.nonsense}};
}

Json to_json(const FabricFacts& fabric) {
  return {{"state", fabric_state_name(fabric.state)},
          {"status", json_or_null(fabric.status)},
          {"cluster_uuid", json_or_null(cluster_uuid_text(fabric.cluster_uuid))},
          {"clique_id", fabric.clique_id},
          {"health_mask", json_or_null(fabric.health_mask)},
          {"health_summary", json_or_null(fabric.health_summary)}};
}

/// What each allocator's own rule takes, whatever a run asks for.
Json upstream_handles(const HandleFacts& facts) {
  Json choices = Json::array();
  for (const auto& mode : allocator_modes()) {
    const HandleChoice choice = mode.upstream_rule(facts);
    const HandleChoice own = mode.upstream_rule(without_lookups(facts));
    choices.push_back({{"allocator", name_of(mode.kind)},
                       {"handle", name_of(choice.type)},
                       {"why", choice.why},
                       {"own_device_handle", name_of(own.type)}});
  }
  return choices;
}

/// What is recorded and decides nothing.
void add_recorded(Json& json, const DeviceAnswer& answer) {
  json["libraries"] = json["granularities"] = Json::array();
  for (const auto& library : answer.libraries) {
    json["libraries"].push_back({{"name", library.name},
                                 {"path", json_or_null(library.path)},
                                 {"version", json_or_null(library.version)},
                                 {"unknown", text_or_null(library.unknown)}});
  }
  for (const auto& one : answer.granularities) {
    json["granularities"].push_back({{"handle", name_of(one.handle)},
                                     {"minimum_bytes", json_or_null(one.minimum)},
                                     {"recommended_bytes", json_or_null(one.recommended)},
                                     {"unknown", text_or_null(one.unknown)}});
  }
  if (answer.mig) {
    json["mig"] = {{"enabled", json_or_null(answer.mig->enabled)},
                   {"pending", json_or_null(answer.mig->pending)},
                   {"unknown", text_or_null(answer.mig->unknown)}};
  }
}

void add_place(Json& json, const Topology& topology) {
  const std::string id = json.at("pci_bus_id").is_string() ? json.at("pci_bus_id").get<std::string>() : "";
  const auto place = id.empty() ? std::nullopt : topology.device(id);
  json["numa_node"] = place ? json_or_null(place->numa_node) : Json(nullptr);
  json["near_cpus"] = place && !place->near_cpus.empty() ? Json(place->near_cpus) : Json(nullptr);
  json["bound_near"] = place ? json_or_null(place->bound_near) : Json(nullptr);
  json["pci_path"] = place ? Json(place->pci_path) : Json(nullptr);
}

/// What upstream's rules see that do not look at this rank's own device.
void add_lookups(Json& json, const DeviceFacts& facts) {
  json["nvml_by_ordinal"] = json["first_device_test"] = nullptr;
  if (const auto& lookup = facts.nvml_by_ordinal) {
    json["nvml_by_ordinal"] = {{"pci_bus_id", lookup->pci_bus_id},
                               {"same_device", lookup->same_device},
                               {"fabric", lookup->fabric ? to_json(*lookup->fabric) : Json(nullptr)}};
  }
  if (const auto& test = facts.first_device_test) {
    json["first_device_test"] = {{"uuid", test->uuid},
                                 {"passed", test->passed},
                                 {"failure", test->failure.empty() ? Json(nullptr) : Json(test->failure)}};
  }
}

Json to_json(const DeviceAnswer& answer, const Topology& topology) {
  Json json{{"kind", answer.kind},
            {"usable", !answer.problem},
            {"absent", answer.absent},
            {"reason", json_or_null(answer.problem)}};
  if (answer.facts) {
    const auto& facts = *answer.facts;
    json["name"] = facts.name;
    json["uuid"] = json_or_null(facts.uuid);
    json["pci_bus_id"] = json_or_null(facts.pci_bus_id);
    json["ordinal"] = json_or_null(facts.ordinal);
    add_place(json, topology);
    json["sm_version"] =
        facts.sm_major && facts.sm_minor ? Json(*facts.sm_major * 10 + *facts.sm_minor) : Json(nullptr);
    json["multiprocessors"] = json_or_null(facts.multiprocessors);
    json["system_driver"] = json_or_null(facts.system_driver);
    json["toolkit_version"] = json_or_null(facts.toolkit_version);
    json["nvlinks_active"] = json_or_null(facts.nvlinks_active);
    json["driver_version"] = json_or_null(facts.driver_version);
    json["posix_fd_supported"] = facts.posix_fd_supported;
    json["fabric_supported"] = facts.fabric_supported;
    json["ipc_supported"] = facts.ipc_supported;
    json["gpu_direct_rdma_supported"] = facts.gpu_direct_rdma_supported;
    json["multicast_supported"] = facts.multicast_supported;
    json["imex_channels"] = json_or_null(facts.imex_channels);
    json["confidential_computing"] = json_or_null(facts.confidential_computing);
    json["fabric"] = facts.fabric ? to_json(*facts.fabric) : Json(nullptr);
    json["fabric_unknown"] = facts.fabric ? Json(nullptr) : Json(facts.fabric_unknown);
    json["fabric_nonsense"] = facts.fabric ? Json(nonsense_in(*facts.fabric)) : Json::array();
    json["clique_lists"] = Json::array();
    for (const auto& list : facts.clique_lists) json["clique_lists"].push_back(to_json(list));
    add_lookups(json, facts);
  }
  add_recorded(json, answer);
  if (answer.handles) {
    json["upstream_handles"] = upstream_handles(*answer.handles);
    json["fabric_self_test"] = json_or_null(answer.handles->fabric_self_test);
    json["fabric_self_test_failure"] = answer.self_test ? to_json(*answer.self_test) : Json(nullptr);
  }
  if (answer.unreachable) json["unreachable_gpus"] = *answer.unreachable;
  if (answer.memory) {
    json["free_bytes"] = answer.memory->free_bytes;
    json["total_bytes"] = answer.memory->total_bytes;
  }
  return json;
}

/// A rank and its GPU, for placement_problem().
struct PlacedGpu {
  int rank = 0;
  std::string uuid, host, boot_id;
  std::vector<std::string> unreachable;
};

std::vector<PlacedGpu> placed_gpus(std::span<const Json> records) {
  std::vector<PlacedGpu> gpus;
  for (const auto& record : records) {
    const Json& facts = record.at("facts");
    for (const auto& device : facts.value("devices", Json::array())) {
      if (device.value("kind", "") != "cuda" || !device.contains("uuid") || !device["uuid"].is_string()) continue;
      gpus.push_back({.rank = record.at("rank").get<int>(),
                      .uuid = device["uuid"].get<std::string>(),
                      .host = facts.value("host", ""),
                      .boot_id = facts.value("boot_id", ""),
                      .unreachable = device.value("unreachable_gpus", std::vector<std::string>{})});
    }
  }
  return gpus;
}

}  // namespace

std::optional<std::string> placement_problem(std::span<const Json> records, int group_size) {
  const auto gpus = placed_gpus(records);
  for (auto later = gpus.begin(); later != gpus.end(); ++later) {
    const auto earlier =
        std::find_if(gpus.begin(), later, [&](const PlacedGpu& gpu) { return gpu.uuid == later->uuid; });
    if (earlier == later) continue;
    return fmt::format(
        "ranks {} and {} were given the same GPU, {} on {}; each rank needs one of its own (ranks per host, "
        "CUDA_VISIBLE_DEVICES)",
        earlier->rank, later->rank, later->uuid, later->host);
  }
  for (const auto& from : gpus) {
    for (const auto& to : gpus) {
      if (from.boot_id != to.boot_id || from.rank / group_size != to.rank / group_size) continue;
      if (std::find(from.unreachable.begin(), from.unreachable.end(), to.uuid) == from.unreachable.end()) continue;
      return fmt::format(
          "the GPU of rank {} ({}) cannot access the memory of the GPU of rank {} ({}) on {} "
          "(cuDeviceCanAccessPeer)",
          from.rank, from.uuid, to.rank, to.uuid, from.host);
    }
  }
  return std::nullopt;
}

void run_preflight(WorkerContext& context, const RankPlace& place, const std::vector<DeviceAnswer>& devices) {
  const int rank = context.comm.world_rank(context.comm.rank());
  const auto [host, host_name] = host_of_this_rank();
  const Topology topology;
  RankFacts facts{
      .rank = rank,
      .facts = Json{{"host", host_name},
                    {"boot_id", host.boot_id},
                    {"machine", this_host().boot_id},
                    {"network_namespace", host.network_namespace},
                    {"pid", place.supervisor_pid},
                    {"local_rank", place.local_rank},
                    {"cpus", ::sysconf(_SC_NPROCESSORS_ONLN)},
                    {"topology", topology.machine()},
                    {"devices", Json::array()},
                    {"system", host_facts()},
                    {"limits", process_limits()},
                    {"mpi", {{"library", text_or_null(place.mpi)}, {"standard", text_or_null(place.mpi_standard)}}},
                    {"environment", allowed_environment(place)}}};
  for (const auto& device : devices) facts.facts["devices"].push_back(to_json(device, topology));
  facts.facts.update(machine_load());
  context.records.append(to_json(facts));
}

}  // namespace symmbench
