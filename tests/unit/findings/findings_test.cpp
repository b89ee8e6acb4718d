#include "findings/findings.hpp"

#include <catch2/catch_test_macros.hpp>
#include <set>

#include "findings/check_table.hpp"
#include "planted_findings.hpp"

using namespace symmbench;

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
  const std::set<std::string> several{
      "no_handle_for_group",      "wrong_data_by_handle", "handle_types_disagree", "confidential_computing_split",
      "multicast_never_returned", "handle_trial_failed",  "self_test_misleads"};
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
    const Json entities = finding_of(findings, "process_stood_still").at("entities");
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

TEST_CASE("a driver without a summary of the fabric's health is judged by its mask") {
  Json report = healthy_report();
  for (int rank = 0; rank < 4; ++rank) {
    device(report, rank)["fabric"]["health_summary"] = nullptr;
    device(report, rank)["fabric"]["health_mask"] =
        0x1AAu;  // no problem in any field, and nothing wrong in the configuration
  }
  CHECK(finding_of(fold_findings(report), "fabric_unhealthy").at("severity") == "pass");
  for (const unsigned mask : {0x1A9u, 0x19Au, 0x16Au, 0x5AAu}) {
    device(report, 2)["fabric"]["health_mask"] = mask;
    CHECK(finding_of(fold_findings(report), "fabric_unhealthy").at("entities") == Json{"rank 2"});
  }
}

TEST_CASE("a lookup of another GPU weighs more where a rule takes another handle type for it") {
  Json report = healthy_report();
  device(report, 1)["nvml_by_ordinal"] = {{"pci_bus_id", "0000:9a:00.0"}, {"same_device", false}};
  const auto severity = [&] { return finding_of(fold_findings(report), "rule_looks_at_another_gpu").at("severity"); };
  CHECK(severity() == "info");
  device(report, 1)["upstream_handles"][0]["own_device_handle"] = "posix_fd";
  CHECK(severity() == "warning");
  Json torch = healthy_report();
  device(torch, 1)["first_device_test"] = {{"uuid", "GPU-0"}, {"passed", false}, {"failure", "cuMemCreate (800)"}};
  CHECK(fired(torch) == std::set<std::string>{"rule_looks_at_another_gpu"});
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
  becomes_unknown("multicast_not_supported", [](Json& r) {
    r["stability"][0]["driver_calls"] = {{{"call", "cuMemCreate"}}};
  });
  becomes_unknown("multicast_map_out_of_memory", [](Json& r) {
    r["stability"][0]["driver_calls"] = {{{"call", "cuMemMap"}}};
  });
  becomes_unknown("memory_overwritten", [](Json& r) { r["results"] = r["stability"] = Json::array(); });
  becomes_unknown("one_allocator_fails", [](Json& r) { r["results"].erase(1); });
  becomes_unknown("handle_trial_failed", [](Json& r) { r["fabric"]["handle_trials"][0]["passed"] = nullptr; });
  becomes_unknown("wrong_data_by_transport", [](Json& r) { r["results"].erase(1); });
  becomes_unknown("self_test_misleads", [](Json& r) { device(r, 1)["fabric_self_test"] = nullptr; });
  becomes_unknown("nvlinks_differ", [](Json& r) { device(r, 1)["nvlinks_active"] = nullptr; });
  becomes_unknown("clique_lists_disagree", [](Json& r) { device(r, 1)["clique_lists"].erase(1); });
  becomes_unknown("multicast_clique_split", [](Json& r) { device(r, 1).erase("clique_lists"); });
  becomes_unknown("fabric_unhealthy", [](Json& r) { device(r, 1)["fabric"]["health_summary"] = nullptr; });
  becomes_unknown("imex_channel_missing", [](Json& r) { device(r, 1)["fabric_supported"] = nullptr; });
  becomes_unknown("peer_out_of_reach", [](Json& r) { device(r, 1).erase("unreachable_gpus"); });
  becomes_unknown("environment_differs", [](Json& r) { r["ranks"][1].erase("environment"); });
  becomes_unknown("network_namespaces_differ", [](Json& r) { r["ranks"][1].erase("network_namespace"); });
  becomes_unknown("cores_oversubscribed", [](Json& r) { r["run"].erase("deadlines"); });
  becomes_unknown("throttled", [](Json& r) { r["fabric"]["samples"][0]["throttled"] = nullptr; });
  becomes_unknown("xid_stuck", [](Json& r) { r["fabric"].erase("kernel_log"); });
  becomes_unknown("killed_for_memory", [](Json& r) { r["fabric"]["kernel_log"][0]["unreadable"] = "not permitted"; });
  becomes_unknown("nvlink_retries",
                  [](Json& r) { r["fabric"]["samples"][0]["nvlink_errors_added_by_kind"] = nullptr; });
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
  report["fabric"]["handle_trials"][0]["passed"] = nullptr;
  const Json findings = fold_findings(report);
  const Json& finding = finding_of(findings, "imex_channel_missing");
  CHECK(finding.at("entities") == Json{"rank 3"});
  CHECK(finding.at("evidence") == Json{{"imex_channels", {{"3", 0}}}, {"fabric_trials", "not made"}});
  CHECK(finding_text(finding) ==
        "warning: imex_channel_missing on rank 3: the device offers fabric handles, and no IMEX channel node is seen; "
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

TEST_CASE("a slow link is named by its two ranks, on emulated ranks only where both find it slow") {
  for (const bool emulated : {false, true}) {
    for (const bool both : {false, true}) {
      Json report = healthy_report();
      report["device"]["emulated"] = emulated;
      report["run"]["group_size"] = 4;
      Json links = report["fabric"]["links"][0];
      links["group"] = 1;
      links["read_us"][3][1] = 900;
      if (both) links["read_us"][1][3] = 950;
      report["fabric"]["links"].push_back(links);
      const Json finding = finding_of(fold_findings(report), "slow_link");
      CAPTURE(emulated, both, finding.dump());
      if (emulated && !both) {
        CHECK(finding.at("severity") == "pass");
      } else {
        CHECK(finding.at("severity") == "warning");
        CHECK(finding.at("entities") == Json{"rank 5", "rank 7"});
      }
    }
  }
}

TEST_CASE("whether a link is slow is unknown where there are fewer than three to compare") {
  Json report = healthy_report();
  report["fabric"]["links"] = {{{"group", 0}, {"bytes", 1}, {"read_us", {{nullptr, 4}, {400, nullptr}}}}};
  CHECK(finding_of(fold_findings(report), "slow_link").at("severity") == "unknown");
}
