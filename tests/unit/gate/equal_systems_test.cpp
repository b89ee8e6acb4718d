// Two systems of one kind have other names, and nothing that explains another outcome; where one is not in order, that is
// named first.
#include <catch2/catch_test_macros.hpp>
#include <functional>
#include <random>

#include "gate/environment.hpp"
#include "gate_reports.hpp"

using namespace symmbench;

namespace {

/// A rack's report: eight ranks on two trays, with names of its own by `seed`.
Json rack(unsigned seed) {
  std::mt19937 random(seed);
  const auto name = [&](const char* of) { return fmt::format("{}-{:08x}", of, random()); };
  Json report = gate_report("cuda", "NVIDIA GB300");
  report["ranks"] = Json::array();
  const auto cluster = name("cluster");
  const auto clique = random() % 1000;
  const std::vector<std::string> hosts{name("node"), name("node")};
  for (int rank = 0; rank < 8; ++rank) {
    Json rules = Json::array();
    for (const char* allocator : {"symm_device_memory", "torch_symm_mem"}) {
      rules.push_back({{"allocator", allocator}, {"handle", "fabric"}, {"why", "cluster " + cluster}});
    }
    const Json device{
        {"kind", "cuda"},
        {"name", "NVIDIA GB300"},
        {"driver_version", 13000},
        {"posix_fd_supported", true},
        {"fabric_supported", true},
        {"imex_channels", 1},
        {"confidential_computing", false},
        {"multicast_supported", true},
        {"mig", {{"enabled", false}}},
        {"granularities", Json::array({Json{{"handle", "fabric"}, {"minimum_bytes", 2097152}}})},
        {"libraries", Json::array({Json{{"name", "libcuda.so.1"}, {"path", "/lib/libcuda.so.580.95.05"}}})},
        {"upstream_handles", rules},
        {"fabric",
         {{"state", "completed"},
          {"status", 0},
          {"cluster_uuid", cluster},
          {"clique_id", clique},
          {"health_summary", 1}}}};
    report["ranks"].push_back(
        {{"rank", rank},
         {"host", hosts[static_cast<std::size_t>(rank / 4)]},
         {"boot_id", name("boot")},
         {"pid", random() % 32768},
         {"load_1m", random() % 8},
         {"cpu_quota", nullptr},
         {"memory_limit_bytes", nullptr},
         {"limits", {{"memlock", {{"soft", nullptr}, {"hard", nullptr}}}}},
         {"mpi", {{"library", "Open MPI v4.1.4"}, {"standard", "3.1"}}},
         {"gpu_name", "NVIDIA GB300"},
         {"gpu_uuid", name("GPU")},
         {"devices", Json::array({device})},
         {"environment", {{"NCCL_NVLS_ENABLE", "0"}, {"SLURM_JOB_ID", name("job")}, {"PMIX_NAMESPACE", name("job")}}}});
  }
  report["hosts"] = Json::array();
  for (const auto& host : hosts) {
    report["hosts"].push_back({{"host", host},
                               {"os", "Ubuntu 24.04"},
                               {"kernel", "6.8.0"},
                               {"memory_total_bytes", (std::int64_t{1} << 40) + random() % 4096},
                               {"memory_available_bytes", random()},
                               {"container", Json::array()},
                               {"kernel_driver", "NVIDIA UNIX Open Kernel Module 580.95.05"},
                               {"modules", Json::array({Json{{"name", "nvidia"}, {"version", "580.95.05"}},
                                                        Json{{"name", "nvidia_peermem"}, {"version", nullptr}}})}});
  }
  Json trials = Json::array();
  for (const char* allocator : {"symm_device_memory", "torch_symm_mem"}) {
    trials.push_back(
        {{"group", 0}, {"allocator", allocator}, {"type", "fabric"}, {"passed", true}, {"failure", nullptr}});
  }
  if (random() % 2 == 0) std::swap(trials[0], trials[1]);
  report["fabric"] = {{"profile", "sm103-gb300-nvl72"}, {"hosts", 2}, {"handle_trials", trials}};
  return report;
}

/// What is named before any identity.
std::vector<std::string> named(const Json& a, const Json& b) {
  std::vector<std::string> keys;
  bool identities = false;
  for (const auto& one : environment_differences(a, b)) {
    if (one.identity) {
      identities = true;
    } else {
      CHECK_FALSE(identities);  // they come last
      keys.push_back(one.key);
    }
  }
  return keys;
}

Json& device(Json& report, int rank) { return report["ranks"][rank]["devices"][0]; }

}  // namespace

TEST_CASE("twenty pairs of equal systems differ in names and in nothing else") {
  for (unsigned pair = 0; pair < 20; ++pair) {
    CAPTURE(pair);
    CHECK(named(rack(2 * pair), rack(2 * pair + 1)) == std::vector<std::string>{});
    CHECK_FALSE(environment_differences(rack(2 * pair), rack(2 * pair + 1)).empty());
  }
}

TEST_CASE(
    "of two equal systems the one on which something failed is told by the call that failed, or by what was wrong") {
  const auto with_row = [](unsigned seed, const Json& failure, const char* multicast) {
    Json report = rack(seed), row = gate_row(1, "torch_symm_mem", 10);
    row["failure"] = failure;
    row["multicast"] = {{"used", multicast}};
    row["handle"]["used"] = "fabric";
    report["results"].push_back(row);
    return report;
  };
  // A fabric manager that refuses multicast; a rendezvous of another group; flags that nobody cleared.
  const std::vector<std::pair<Json, const char*>> planted{
      {{{"layer", "driver"}, {"reason", "not_ready"}, {"call", "cuMulticastBindMem"}, {"code", 802}},
       "driver/not_ready in cuMulticastBindMem (802) under torch_symm_mem"},
      {{{"layer", "comm"}, {"reason", "timed_out"}, {"phase", "exchange"}},
       "comm/timed_out in exchange under torch_symm_mem"},
      {{{"layer", "verify"}, {"reason", "wrong_data"}, {"phase", "use"}},
       "verify/wrong_data in use under torch_symm_mem"}};
  for (const auto& [failure, text] : planted) {
    for (unsigned pair = 0; pair < 20; ++pair) {
      CAPTURE(text, pair);
      const Json good = with_row(2 * pair, nullptr, "on"), bad = with_row(2 * pair + 1, failure, "on");
      CHECK(named(good, bad) == std::vector<std::string>{"failures"});
      const auto differences = environment_differences(good, bad);
      CHECK(differences.front().a == "none");
      CHECK(differences.front().b == text);
      CHECK(named(good, with_row(2 * pair + 1, nullptr, "on")).empty());
      CHECK(named(good, with_row(2 * pair + 1, nullptr, "off")) == std::vector<std::string>{"multicast_used"});
    }
  }
}

TEST_CASE("facts of hosts that differ are named in the order in which they are likely to explain something") {
  const Json good = rack(1);
  Json bad = rack(2);
  bad["hosts"][1]["kernel_driver"] = "NVIDIA UNIX x86_64 Kernel Module 580.95.05";
  bad["hosts"][1]["modules"].erase(1);
  bad["hosts"][0]["modules"].erase(1);
  device(bad, 3)["mig"]["enabled"] = true;
  bad["ranks"][5]["limits"]["memlock"]["soft"] = 65536;
  bad["ranks"][5]["memory_limit_bytes"] = 1 << 30;
  bad["hosts"][1]["kernel"] = "6.1.0";
  bad["ranks"][0]["environment"]["NCCL_DEBUG"] = "INFO";
  device(bad, 7)["driver_version"] = 12080;
  CHECK(named(good, bad) == std::vector<std::string>{"driver_version", "kernel_driver", "mig", "kernel",
                                                     "cgroup_memory", "limit_memlock", "module.nvidia_peermem",
                                                     "environment.NCCL_DEBUG"});
  for (const auto& one : environment_differences(good, bad)) {
    if (one.key == "limit_memlock") CHECK(one.b == "65536 (hard unlimited), unlimited (hard unlimited)");
    if (one.key == "cgroup_memory") CHECK(one.b == "1073741824, none");
    if (one.key == "module.nvidia_peermem") CHECK(one.b == "not loaded");
  }
}

TEST_CASE("a report from before hosts were told differs in none of their facts") {
  Json older = rack(3);
  older.erase("hosts");
  for (Json& rank : older["ranks"]) {
    for (const char* key : {"limits", "mpi", "memory_limit_bytes"}) rank.erase(key);
    for (const char* key : {"mig", "granularities", "libraries"}) rank["devices"][0].erase(key);
  }
  CHECK(named(older, rack(4)).empty());
  CHECK(named(rack(4), older).empty());
}

TEST_CASE("what is planted in one of two equal systems is named first, whichever they are") {
  const std::vector<std::pair<std::string, std::function<void(Json&)>>> planted{
      {"upstream_rule.torch_symm_mem",
       [](Json& r) {
         device(r, 7)["imex_channels"] = 0;
         device(r, 7)["upstream_handles"][1]["handle"] = "posix_fd";
       }},
      {"handle_trials",
       [](Json& r) {
         r["fabric"]["handle_trials"][0]["passed"] = false;
         r["fabric"]["handle_trials"][0]["failure"] = {{"call", "cuMemImportFromShareableHandle"}, {"code", 400}};
       }},
      {"upstream_rule.symm_device_memory",
       [](Json& r) {
         device(r, 7)["fabric"]["cluster_uuid"] = nullptr;
         device(r, 7)["upstream_handles"][0]["handle"] = "posix_fd";
       }},
      {"fabric_cliques", [](Json& r) { device(r, 7)["fabric"]["clique_id"] = 77777; }},
      {"driver_version", [](Json& r) { device(r, 7)["driver_version"] = 12080; }},
      {"system_driver", [](Json& r) { device(r, 7)["system_driver"] = "570.86"; }},
      {"network_namespaces", [](Json& r) { r["ranks"][7]["network_namespace"] = "net:[4026531840]"; }},
      {"ranks_with_unreachable_gpus", [](Json& r) { device(r, 7)["unreachable_gpus"] = {"0000:1b:00.0"}; }},
      {"nvlinks_active", [](Json& r) { device(r, 7)["nvlinks_active"] = 17; }},
      {"gpu_direct_rdma_supported", [](Json& r) { device(r, 7)["gpu_direct_rdma_supported"] = false; }},
      {"pairs_without_access",
       [](Json& r) {
         r["probe"]["pairs"] = Json::array({{{"rank", 1}, {"peer", 2}, {"access", false}}});
       }},
      {"numa_nodes", [](Json& r) { r["ranks"][7]["topology"]["numa_nodes"] = 1; }},
      {"confidential_computing",
       [](Json& r) {
         device(r, 7)["confidential_computing"] = true;
         device(r, 7)["multicast_supported"] = false;
       }},
  };
  for (const auto& [first, plant] : planted) {
    for (unsigned pair = 0; pair < 20; ++pair) {
      CAPTURE(first, pair);
      Json bad = rack(2 * pair + 1);
      plant(bad);
      const auto keys = named(rack(2 * pair), bad);
      REQUIRE_FALSE(keys.empty());
      CHECK(keys.front() == first);
    }
  }
}
