#include "findings/findings.hpp"

#include <catch2/catch_test_macros.hpp>
#include <functional>
#include <set>

#include "findings/check_table.hpp"

using namespace symmbench;

namespace {

/// A GPU of a rack that is in order.
Json healthy_device(int rank) {
  const Json rule{{"handle", "fabric"}, {"why", "as it should be"}};
  Json symm = rule, torch = rule;
  symm["allocator"] = "symm_device_memory";
  torch["allocator"] = "torch_symm_mem";
  return {{"kind", "cuda"},
          {"name", "NVIDIA GB300"},
          {"uuid", "GPU-" + std::to_string(rank)},
          {"driver_version", 13000},
          {"fabric_supported", true},
          {"multicast_supported", true},
          {"confidential_computing", false},
          {"imex_channels", 1},
          {"bound_near", true},
          {"upstream_handles", Json::array({symm, torch})},
          {"fabric",
           {{"state", "completed"}, {"status", 0}, {"cluster_uuid", "c"}, {"clique_id", 1}, {"health_summary", 1}}},
          {"unreachable_gpus", Json::array()}};
}

Json healthy_report() {
  Json ranks = Json::array(), pairs = Json::array();
  for (int rank = 0; rank < 4; ++rank) {
    ranks.push_back({{"rank", rank},
                     {"host", rank < 2 ? "node1" : "node2"},
                     {"boot_id", rank < 2 ? "b1" : "b2"},
                     {"network_namespace", "4:1"},
                     {"gpu_uuid", "GPU-" + std::to_string(rank)},
                     {"devices", Json::array({healthy_device(rank)})},
                     {"environment", {{"NCCL_NVLS_ENABLE", "0"}}}});
    pairs.push_back({{"rank", rank}, {"peer", (rank + 1) % 4}, {"access", true}, {"read_gbs", 700}});
  }
  const auto row = [](const char* allocator) {
    return Json{{"case_id", "a"},
                {"allocator", allocator},
                {"status", "ok"},
                {"group", 0},
                {"rank_mean_us", {9.0, 8.0, 10.0, 9.0}},
                {"slowest_rank", 2},
                {"wrong_elements", 0},
                {"handle", {{"asked", "auto"}, {"used", "fabric"}, {"reason", "fabric: trial passed on 4 ranks"}}}};
  };
  return {{"run",
           {{"group_size", 4},
            {"incidents", Json::array()},
            {"deadlines", {{"hosts", {{{"host", "node1"}, {"widened_by", 1}}}}}}}},
          {"device", {{"kind", "cuda"}, {"emulated", false}}},
          {"fabric",
           {{"handle_trials", {{{"allocator", "symm_device_memory"}, {"type", "fabric"}, {"passed", true}}}},
            {"samples", {{{"rank", 0}, {"label", "g"}, {"throttled", false}, {"nvlink_errors_added", 0}}}}}},
          {"ranks", ranks},
          {"results", {row("symm_device_memory"), row("torch_symm_mem")}},
          {"stability",
           {{{"allocator", "torch_symm_mem"},
             {"leaks", {{"fds", 0}}},
             {"incidents", Json::array()},
             {"driver_calls",
              {{{"call", "cuMemCreate"}},
               {{"call", "cuMemImportFromShareableHandle"}},
               {{"call", "cuMemMap"}},
               {{"call", "cuMemSetAccess"}},
               {{"call", "cuMulticastCreate"}}}}}}},
          {"probe", {{"pairs", pairs}}}};
}

Json& device(Json& report, int rank) { return report["ranks"][rank]["devices"][0]; }

/// An incident, so that no row, and with it no allocator, has failed.
std::function<void(Json&)> failing(const char* call, int code, const char* reason = "driver_error",
                                   const char* layer = "driver", const char* detail = "") {
  return [=](Json& report) {
    Json failure{{"layer", layer}, {"reason", reason}, {"call", call}, {"code", code}, {"rank", 2}, {"detail", detail}};
    if (code < 0) failure["code"] = nullptr;
    report["run"]["incidents"].push_back({{"label", "g0"}, {"failure", failure}});
  };
}

struct Planted {
  const char* check;
  std::function<void(Json& report)> plant;
};

const std::vector<Planted>& planted() {
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
      {"multicast_illegal_state", failing("cuMulticastCreate", 401)},
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
      {"group_disagrees", failing("", -1, "disagreement", "memory", "ranks differ in block bytes")},
      {"rank_lost", failing("", 9, "crashed", "worker")},
      {"wait_timed_out", failing("", -1, "timed_out", "kernel")},
      {"process_stood_still", failing("", -1, "timed_out", "supervisor")},
      {"wrong_data", failing("", -1, "wrong_data", "verify")},
      {"memory_overwritten", failing("", -1, "corrupted", "workspace")},
      {"leak", [](Json& r) { r["stability"][0]["leaks"]["fds"] = 3; }},
      {"slow_pair", [](Json& r) { r["probe"]["pairs"][2]["read_gbs"] = 90; }},
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
      {"nvlink_errors", [](Json& r) { r["fabric"]["samples"][0]["nvlink_errors_added"] = 12; }},
      {"gpu_far_from_cpu", [](Json& r) { device(r, 1)["bound_near"] = false; }},
      {"cores_oversubscribed", [](Json& r) { r["run"]["deadlines"]["hosts"][0]["widened_by"] = 4; }},
  };
  return all;
}

std::set<std::string> fired(const Json& report) {
  Json whole = report;
  whole["findings"] = fold_findings(report);
  std::set<std::string> ids;
  for (const Json* finding : findings_from(whole, Severity::info))
    ids.insert(finding->at("check_id").get<std::string>());
  return ids;
}

const Json& finding_of(const Json& findings, std::string_view check) {
  for (const Json& finding : findings) {
    if (finding.at("check_id").get_ref<const std::string&>() == check) return finding;
  }
  throw std::out_of_range(std::string(check));
}

}  // namespace

TEST_CASE("nothing is found in a system that is in order, and nothing is unknown of it") {
  CHECK(fired(healthy_report()).empty());
  for (const Json& finding : fold_findings(healthy_report())) {
    CAPTURE(finding.dump());
    CHECK(finding.at("severity") == "pass");
  }
}

TEST_CASE("every check finds what is planted for it") {
  for (const auto& [check, plant] : planted()) {
    CAPTURE(check);
    Json report = healthy_report();
    plant(report);
    CHECK(fired(report).contains(check));
    const Json findings = fold_findings(report);
    const Json& finding = finding_of(findings, check);
    CHECK_FALSE(finding.at("entities").empty());
    CHECK_FALSE(finding.at("evidence").empty());
    CHECK(finding.at("recommended_action").is_string());
  }
}

TEST_CASE("what is planted for one check is found by no other, but where one thing is several") {
  const std::set<std::string> several{"no_handle_for_group", "wrong_data_by_handle", "handle_types_disagree",
                                      "confidential_computing_split"};
  for (const auto& [check, plant] : planted()) {
    if (several.contains(check)) continue;
    CAPTURE(check);
    Json report = healthy_report();
    plant(report);
    CHECK(fired(report) == std::set<std::string>{check});
  }
}

TEST_CASE("a failure that ended rows of several allocators is told by the one under which it came again") {
  Json report = healthy_report();
  const Json failure{{"layer", "worker"}, {"reason", "crashed"}, {"call", ""}, {"code", 9}, {"rank", 2}};
  for (Json& row : report["results"])
    row["attempts"] = Json::array({{{"status", "interrupted"}, {"failure", failure}}});
  report["results"][1]["attempts"].push_back({{"status", "failed"}, {"failure", failure}});
  const Json findings = fold_findings(report);
  CHECK(finding_of(findings, "rank_lost").at("entities") == Json{"rank 2", "allocator torch_symm_mem"});
}

TEST_CASE("what interrupted a row is held against no allocator") {
  for (const auto& [status, named] : {std::pair("interrupted", false), std::pair("hung", true)}) {
    CAPTURE(status);
    Json report = healthy_report();
    Json& row = report["results"][0];
    row["status"] = status;
    row["failure"] = {{"layer", "supervisor"}, {"reason", "timed_out"}, {"call", ""}, {"code", nullptr}, {"rank", 2}};
    const Json findings = fold_findings(report);
    const Json& entities = finding_of(findings, "process_stood_still").at("entities");
    const Json allocator = "allocator " + row["allocator"].get<std::string>();
    CHECK((std::find(entities.begin(), entities.end(), allocator) != entities.end()) == named);
  }
}

TEST_CASE("no check is without a case above, and each says what to do and where it is from") {
  std::set<std::string> with_case, ids;
  for (const auto& one : planted()) with_case.insert(one.check);
  for (const CheckRow& row : check_table()) {
    CHECK(ids.emplace(row.id).second);
    CHECK_FALSE(row.about.empty());
    CHECK_FALSE(row.action.empty());
    CHECK_FALSE(row.source.empty());
  }
  CHECK(ids == with_case);
}

TEST_CASE("a fact that nobody recorded makes a check unknown, and names it") {
  Json report = healthy_report();
  for (int rank = 0; rank < 4; ++rank) {
    device(report, rank)["imex_channels"] = nullptr;
    device(report, rank)["fabric"] = nullptr;
    device(report, rank).erase("upstream_handles");
  }
  report.erase("probe");
  const Json findings = fold_findings(report);
  for (const char* check : {"imex_channel_missing", "fabric_not_ready", "upstream_rules_differ", "peer_access_dead"}) {
    CAPTURE(check);
    CHECK(finding_of(findings, check).at("severity") == "unknown");
    CHECK(finding_of(findings, check).at("evidence").contains("missing"));
  }
  CHECK(fired(report).empty());
}

TEST_CASE("what did not happen passes no check: a report of nothing knows nothing") {
  for (const Json& finding : fold_findings(Json::object())) {
    CAPTURE(finding.dump());
    CHECK(finding.at("severity") == "unknown");
  }
}

TEST_CASE("a check passes only on what was done and told") {
  const auto becomes_unknown = [](const char* check, const std::function<void(Json&)>& untell) {
    CAPTURE(check);
    Json report = healthy_report();
    untell(report);
    CHECK(finding_of(fold_findings(report), check).at("severity") == "unknown");
  };
  becomes_unknown("leak", [](Json& r) { r["stability"] = Json::array(); });
  becomes_unknown("multicast_not_supported", [](Json& r) { r["stability"][0]["driver_calls"].erase(4); });
  becomes_unknown("one_allocator_fails", [](Json& r) { r["results"].erase(1); });
  becomes_unknown("handle_trial_failed", [](Json& r) { r["fabric"]["handle_trials"][0]["passed"] = nullptr; });
  becomes_unknown("fabric_unhealthy", [](Json& r) { device(r, 1)["fabric"]["health_summary"] = nullptr; });
  becomes_unknown("imex_channel_missing", [](Json& r) { device(r, 1)["fabric_supported"] = nullptr; });
  becomes_unknown("peer_out_of_reach", [](Json& r) { device(r, 1).erase("unreachable_gpus"); });
  becomes_unknown("environment_differs", [](Json& r) { r["ranks"][1].erase("environment"); });
  becomes_unknown("network_namespaces_differ", [](Json& r) { r["ranks"][1].erase("network_namespace"); });
  becomes_unknown("cores_oversubscribed", [](Json& r) { r["run"].erase("deadlines"); });
  becomes_unknown("throttled", [](Json& r) { r["fabric"]["samples"][0]["throttled"] = nullptr; });
  becomes_unknown("nvlink_errors", [](Json& r) { r["fabric"]["samples"] = Json::array(); });
  becomes_unknown("gpu_far_from_cpu", [](Json& r) { device(r, 1)["bound_near"] = nullptr; });
  becomes_unknown("wrong_data", [](Json& r) {
    for (const char* key : {"results", "stability"}) r[key] = Json::array();
    r.erase("probe");
  });
}

TEST_CASE("a finding names the ranks and the facts") {
  Json report = healthy_report();
  device(report, 3)["imex_channels"] = 0;
  const Json findings = fold_findings(report);
  const Json& finding = finding_of(findings, "imex_channel_missing");
  CHECK(finding.at("entities") == Json{"rank 3"});
  CHECK(finding.at("evidence") == Json{{"imex_channels", {{"3", 0}}}});
  CHECK(finding_text(finding) ==
        "warning: imex_channel_missing on rank 3: the device offers fabric handles, and there is no IMEX channel node; "
        "do: "
        "make one (nvidia-modprobe -s -i 0, or /dev/nvidia-caps-imex-channels/channel0 in the container)");
}

TEST_CASE("whatever stands in a report, the checks do not fail over it") {
  for (const char* text :
       {"{}", R"({"ranks": 5, "results": [3], "fabric": []})",
        R"({"ranks": [{"rank": 0, "host": "a", "devices": [null, 7]}], "probe": {"pairs": [null]}})"}) {
    CHECK_NOTHROW(fold_findings(Json::parse(text)));
  }
}
