// What the files and texts of `symmbench probe` say, and what a report makes of `run --bisect`.
#include <pugixml.hpp>

#include "check_schema.hpp"
#include "report/junit.hpp"
#include "report/probe_text.hpp"
#include "report/prometheus.hpp"
#include "support/contains.hpp"

using namespace symmbench;

namespace {

/// A probe of four ranks of which rank 1 does not reach rank 2; `fail_on` as --fail-on has it.
RunBuilder probe_of_four(const std::string& fail_on = "none") {
  RunBuilder run(0);
  run.started.run["config"] = {{"fail_on", fail_on}};
  run.started.run["repro_command"] = "mpirun -n 4 symmbench probe";
  for (int rank = 0; rank < 4; ++rank) {
    Json pairs = Json::array();
    for (int peer = 0; peer < 4; ++peer) {
      if (peer == rank) continue;
      pairs.push_back({{"peer", peer},
                       {"access", !(rank == 1 && peer == 2)},
                       {"owner", peer},
                       {"latency_us", 2.5},
                       {"read_us", 9},
                       {"write_us", 9},
                       {"read_gbs", nullptr},
                       {"write_gbs", nullptr},
                       {"failure", nullptr}});
    }
    run.add(RankFacts{rank, {{"host", "node1"}, {"devices", Json::array({Json{{"kind", "host"}, {"usable", true}}})}}});
    run.add(ProbeRecord{rank,
                        {{"group", 0},
                         {"group_rank", rank},
                         {"memory", {{"allocator", kSymm}, {"handle", "posix_fd"}}},
                         {"descriptors", {{"passed", true}, {"us", 30}, {"failure", nullptr}}},
                         {"pairs", pairs},
                         {"driver_calls", Json::array()}}});
  }
  HandleTrialRecord passed{.allocator = kSymm, .type = "posix_fd", .passed = true};
  HandleTrialRecord refused{.allocator = kSymm, .type = "fabric", .passed = false};
  refused.failure =
      Failure{.layer = Layer::driver, .reason = Reason::not_permitted, .call = "cuMemCreate", .code = 800};
  HandleTrialRecord untried{.allocator = kTorch, .type = "fabric", .reason = "no fabric here"};
  return run.add(passed).add(refused).add(untried);
}

pugi::xml_node testcase(const pugi::xml_document& document, const std::string& class_name, const std::string& name) {
  for (const auto test : document.child("testsuites").child("testsuite").children("testcase")) {
    if (class_name == test.attribute("classname").value() && contains(test.attribute("name").value(), name))
      return test;
  }
  return {};
}

pugi::xml_document junit_of(const Json& report) {
  pugi::xml_document document;
  REQUIRE(document.load_string(junit_xml(report).c_str()));
  return document;
}

}  // namespace

TEST_CASE("JUnit of a probe has trials, pairs and findings; nothing is red that nobody asked to be") {
  const Json report = checked_report(probe_of_four());
  REQUIRE(exit_code(report) == 0);
  const auto document = junit_of(report);
  const auto suite = document.child("testsuites").child("testsuite");
  CHECK(suite.attribute("failures").as_int(-1) == 0);
  CHECK(suite.attribute("errors").as_int(-1) == 0);
  CHECK_FALSE(testcase(document, "symmbench.probe.handle_trial", "group 0/symm_device_memory/posix_fd").first_child());
  const auto refused = testcase(document, "symmbench.probe.handle_trial", "group 0/symm_device_memory/fabric");
  CHECK(contains(refused.child("skipped").attribute("message").value(), "cuMemCreate"));
  const auto untried = testcase(document, "symmbench.probe.handle_trial", "group 0/torch_symm_mem/fabric");
  CHECK(untried.child("skipped").attribute("message").value() == std::string("no fabric here"));
  CHECK_FALSE(testcase(document, "symmbench.probe.peer_access", "rank 0").first_child());
  CHECK(contains(
      testcase(document, "symmbench.probe.peer_access", "rank 1").child("skipped").attribute("message").value(),
      "does not read what these wrote: 2"));
  const auto finding = testcase(document, "symmbench.finding", "peer_access_dead/rank 1/rank 2");
  CHECK(contains(finding.child("system-out").text().get(), "critical: peer_access_dead on rank 1, rank 2"));
}

TEST_CASE("with --fail-on the findings that fail the probe are failures, and the milder ones are not") {
  const Json report = checked_report(probe_of_four("critical"));
  REQUIRE(exit_code(report) == 1);
  CHECK(report["verdict"]["summary"].at(1) == "--fail-on critical: peer_access_dead");
  const auto document = junit_of(report);
  CHECK(testcase(document, "symmbench.finding", "peer_access_dead").child("failure"));
  for (const auto test : document.child("testsuites").child("testsuite").children("testcase")) {
    const auto failure = test.child("failure");
    if (std::string(test.attribute("classname").value()) != "symmbench.finding" || !failure) continue;
    CHECK(failure.attribute("type").value() == std::string("critical"));
  }
  CHECK(testcase(document, "symmbench.run", "verdict").child("failure"));
}

TEST_CASE("on GPUs a probe shows what each rank reads and writes of each other one, and how long a word takes") {
  RunBuilder run = probe_of_four();
  run.started.device["kind"] = "cuda";
  run.started.device["emulated"] = false;
  Json pairs = Json::array();
  for (int peer : {0, 2, 3}) {
    pairs.push_back({{"peer", peer},
                     {"access", true},
                     {"owner", peer},
                     {"latency_us", 1.5 + peer},
                     {"read_us", 9},
                     {"write_us", 9},
                     {"read_gbs", 300.5},
                     {"write_gbs", 360.2 + peer},
                     {"failure", nullptr}});
  }
  run.add(ProbeRecord{1, {{"group", 0}, {"group_rank", 1}, {"pairs", pairs}}});
  const auto text = probe_text(checked_report(run));
  CHECK(contains(text, "Read bandwidth, GB/s (row reads column)\n"));
  CHECK(contains(text, "    1   300.5       -   300.5   300.5\n"));
  CHECK(contains(text, "Write bandwidth, GB/s (row writes column)\n"));
  CHECK(contains(text, "    1   360.2       -   362.2   363.2\n"));
  CHECK(contains(text, "    1     1.5       -     3.5     4.5\n"));
  CHECK_FALSE(contains(probe_text(checked_report(probe_of_four())), "bandwidth, GB/s"));
}

TEST_CASE("a traced call is told with the allocator and the phase that it was made for, or none") {
  RunBuilder run = probe_of_four();
  const Json calls = Json::array({Json{{"call", "cuMemGetAllocationGranularity"},
                                       {"allocator", nullptr},
                                       {"phase", nullptr},
                                       {"bytes", 0},
                                       {"handle", "fabric"},
                                       {"code", 0},
                                       {"us", 1.5}},
                                  Json{{"call", "cuMemCreate"},
                                       {"allocator", kSymm},
                                       {"phase", "create"},
                                       {"bytes", 2097152},
                                       {"handle", "posix_fd"},
                                       {"code", 800},
                                       {"us", 2.5}}});
  run.add(ProbeRecord{0, {{"group", 0}, {"group_rank", 0}, {"trace", calls}}});
  const auto text = probe_text(checked_report(run));
  CHECK(contains(text, "  -                  -        cuMemGetAllocationGranularity "));
  CHECK(contains(text, "  symm_device_memory create   cuMemCreate  "));
}

namespace {

Json facts_of_host(const std::string& host, std::uint64_t available, const std::string& container = "") {
  Json signs = Json::array();
  if (!container.empty()) signs.push_back(container);
  return {{"host", host},
          {"boot_id", "boot-" + host},
          {"devices", Json::array({Json{{"kind", "host"},
                                        {"libraries",
                                         {{{"name", "libcuda.so.1"},
                                           {"path", "/lib/libcuda.so.580.95.05"},
                                           {"version", "580.95.05"},
                                           {"unknown", nullptr}}}},
                                        {"granularities",
                                         {{{"handle", "posix_fd"},
                                           {"minimum_bytes", 2097152},
                                           {"recommended_bytes", 2097152},
                                           {"unknown", nullptr}}}}}})},
          {"mpi", {{"library", "Open MPI v4.1.4"}, {"standard", "3.1"}}},
          {"limits", {{"memlock", {{"soft", 65536}, {"hard", nullptr}}}}},
          {"system",
           {{"os", "Ubuntu 24.04"},
            {"kernel", "6.8.0"},
            {"memory_total_bytes", std::uint64_t{1} << 30},
            {"memory_available_bytes", available},
            {"container", signs},
            {"modules", {{{"name", "nvidia"}, {"version", "580.95.05"}}, {{"name", "gdrdrv"}, {"version", nullptr}}}},
            {"cpu_model", 5},
            {"unknown", {{{"fact", "kernel_driver"}, {"why", "no such file"}}}}}}};
}

}  // namespace

TEST_CASE(
    "a host is told once, whichever of its ranks looked when, and once more where a container shows another one") {
  RunBuilder run = probe_of_four();
  run.add(RankFacts{0, facts_of_host("node1", 1000)}).add(RankFacts{1, facts_of_host("node1", 900)});
  run.add(RankFacts{2, facts_of_host("node2", 800)}).add(RankFacts{3, facts_of_host("node1", 700, "docker")});
  const Json report = checked_report(run);
  const Json& hosts = report["hosts"];
  REQUIRE(hosts.size() == 3);
  CHECK(hosts[0]["ranks"] == Json{0, 1});
  CHECK(hosts[0]["memory_available_bytes"] == 1000);
  CHECK(hosts[0]["cpu_model"].is_null());  // what is no text
  CHECK(hosts[0]["unknown"] == Json{{{"fact", "kernel_driver"}, {"why", "no such file"}}});
  CHECK(hosts[1]["host"] == "node2");
  CHECK(hosts[2]["container"] == Json{"docker"});
  CHECK(report["ranks"][0]["limits"]["memlock"] == Json{{"soft", 65536}, {"hard", nullptr}});
  CHECK(report["ranks"][0]["limits"]["nofile"].is_null());
  CHECK(report["ranks"][0]["devices"][0]["mig"].is_null());
  const auto text = probe_text(report);
  CHECK(contains(text, "node1, 2 ranks, first 0: Ubuntu 24.04, kernel 6.8.0"));
  CHECK(contains(text, "modules: nvidia 580.95.05, gdrdrv\n"));
  CHECK(contains(text, "Open MPI v4.1.4; limits: memlock 65536, nofile unknown, core unknown"));
  CHECK(contains(text, "libcuda.so.1 580.95.05 (/lib/libcuda.so.580.95.05)"));
  CHECK(contains(text, "posix_fd 2 MiB (best 2 MiB); MIG: unknown"));
}

TEST_CASE("a probe counts what it did and speaks of no rows") {
  const Json report = checked_report(probe_of_four());
  const auto text = probe_text(report);
  CHECK(contains(text, "1 of 2 handle trials passed, 11 of 12 pairs reach each other, descriptors reach 4 of 4 ranks"));
  CHECK_FALSE(contains(text, "rows"));
  RunBuilder refused(0);
  refused.ended->complete = false;
  refused.ended->interrupted_by = "rank 0 on node1 cannot use the cuda device";
  const auto words = probe_text(refused.report());
  CHECK_FALSE(contains(words, "rows"));
  CHECK(contains(words, "not complete: rank 0 on node1 cannot use the cuda device"));
}

TEST_CASE("a probe of one rank says what was not tested, and counts no pairs") {
  RunBuilder run(0);
  run.started.world_size = run.started.group_size = 1;
  run.add(RankFacts{0, {{"host", "node1"}, {"devices", Json::array({Json{{"kind", "host"}, {"usable", true}}})}}});
  run.add(ProbeRecord{0, {{"group", 0}, {"group_rank", 0}, {"pairs", Json::array()}, {"driver_calls", Json::array()}}});
  const Json report = checked_report(run);
  CHECK(exit_code(report) == 0);
  CHECK(contains(report["verdict"]["summary"].dump(), "nothing between ranks was tested: there is one"));
  const auto text = probe_text(report);
  CHECK(contains(text, "Not tested: descriptors, peer access and bandwidth between ranks; there is one rank"));
  CHECK_FALSE(contains(text, "0 of 0"));
}

TEST_CASE("a probe of several ranks that looked at no pair has no verdict, and says why each handle type was none") {
  for (const int untested : {0, 1}) {
    CAPTURE(untested);
    RunBuilder run(0);
    run.started.world_size = 4;
    run.started.group_size = 2;
    for (int rank = 0; rank < 4; ++rank) {
      const int group = rank / 2;
      const bool looked = group != untested;
      Json pairs = Json::array();
      if (looked) pairs.push_back({{"peer", rank ^ 1}, {"access", false}, {"failure", nullptr}});
      run.add(ProbeRecord{rank,
                          {{"group", group},
                           {"group_rank", rank % 2},
                           {"descriptors", {{"passed", true}}},
                           {"pairs", pairs},
                           {"driver_calls", Json::array()}}});
    }
    HandleTrialRecord refused{.group = untested, .allocator = kTorch, .type = "fabric", .passed = false};
    refused.failure =
        Failure{.layer = Layer::driver, .reason = Reason::not_permitted, .call = "cuMemCreate", .code = 800};
    HandleTrialRecord untried{
        .group = untested, .allocator = kTorch, .type = "posix_fd", .reason = "does not travel between hosts"};
    run.add(refused).add(untried);
    const Json report = checked_report(run);
    CHECK(exit_code(report) == 3);
    CHECK(report["verdict"]["status"] == "no_verdict");
    const auto summary = report["verdict"]["summary"].dump();
    CHECK(contains(summary,
                   fmt::format("not tested: access, latency and copies between the 2 ranks of group {}\"", untested)));
    CHECK(contains(summary, "\"  torch_symm_mem by fabric: "));
    CHECK(contains(summary, "cuMemCreate"));
    CHECK(contains(summary, "torch_symm_mem by posix_fd: does not travel between hosts"));
    run.started.skip_if_unsupported = true;
    CHECK(exit_code(checked_report(run)) == 77);
  }
}

TEST_CASE("what a probe told before a rank stalled is kept, and the pair in which it did is named") {
  RunBuilder run(0);
  for (int rank = 0; rank < 4; ++rank) {
    run.add(ProbeRecord{
        rank, {{"group", 0}, {"group_rank", rank}, {"memory", {{"allocator", kSymm}, {"handle", "posix_fd"}}}}});
    for (int turn = 1; turn < 4; ++turn) {
      if (rank == 1 && turn == 2) continue;
      run.add(ProbeRecord{rank, {{"pairs", {{{"peer", (rank + turn) % 4}, {"access", true}}}}}});
    }
    run.add(ProbeRecord{rank, {{"received", Json::array()}}});
  }
  FailureRecord stalled{.case_id = "probe/turn/2", .status = "hung", .label = "probe"};
  stalled.failure = {.layer = Layer::supervisor, .reason = Reason::timed_out, .detail = "stood still", .rank = 1};
  const Json report = checked_report(run.add(stalled));
  CHECK(exit_code(report) == 4);
  std::size_t read = 0;
  for (const Json& pair : report["probe"]["pairs"]) {
    read += pair["access"] == true ? 1 : 0;
    if (pair["access"] != true) CHECK(Json{pair["rank"], pair["peer"], pair["access"]} == Json{1, 3, nullptr});
  }
  CHECK(read == 11);
  const auto summary = report["verdict"]["summary"].dump();
  CHECK(contains(summary, "11 of 11 pairs reach each other"));
  CHECK(contains(summary, "rank 1 did not come back from looking at rank 3: "));
  CHECK_FALSE(contains(summary, "not tested"));
}

TEST_CASE("what links of the profile reach is in the report, and nothing where no shipped profile is known") {
  RunBuilder run = probe_of_four();
  CHECK(checked_report(run)["fabric"]["limits"].is_null());
  run.started.device["fabric_profile"] = "my own";
  CHECK(checked_report(run)["fabric"]["limits"].is_null());
  run.started.device["fabric_profile"] = "sm100-b200-hgx";
  CHECK(checked_report(run)["fabric"]["limits"] ==
        Json{{"profile", "sm100-b200-hgx"}, {"links", 18}, {"link_gbs", 50.0}, {"copy_gbs", 750.0}});
}

TEST_CASE("rules that take the same for the same reason are told once, whatever the numbers of the devices") {
  RunBuilder run = probe_of_four();
  for (int rank = 0; rank < 4; ++rank) {
    const auto why = fmt::format("self test failed: device {}: 2 MiB", rank);
    const Json rule{{"allocator", kTorch}, {"handle", rank == 3 ? "fabric" : "posix_fd"}, {"why", why}};
    run.add(RankFacts{rank,
                      {{"host", "node1"},
                       {"devices", Json::array({Json{{"kind", "host"}, {"upstream_handles", Json::array({rule})}}})}}});
  }
  const auto text = probe_text(checked_report(run));
  CHECK(contains(text, "torch_symm_mem: posix_fd (self test failed: device N: 2 MiB), 3 ranks, first 0\n"));
  CHECK(contains(text, "torch_symm_mem: fabric (self test failed: device N: 2 MiB), 1 rank, first 3\n"));
}

TEST_CASE("samples around a case group say whether the GPU was slowed down, and what its links counted meanwhile") {
  RunBuilder run(1);
  run.add_all_ok();
  const auto sample = [](const Json& throttle, const Json& errors) {
    return Json{{"temperature_c", 41},
                {"throttle", throttle},
                {"nvlink_errors", errors},
                {"nvlink_errors_by_kind", {{"recovery", errors}, {"replay", 4}}}};
  };
  run.add(DeviceSampleRecord{0, 0, "g", sample({"gpu_idle"}, 25), sample(Json::array(), 25)});
  run.add(DeviceSampleRecord{0, 1, "g", sample({"gpu_idle"}, 25), sample({"hw_thermal_slowdown"}, 32)});
  run.add(DeviceSampleRecord{0, 2, "g", sample(nullptr, nullptr), Json::object()});
  run.add(DeviceSampleRecord{0, 3, "g", sample({"application_clocks"}, 25), sample({"bit_40"}, 0)});
  const Json report = checked_report(run);
  const Json& samples = report["fabric"]["samples"];
  REQUIRE(samples.size() == 4);
  CHECK(samples[0]["throttled"] == false);
  CHECK(samples[0]["nvlink_errors_added"] == 0);
  CHECK(samples[1]["throttled"] == true);
  CHECK(samples[1]["nvlink_errors_added"] == 7);
  CHECK(samples[1]["nvlink_errors_added_by_kind"] == Json{{"recovery", 7}, {"replay", 0}});
  CHECK(samples[1]["after"]["sm_clock_mhz"].is_null());
  CHECK(samples[2]["throttled"].is_null());
  CHECK(samples[2]["nvlink_errors_added"].is_null());
  CHECK(samples[2]["nvlink_errors_added_by_kind"].is_null());
  CHECK(samples[3]["throttled"] == true);  // a reason without a name is one all the same
  CHECK(samples[3]["nvlink_errors_added"].is_null());
  CHECK(samples[3]["nvlink_errors_added_by_kind"].is_null());
  std::string found;
  for (const Json& finding : report["findings"]) {
    if (finding["severity"] == "warning")
      found += finding["check_id"].get<std::string>() + finding["entities"].dump() + " ";
  }
  CHECK(contains(found, "throttled[\"rank 1\"]"));
  CHECK(contains(found, "nvlink_errors[\"rank 1\"]"));
}

TEST_CASE("findings are numbers for Prometheus, by check and severity") {
  CHECK(contains(prometheus_text(checked_report(probe_of_four())),
                 "symmbench_findings{device=\"host\",check=\"peer_access_dead\",severity=\"critical\"} 1\n"));
  CHECK_FALSE(contains(prometheus_text(RunBuilder(1).add_all_ok().report()), "symmbench_findings"));
}

TEST_CASE("what fails in smaller groups is told as a bisection, and fails no case") {
  RunBuilder run(1);
  run.add_all_ok();
  FailureRecord tried{.case_id = "bisect/[0,1]", .status = "hung", .failure = RunBuilder::crash(), .label = "bisect"};
  run.add(tried);
  run.add(EventRecord{.what = "worker_restarted", .detail = "bisect", .data = {{"label", "bisect"}}});
  const Json before = checked_report(run);
  CHECK(exit_code(before) == 0);
  CHECK(before["bisect"].is_null());
  CHECK(before["run"]["events"].empty());
  CHECK(before["run"]["incidents"].empty());
  run.add(RankFacts{3, {{"host", "node7"}, {"devices", Json::array({Json{{"kind", "host"}, {"uuid", "GPU-3"}}})}}});
  run.add(BisectRecord{
      0,
      {{"allocator", kSymm},
       {"culprit", "rank"},
       {"ranks", {3}},
       {"sure", true},
       {"with", {{"failed", 5}, {"tried", 5}}},
       {"without", {{"failed", 0}, {"tried", 1}}},
       {"text", "rank 3: 5 of 5 groups with it failed, 0 of 1 without"},
       {"seconds", 4.5},
       {"tests", {{{"ranks", {0, 3}}, {"status", "failed"}, {"failure", to_json(RunBuilder::crash())}}}}}});
  const Json report = checked_report(run);
  REQUIRE(report["bisect"].size() == 1);
  CHECK(report["bisect"][0]["ranks"] == Json{{{"rank", 3}, {"host", "node7"}, {"gpu_uuid", "GPU-3"}}});
  CHECK(contains(report["verdict"]["summary"].dump(), "bisect, group 0, 1 group in 4.5 s: rank 3: 5 of 5 groups"));
}

TEST_CASE("a bisection that makes no sense is shown as unknown, and costs no report") {
  RunBuilder run(1);
  run.add(BisectRecord{0, {{"ranks", "all"}, {"tests", 5}, {"sure", "yes"}, {"with", 3}}});
  const Json report = checked_report(run.add_all_ok());
  CHECK(report["bisect"][0]["culprit"].is_null());
  CHECK(report["bisect"][0]["ranks"].empty());
  CHECK(report["bisect"][0]["sure"].is_null());
}
