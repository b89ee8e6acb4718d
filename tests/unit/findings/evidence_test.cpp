// Which check a failure or a fact belongs to, and how it weighs by what else is recorded.
#include <catch2/catch_test_macros.hpp>
#include <set>

#include "findings/findings.hpp"
#include "planted_findings.hpp"

using namespace symmbench;

TEST_CASE("a disagreement about one thing is no disagreement about the group") {
  const auto finds = [](const char* layer, const char* detail) {
    Json report = healthy_report();
    failing("", -1, "disagreement", layer, detail)(report);
    return fired(report);
  };
  using Ids = std::set<std::string>;
  CHECK(finds("comm", "rank 0 is at step 'a', rank 1 at step 'b'") == Ids{"group_disagrees"});
  CHECK(finds("comm", "rank 0 is at start-up step 'a', rank 1 at 'b'") == Ids{"group_disagrees"});
  CHECK(finds("comm", "rank 0 asks for groups of 2, rank 1 for groups of 4") == Ids{"group_disagrees"});
  CHECK(finds("memory", "ranks differ in handle type: fabric on rank 0") == Ids{"handle_types_disagree"});
  for (const char* what : {"requested bytes", "granularity", "data offset"}) {
    CHECK(finds("memory", (std::string("ranks differ in ") + what + ": 1 on rank 0").c_str()) ==
          Ids{"workspaces_disagree"});
  }
  CHECK(finds("workspace", "ranks ask for different workspaces: rank 0 wants 4 ranks") == Ids{"workspaces_disagree"});
}

TEST_CASE("ranks that find the same disagreement are not to blame for finding it") {
  Json report = healthy_report();
  failing("", -1, "disagreement", "memory", "ranks differ in block bytes: 1 on rank 0")(report);
  Json& failure = report["run"]["incidents"][0]["failure"];
  failure["rank"] = 0;
  CHECK(finding_of(fold_findings(report), "workspaces_disagree").at("entities") == Json{"group of rank 0"});
  failure["peer"] = 3;
  CHECK(finding_of(fold_findings(report), "workspaces_disagree").at("entities") == Json{"rank 3"});
}

TEST_CASE("ranks without a cluster are named, and weigh more beside ranks that have one") {
  Json report = healthy_report();
  device(report, 2)["fabric"]["cluster_uuid"] = nullptr;
  const Json findings = fold_findings(report);
  CHECK(finding_of(findings, "cluster_uuid_zero").at("entities") == Json{"rank 2"});
  CHECK(finding_of(findings, "cluster_uuid_zero").at("severity") == "warning");
  for (int rank : {0, 1, 3}) device(report, rank)["fabric"]["cluster_uuid"] = nullptr;
  CHECK(finding_of(fold_findings(report), "cluster_uuid_zero").at("severity") == "info");
}

TEST_CASE("what a probe's descriptors and pairs met is found as what a run met is") {
  Json report = healthy_report();
  report["probe"]["descriptors"][1] = {{"rank", 1},
                                       {"passed", false},
                                       {"failure",
                                        {{"layer", "comm"},
                                         {"reason", "io_error"},
                                         {"call", "connect"},
                                         {"code", 111},
                                         {"rank", 1},
                                         {"peer", 0},
                                         {"detail", "no descriptor came from rank 0"}}}};
  const Json findings = fold_findings(report);
  const Json& finding = finding_of(findings, "descriptor_transport");
  CHECK(finding.at("severity") == "critical");
  CHECK(finding.at("entities") == Json{"rank 1", "rank 0"});
  CHECK(finding.at("evidence").at("where") == "probe: descriptors");

  Json pairs = healthy_report();
  Json& pair = pairs["probe"]["pairs"][2];
  pair["access"] = false;
  pair["failure"] = {
      {"layer", "driver"}, {"reason", "driver_error"}, {"call", "cuStreamSynchronize"}, {"code", 719}, {"rank", 2},
      {"peer", 3}};
  CHECK(fired(pairs) == std::set<std::string>{"launch_failed", "peer_access_dead"});
}

TEST_CASE("a pair whose rank died while it looked says nothing about the way to its peer") {
  Json report = healthy_report();
  Json& pair = report["probe"]["pairs"][2];
  pair["access"] = nullptr;
  pair["failure"] = {{"layer", "worker"}, {"reason", "crashed"}, {"rank", 2}, {"peer", nullptr}};
  CHECK_FALSE(fired(report).contains("peer_access_dead"));
}

TEST_CASE("a failure that several allocators met names all of them, whichever was tried first") {
  const auto entities = [](const char* one, const char* other) {
    Json report = healthy_report();
    Json& trials = report["fabric"]["handle_trials"];
    const Json failure{{"layer", "driver"},
                       {"reason", "driver_error"},
                       {"call", "cuMemImportFromShareableHandle"},
                       {"code", 400},
                       {"rank", 1},
                       {"peer", 0}};
    Json failed = trials.at(0);
    failed["passed"] = false;
    failed["failure"] = failure;
    trials = Json::array();
    for (const char* allocator : {one, other}) {
      failed["allocator"] = allocator;
      trials.push_back(failed);
    }
    return finding_of(fold_findings(report), "import_invalid_handle").at("entities");
  };
  CHECK(entities("symm_device_memory", "torch_symm_mem") ==
        Json{"rank 1", "rank 0", "allocator symm_device_memory", "allocator torch_symm_mem"});
  CHECK(entities("torch_symm_mem", "symm_device_memory") ==
        Json{"rank 1", "rank 0", "allocator torch_symm_mem", "allocator symm_device_memory"});
}

TEST_CASE("that descriptors do not leave a machine is no fault, between namespaces of one it is") {
  Json report = healthy_report();
  for (Json& test : report["probe"]["descriptors"]) {
    test["passed"] = false;
    test["failure"] = {{"layer", "comm"},
                       {"reason", "not_supported"},
                       {"rank", test["rank"]},
                       {"detail", "a file descriptor cannot travel between rank 0 and rank 2: boot ids"}};
  }
  CHECK(fired(report).empty());
  for (int rank = 0; rank < 4; ++rank) report["ranks"][rank]["boot_id"] = "b1";
  CHECK(fired(report).contains("descriptor_transport"));
}

TEST_CASE("ranks that are mapped in each other's place are told by what was written where") {
  Json report = healthy_report();
  Json& pair = report["probe"]["pairs"][2];  // rank 2 looks at rank 3
  pair["access"] = false;
  pair["owner_rank"] = 1;
  const Json findings = fold_findings(report);
  const Json& finding = finding_of(findings, "rank_order_permuted");
  CHECK(finding.at("severity") == "critical");
  CHECK(finding.at("entities") == Json{"rank 2", "rank 3", "rank 1"});
  CHECK(fired(report) == std::set<std::string>{"rank_order_permuted"});

  Json written = healthy_report();
  written["probe"]["received"][1]["meant_for_rank"] = 3;
  CHECK(fired(written) == std::set<std::string>{"rank_order_permuted"});
  Json lost = healthy_report();
  lost["probe"]["received"][1]["writer_rank"] = nullptr;
  lost["probe"]["received"][1]["meant_for_rank"] = nullptr;
  CHECK(fired(lost) == std::set<std::string>{"peer_access_dead"});
  Json place = healthy_report();
  place["probe"]["groups"][3]["group_rank"] = 2;
  CHECK(fired(place) == std::set<std::string>{"rank_order_permuted"});
  Json run = healthy_report();
  failing("", -1, "wrong_data", "workspace", "the mapping of rank 1 shows rank 2's memory")(run);
  CHECK(fired(run) == std::set<std::string>{"mapping_shows_another_rank", "rank_order_permuted"});
}

TEST_CASE("a GPU that is said to be out of reach is critical where an outcome says so too") {
  const auto severity = [](const std::function<void(Json&)>& outcome) {
    Json report = healthy_report();
    device(report, 0)["unreachable_gpus"] = {"GPU-1"};
    outcome(report);
    return finding_of(fold_findings(report), "peer_out_of_reach").at("severity").get<std::string>();
  };
  CHECK(severity([](Json&) {}) == "warning");  // the pair was read all the same
  CHECK(severity([](Json& r) { r["probe"] = nullptr; }) == "warning");
  CHECK(severity([](Json& r) { r["probe"]["pairs"][0]["access"] = false; }) == "critical");
  CHECK(severity([](Json& r) { r["probe"]["pairs"][2]["access"] = false; }) == "warning");  // another pair
  CHECK(severity([](Json& r) {
          failing("cuMemSetAccess", 101)(r);
          r["run"]["incidents"][0]["failure"]["rank"] = 0;
          r["run"]["incidents"][0]["failure"]["peer"] = 1;
        }) == "critical");
  CHECK(severity([](Json& r) {
          r["fabric"]["handle_trials"][0]["passed"] = false;
          r["fabric"]["handle_trials"][0]["failure"] = {
              {"call", "cuMemSetAccess"}, {"code", 101}, {"rank", 1}, {"peer", 0}};
        }) == "critical");
}

TEST_CASE("a missing IMEX channel weighs by what came of it") {
  const auto severity = [](const std::function<void(Json&)>& outcome) {
    Json report = healthy_report();
    device(report, 3)["imex_channels"] = 0;
    outcome(report);
    return finding_of(fold_findings(report), "imex_channel_missing").at("severity").get<std::string>();
  };
  CHECK(severity([](Json&) {}) == "info");  // fabric handles worked all the same
  CHECK(severity([](Json& r) { r["fabric"]["handle_trials"][0]["passed"] = nullptr; }) == "warning");
  CHECK(severity([](Json& r) { r["fabric"]["handle_trials"][0]["passed"] = false; }) == "warning");
}

TEST_CASE("that multicast had no room is blamed on the switch only where the GPU has memory free") {
  Json report = healthy_report();
  failing("cuMulticastCreate", 2)(report);
  CHECK(finding_of(fold_findings(report), "multicast_slots_exhausted").at("severity") == "warning");
  device(report, 2)["free_bytes"] = 8ull << 30;
  const Json findings = fold_findings(report);
  const Json& finding = finding_of(findings, "multicast_slots_exhausted");
  CHECK(finding.at("severity") == "critical");
  CHECK(finding.at("evidence").at("free_bytes") == 8ull << 30);
  device(report, 2)["free_bytes"] = 1 << 20;
  CHECK(finding_of(fold_findings(report), "multicast_slots_exhausted").at("severity") == "warning");
}

TEST_CASE("visible devices are renumbered where their list is not 0, 1, 2, and a lookup that is right says otherwise") {
  const auto found = [](const char* visible, const Json& same_device) {
    Json report = healthy_report();
    report["ranks"][1]["environment"]["CUDA_VISIBLE_DEVICES"] = visible;
    device(report, 1)["nvml_by_ordinal"] = {{"same_device", same_device}};
    return fired(report).contains("visible_devices_remapped");
  };
  CHECK_FALSE(found("0", nullptr));
  CHECK_FALSE(found("0,1", nullptr));
  CHECK(found("1", nullptr));
  CHECK(found("0,2", nullptr));
  CHECK(found("GPU-7", nullptr));
  CHECK_FALSE(found("GPU-7", true));
}

TEST_CASE("a slow pair is measured against the profile where that is known, and says which limit it missed") {
  Json report = healthy_report();
  report["fabric"]["limits"] = {{"profile", "sm100-b200-hgx"}, {"copy_gbs", 750}};
  CHECK(finding_of(fold_findings(report), "slow_pair").at("severity") == "pass");
  for (Json& pair : report["probe"]["pairs"]) pair["read_gbs"] = 300;  // all alike: only the profile can tell
  const Json findings = fold_findings(report);
  const Json& slow = finding_of(findings, "slow_pair");
  CHECK(slow.at("severity") == "warning");
  CHECK(slow.at("evidence").at("limit") == "profile");
  CHECK(slow.at("evidence").at("limit_gbs") == 375);
  CHECK(slow.at("evidence").at("profile") == "sm100-b200-hgx");
  report["fabric"].erase("limits");
  CHECK(finding_of(fold_findings(report), "slow_pair").at("severity") == "pass");
  report["probe"]["pairs"][2]["read_gbs"] = 90;
  CHECK(finding_of(fold_findings(report), "slow_pair").at("evidence").at("limit") == "median of pairs");
}
