#pragma once
#include <functional>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "core/json.hpp"
#include "findings/findings.hpp"

namespace symmbench {

inline Json cliques(int unicast, int multicast) {
  return {{{"type", "unicast_pointer"}, {"id", unicast}}, {{"type", "multicast_pointer"}, {"id", multicast}}};
}

/// A GPU of a rack that is in order.
inline Json healthy_device(int rank) {
  const Json rule{{"handle", "fabric"}, {"why", "as it should be"}};
  Json symm = rule, torch = rule;
  symm["allocator"] = "symm_device_memory";
  torch["allocator"] = "torch_symm_mem";
  return {{"kind", "cuda"},
          {"name", "NVIDIA GB300"},
          {"uuid", "GPU-" + std::to_string(rank)},
          {"driver_version", 13000},
          {"multiprocessors", 148},
          {"nvlinks_active", 18},
          {"fabric_supported", true},
          {"multicast_supported", true},
          {"confidential_computing", false},
          {"imex_channels", 1},
          {"bound_near", true},
          {"upstream_handles", Json::array({symm, torch})},
          {"fabric_self_test", true},
          {"clique_lists",
           {{{"source", "nvmlDeviceGetGpuFabricInfo_v4"}, {"cluster_uuid", "c"}, {"cliques", cliques(1, 1)}},
            {{"source", "cuDeviceGetCliqueInfo"}, {"cluster_uuid", "c"}, {"cliques", cliques(1, 1)}}}},
          {"fabric",
           {{"state", "completed"}, {"status", 0}, {"cluster_uuid", "c"}, {"clique_id", 1}, {"health_summary", 1}}},
          {"unreachable_gpus", Json::array()}};
}

inline Json healthy_report() {
  Json ranks = Json::array(), pairs = Json::array(), groups = Json::array(), descriptors = Json::array();
  Json received = Json::array();
  for (int rank = 0; rank < 4; ++rank) {
    ranks.push_back({{"rank", rank},
                     {"host", rank < 2 ? "node1" : "node2"},
                     {"boot_id", rank < 2 ? "b1" : "b2"},
                     {"network_namespace", "4:1"},
                     {"gpu_uuid", "GPU-" + std::to_string(rank)},
                     {"devices", Json::array({healthy_device(rank)})},
                     {"environment", {{"NCCL_NVLS_ENABLE", "0"}}}});
    const int peer = (rank + 1) % 4;
    pairs.push_back({{"rank", rank},
                     {"peer", peer},
                     {"access", true},
                     {"owner_rank", peer},
                     {"read_gbs", 700},
                     {"failure", nullptr}});
    groups.push_back({{"rank", rank}, {"group", 0}, {"group_rank", rank}});
    descriptors.push_back({{"rank", rank}, {"passed", true}, {"failure", nullptr}});
    received.push_back(
        {{"rank", rank}, {"from", (rank + 3) % 4}, {"writer_rank", (rank + 3) % 4}, {"meant_for_rank", rank}});
  }
  const auto row = [](const char* allocator, const char* transport) {
    return Json{{"case_id", "a"},
                {"allocator", allocator},
                {"status", "ok"},
                {"group", 0},
                {"rank_mean_us", {9.0, 8.0, 10.0, 9.0}},
                {"slowest_rank", 2},
                {"wrong_elements", 0},
                {"transport", transport},
                {"handle", {{"asked", "auto"}, {"used", "fabric"}, {"reason", "fabric: trial passed on 4 ranks"}}}};
  };
  return {
      {"run",
       {{"group_size", 4},
        {"incidents", Json::array()},
        {"deadlines", {{"hosts", {{{"host", "node1"}, {"widened_by", 1}}}}}}}},
      {"device", {{"kind", "cuda"}, {"emulated", false}}},
      {"fabric",
       {{"handle_trials", {{{"allocator", "symm_device_memory"}, {"type", "fabric"}, {"passed", true}}}},
        {"samples",
         {{{"rank", 0}, {"label", "g"}, {"throttled", false}, {"nvlink_errors_added_by_kind", {{"replay", 0}}}}}},
        {"links",
         {{{"group", 0},
           {"bytes", 1 << 24},
           {"read_us", {{nullptr, 40, 41, 40}, {42, nullptr, 40, 41}, {40, 40, nullptr, 39}, {40, 41, 40, nullptr}}}}}},
        {"kernel_log", {{{"rank", 0}, {"host", "node1"}, {"unreadable", nullptr}, {"lines", Json::array()}}}}}},
      {"ranks", ranks},
      {"results", {row("symm_device_memory", "unicast"), row("torch_symm_mem", "multicast")}},
      {"stability",
       {{{"allocator", "torch_symm_mem"},
         {"leaks", {{"fds", 0}}},
         {"incidents", Json::array()},
         {"driver_calls",
          {{{"call", "cuMemCreate"}},
           {{"call", "cuMemImportFromShareableHandle"}},
           {{"call", "cuMemMap"}},
           {{"call", "cuMemSetAccess"}},
           {{"call", "cuMulticastCreate"}},
           {{"call", "cuMulticastBindMem"}},
           {{"call", "cuMemExportToShareableHandle"}},
           {{"call", "cuIpcOpenMemHandle"}}}}}}},
      {"probe", {{"groups", groups}, {"descriptors", descriptors}, {"pairs", pairs}, {"received", received}}}};
}

inline Json& device(Json& report, int rank) { return report["ranks"][rank]["devices"][0]; }

/// An incident, so that no row, and with it no allocator, has failed.
inline std::function<void(Json&)> failing(const char* call, int code, const char* reason = "driver_error",
                                          const char* layer = "driver", const char* detail = "") {
  return [=](Json& report) {
    Json failure{{"layer", layer}, {"reason", reason}, {"call", call}, {"code", code}, {"rank", 2}, {"detail", detail}};
    if (code < 0) failure["code"] = nullptr;
    report["run"]["incidents"].push_back({{"label", "g0"}, {"failure", failure}});
  };
}

inline std::function<void(Json&)> failing_in(const char* phase, const char* call, int code) {
  return [=](Json& report) {
    failing(call, code)(report);
    report["run"]["incidents"][0]["failure"]["phase"] = phase;
  };
}

/// An Xid of the GPU of rank 1.
inline std::function<void(Json&)> xid(int code) {
  return [=](Json& report) {
    report["fabric"]["samples"].push_back(
        {{"rank", 1}, {"throttled", false}, {"nvlink_errors_added_by_kind", {{"replay", 0}}}, {"xids", {code}}});
  };
}
inline std::function<void(Json&)> link_errors(const char* kind) {
  return [=](Json& report) { report["fabric"]["samples"][0]["nvlink_errors_added_by_kind"][kind] = 12u; };
}
inline std::function<void(Json&)> logged(const Json& line) {
  return [=](Json& report) { report["fabric"]["kernel_log"][0]["lines"].push_back(line); };
}

/// Ids of the checks that find something, pass and unknown left out.
inline std::set<std::string> fired(const Json& report) {
  Json whole = report;
  whole["findings"] = fold_findings(report);
  std::set<std::string> ids;
  for (const Json* finding : findings_from(whole, Severity::info))
    ids.insert(finding->at("check_id").get<std::string>());
  return ids;
}

inline Json finding_of(const Json& findings, std::string_view check) {
  for (const Json& finding : findings) {
    if (finding.at("check_id").get_ref<const std::string&>() == check) return finding;
  }
  throw std::out_of_range(std::string(check));
}

struct Planted {
  const char* check;
  std::function<void(Json& report)> plant;
};

inline const std::vector<Planted>& planted() {
  static const std::vector<Planted> all{
      {"upstream_rule_split",
       [](Json& r) {
         for (int a : {0, 1}) device(r, 3)["upstream_handles"][a]["handle"] = "posix_fd";
       }},
      {"upstream_rules_differ",
       [](Json& r) {
         for (int rank = 0; rank < 4; ++rank) device(r, rank)["upstream_handles"][0]["handle"] = "posix_fd";
       }},
      {"no_handle_for_group",
       [](Json& r) {
         r["results"][0]["status"] = "skipped";
         r["results"][0]["handle"] = {{"asked", "posix_fd"}, {"used", nullptr}, {"reason", "does not travel"}};
       }},
      {"handle_trial_failed", [](Json& r) { r["fabric"]["handle_trials"][0]["passed"] = false; }},
      {"one_allocator_fails", [](Json& r) { r["results"][1]["status"] = "failed"; }},
      {"wrong_data_by_handle",
       [](Json& r) {
         r["results"][0]["wrong_elements"] = 7;
         r["results"][1]["handle"]["used"] = "posix_fd";
       }},
      {"imex_channel_missing", [](Json& r) { device(r, 1)["imex_channels"] = 0; }},
      {"fabric_not_ready", [](Json& r) { device(r, 1)["fabric"]["state"] = "in_progress"; }},
      {"fabric_status_error", [](Json& r) { device(r, 1)["fabric"]["status"] = 999; }},
      {"fabric_unhealthy", [](Json& r) { device(r, 1)["fabric"]["health_summary"] = 2; }},
      {"cluster_or_clique_split", [](Json& r) { device(r, 3)["fabric"]["clique_id"] = 2; }},
      {"cluster_uuid_zero",
       [](Json& r) {
         for (int rank = 0; rank < 4; ++rank) device(r, rank)["fabric"]["cluster_uuid"] = nullptr;
       }},
      {"peer_out_of_reach", [](Json& r) { device(r, 0)["unreachable_gpus"] = {"GPU-1"}; }},
      {"confidential_computing_on",
       [](Json& r) {
         for (int rank = 0; rank < 4; ++rank) device(r, rank)["confidential_computing"] = true;
       }},
      {"confidential_computing_split", [](Json& r) { device(r, 3)["confidential_computing"] = true; }},
      {"multicast_split", [](Json& r) { device(r, 3)["multicast_supported"] = false; }},
      {"driver_versions_differ", [](Json& r) { device(r, 3)["driver_version"] = 12080; }},
      {"gpu_models_differ", [](Json& r) { device(r, 3)["name"] = "NVIDIA GB200"; }},
      {"environment_differs", [](Json& r) { r["ranks"][3]["environment"]["NCCL_NVLS_ENABLE"] = "1"; }},
      {"network_namespaces_differ", [](Json& r) { r["ranks"][1]["network_namespace"] = "4:2"; }},
      {"visible_devices_remapped", [](Json& r) { r["ranks"][1]["environment"]["CUDA_VISIBLE_DEVICES"] = "3"; }},
      {"fabric_facts_nonsense", [](Json& r) { device(r, 2)["fabric_nonsense"] = {"fabric state 9"}; }},
      {"clique_lists_disagree", [](Json& r) { device(r, 2)["clique_lists"][0]["cliques"] = cliques(2, 1); }},
      {"multicast_clique_split",
       [](Json& r) {
         for (int list : {0, 1}) device(r, 3)["clique_lists"][list]["cliques"] = cliques(1, 2);
       }},
      {"rule_looks_at_another_gpu",
       [](Json& r) {
         device(r, 1)["nvml_by_ordinal"] = {{"pci_bus_id", "0000:9a:00.0"}, {"same_device", false}};
       }},
      {"fabric_not_permitted", failing("cuMemCreate", 800)},
      {"fabric_not_supported", failing("cuMemCreate", 801)},
      {"out_of_memory_at_create", failing("cuMemCreate", 2)},
      {"import_invalid_handle", failing("cuMemImportFromShareableHandle", 400)},
      {"import_not_permitted", failing("cuMemImportFromShareableHandle", 800)},
      {"import_invalid_value", failing("cuMemImportFromShareableHandle", 1)},
      {"import_invalid_device", failing("cuMemImportFromShareableHandle", 101)},
      {"access_invalid_device", failing("cuMemSetAccess", 101)},
      {"access_invalid_value", failing("cuMemSetAccess", 1)},
      {"access_not_supported", failing("cuMemSetAccess", 801)},
      {"map_invalid_value", failing("cuMemMap", 1)},
      {"export_not_permitted", failing("cuMemExportToShareableHandle", 800)},
      {"export_not_supported", failing("cuMemExportToShareableHandle", 801)},
      {"export_refused", failing("cuMemExportToShareableHandle", 400)},
      {"ipc_invalid_handle", failing("cuIpcOpenMemHandle", 400)},
      {"ipc_no_peer_access", failing("cuIpcOpenMemHandle", 101)},
      {"ipc_out_of_memory", failing("cuIpcOpenMemHandle", 2)},
      {"multicast_illegal_state", failing("cuMulticastCreate", 401)},
      {"multicast_bind_illegal_state", failing("cuMulticastBindMem", 401)},
      {"multicast_bind_out_of_memory", failing("cuMulticastBindMem", 2)},
      {"multicast_map_illegal_state", failing_in("multicast", "cuMemMap", 401)},
      {"multicast_map_out_of_memory", failing_in("multicast", "cuMemMap", 2)},
      {"map_out_of_memory", failing_in("map", "cuMemMap", 2)},
      {"multicast_invalid_value", failing("cuMulticastBindMem", 1)},
      {"multicast_slots_exhausted", failing("cuMulticastCreate", 2)},
      {"multicast_not_supported", failing("cuMulticastCreate", 801)},
      {"system_not_ready", failing("cuMulticastBindMem", 802)},
      {"illegal_address", failing("cuStreamSynchronize", 700)},
      {"launch_failed", failing("cuStreamSynchronize", 719)},
      {"misaligned_address", failing("cuStreamSynchronize", 716)},
      {"descriptor_transport", failing("connect", 111, "io_error", "comm", "3 descriptors missing")},
      {"handle_types_disagree",
       failing("", -1, "disagreement", "memory", "ranks differ in handle type: fabric on rank 0")},
      {"cliques_disagree",
       failing("", -1, "disagreement", "memory", "ranks are in different parts of the NVLink fabric: clique 1 of c")},
      {"handle_rule_split",
       failing("", -1, "disagreement", "memory",
               "rule of torch_symm_mem chooses differently, upstream would wait indefinitely: fabric on rank 0")},
      {"workspaces_disagree", failing("", -1, "disagreement", "memory", "ranks differ in block bytes: 1 on rank 0")},
      {"group_disagrees",
       failing("", -1, "disagreement", "workspace", "ranks take the group for different ones: rank 0 wants 4 ranks")},
      {"rank_order_permuted", [](Json& r) { r["probe"]["pairs"][2]["owner_rank"] = 1; }},
      {"rank_lost", failing("", 9, "crashed", "worker")},
      {"wait_timed_out", failing("", -1, "timed_out", "kernel")},
      {"process_stood_still", failing("", -1, "timed_out", "supervisor")},
      {"multicast_never_returned", failing("cuMulticastBindMem", -1, "timed_out", "worker")},
      {"wrong_data", failing("", -1, "wrong_data", "verify")},
      {"mapping_shows_another_rank",
       failing("", -1, "wrong_data", "workspace", "the mapping of rank 1 shows 0x00000000 in its first word")},
      {"start_pattern_wrong", failing("", -1, "wrong_data", "workspace", "7 of 9 words are not 0x80000000 before use")},
      {"wrong_data_by_transport",
       [](Json& r) {
         for (int row : {0, 1}) r["results"][row]["transport"] = row == 0 ? "unicast" : "multicast";
         r["results"][1]["wrong_elements"] = 7;
       }},
      {"teardown_failed",
       [](Json& r) {
         failing("cuMemUnmap", 1)(r);
         r["run"]["incidents"][0]["failure"]["phase"] = "close";
       }},
      {"self_test_misleads", [](Json& r) { r["fabric"]["handle_trials"][0]["passed"] = false; }},
      {"multiprocessors_differ", [](Json& r) { device(r, 1)["multiprocessors"] = 144; }},
      {"nvlinks_differ", [](Json& r) { device(r, 1)["nvlinks_active"] = 17; }},
      {"memory_overwritten", failing("", -1, "corrupted", "workspace")},
      {"leak", [](Json& r) { r["stability"][0]["leaks"]["fds"] = 3; }},
      {"slow_pair", [](Json& r) { r["probe"]["pairs"][2]["read_gbs"] = 90; }},
      {"slow_link",
       [](Json& r) {
         Json& read_us = r["fabric"]["links"][0]["read_us"];
         read_us[3][1] = 90;
       }},
      {"slow_rank",
       [](Json& r) {
         for (Json& row : r["results"]) row["rank_mean_us"] = {9.0, 8.0, 20.0, 9.0};
       }},
      {"peer_access_dead", [](Json& r) { r["probe"]["pairs"][2]["access"] = false; }},
      {"bisected",
       [](Json& r) {
         r["bisect"] = {{{"group", 0},
                         {"culprit", "link"},
                         {"sure", true},
                         {"text", "ranks 0 and 2"},
                         {"ranks", {{{"rank", 0}}, {{"rank", 2}}}}}};
       }},
      {"throttled", [](Json& r) { r["fabric"]["samples"][0]["throttled"] = true; }},
      {"xid_memory_fault", xid(31)},
      {"xid_gpu_lost", xid(79)},
      {"xid_memory_error", xid(94)},
      {"xid_nvlink", xid(149)},
      {"xid_peer_refused", xid(137)},
      {"xid_stuck", xid(109)},
      {"xid_firmware", xid(119)},
      {"xid_recovery", xid(154)},
      {"xid_corrected", xid(121)},
      {"xid_other", xid(4711)},
      {"nvswitch_error", logged({{"text", "nvidia-nvswitch3: SXid (PCI:0000:c1:00.0): 28006"}, {"sxid", 28006}})},
      {"killed_for_memory", logged({{"text", "Out of memory: Killed process 77 (symmbench) total-vm:1kB"}})},
      {"nvlink_errors", link_errors("recovery")},
      {"nvlink_retries", link_errors("crc_flit")},
      {"gpu_far_from_cpu", [](Json& r) { device(r, 1)["bound_near"] = false; }},
      {"cores_oversubscribed", [](Json& r) { r["run"]["deadlines"]["hosts"][0]["widened_by"] = 4; }},
  };
  return all;
}

}  // namespace symmbench
