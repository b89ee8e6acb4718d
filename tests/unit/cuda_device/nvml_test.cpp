#include "device/cuda/nvml.hpp"

#include <dlfcn.h>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <string>
#include <vector>

namespace symmbench {
namespace {

using Catch::Matchers::ContainsSubstring;

template <class T>
T& variable(const char* name) {
  void* library = ::dlopen(FAKE_NVML, RTLD_NOW | RTLD_LOCAL);
  return *static_cast<T*>(::dlsym(library, name));
}
int sessions() { return variable<int>("fake_nvml_sessions"); }

NvmlFacts facts_from(const char* library) { return NvmlDevice({.pci_bus_id = "0000:1B:00.0"}, library).facts(); }

TEST_CASE("without NVML everything is unknown and the reason is there") {
  const NvmlDevice device({.pci_bus_id = "0000:1B:00.0"}, "libno-such-library.so.1");
  CHECK_THAT(device.problem(), ContainsSubstring("libno-such-library"));
  CHECK_FALSE(device.facts().driver_version);
  CHECK_FALSE(device.facts().fabric);
  CHECK_THAT(device.facts().fabric_unknown, ContainsSubstring("no NVML: libno-such-library.so.1"));
  CHECK_FALSE(device.facts().nvlinks_active);
  CHECK_FALSE(device.sample().temperature_c);
}

TEST_CASE("NVML facts come from the GPU with the PCI bus id") {
  const NvmlDevice device({.pci_bus_id = "0000:1B:00.0"}, FAKE_NVML);
  REQUIRE(device.problem().empty());
  const NvmlFacts facts = device.facts();
  CHECK(facts.driver_version == "580.65.06");
  CHECK(facts.nvlinks_active == 17);
  REQUIRE(facts.fabric);
  CHECK(fabric_state_name(facts.fabric->state) == "completed");
  CHECK(facts.fabric->status == 0);
  CHECK(facts.fabric->clique_id == 32766);
  CHECK(cluster_uuid_text(facts.fabric->cluster_uuid) == "a0a1a2a3-a4a5-a6a7-a8a9-aaabacadaeaf");
  CHECK(facts.fabric->health_mask == 0x1AA);
  CHECK(facts.fabric->health_summary == 1);
  CHECK(facts.fabric_unknown.empty());
}

TEST_CASE("Confidential Computing is on, off, or unknown to drivers from before it") {
  CHECK(facts_from(FAKE_NVML).confidential_computing == false);
  variable<int>("fake_nvml_confidential") = 1;
  CHECK(facts_from(FAKE_NVML).confidential_computing == true);
  variable<int>("fake_nvml_confidential") = 0;
  CHECK_FALSE(facts_from(FAKE_NVML_OLD).confidential_computing);
}

TEST_CASE(
    "MIG is on, off, or unknown with the reason: a GPU without it, a driver from before it, an answer that is none") {
  const auto mode_from = [](const char* library) { return NvmlDevice({.pci_bus_id = "0000:1B:00.0"}, library).mig(); };
  CHECK(mode_from(FAKE_NVML).enabled == true);
  CHECK(mode_from(FAKE_NVML).pending == false);
  CHECK(mode_from(FAKE_NVML).unknown.empty());
  variable<unsigned>("fake_nvml_mig") = 7;
  CHECK_FALSE(mode_from(FAKE_NVML).enabled);
  CHECK(mode_from(FAKE_NVML).unknown == "nvmlDeviceGetMigMode: mode 7, pending 0");
  variable<unsigned>("fake_nvml_mig") = 0;
  CHECK(mode_from(FAKE_NVML).enabled == false);
  variable<int>("fake_nvml_mig_result") = 3;
  CHECK(mode_from(FAKE_NVML).unknown == "nvmlDeviceGetMigMode: Some Error (3)");
  variable<int>("fake_nvml_mig_result") = 0;
  CHECK_THAT(mode_from(FAKE_NVML_OLD).unknown, ContainsSubstring("has no nvmlDeviceGetMigMode"));
  CHECK_THAT(mode_from("libno-such-library.so.1").unknown, ContainsSubstring("no NVML"));
}

TEST_CASE("a driver that knows only the older facts of the fabric is asked for those") {
  variable<unsigned>("fake_nvml_newest_fabric") = 2;
  const NvmlFacts facts = facts_from(FAKE_NVML);
  variable<unsigned>("fake_nvml_newest_fabric") = 3;
  REQUIRE(facts.fabric);
  CHECK(facts.fabric->clique_id == 32766);
  CHECK(facts.fabric->health_mask == 0x1AA);
  CHECK_FALSE(facts.fabric->health_summary);
}

TEST_CASE("facts of the fabric that NVML does not give are unknown, and the call or the code is named") {
  variable<int>("fake_nvml_fabric_result") = variable<int>("fake_nvml_clique_result") = 3;
  const NvmlFacts refused = facts_from(FAKE_NVML);
  variable<int>("fake_nvml_fabric_result") = variable<int>("fake_nvml_clique_result") = 0;
  CHECK_FALSE(refused.fabric);
  CHECK(refused.driver_version == "580.65.06");
  CHECK(refused.fabric_unknown == "nvmlDeviceGetGpuFabricInfoV: Some Error (3)");

  const NvmlFacts old = facts_from(FAKE_NVML_OLD);
  CHECK_FALSE(old.fabric);
  CHECK(old.driver_version == "580.65.06");
  CHECK_THAT(old.fabric_unknown, ContainsSubstring("libnvidia-ml-old.so.1 has no nvmlDeviceGetGpuFabricInfoV"));
}

TEST_CASE("the newest call lists cliques of every type, beside what the older one says") {
  const NvmlFacts facts = facts_from(FAKE_NVML);
  CHECK(facts.cliques.source == "nvmlDeviceGetGpuFabricInfo_v4");
  CHECK(facts.cliques.unknown.empty());
  CHECK(facts.cliques.nonsense.empty());
  CHECK(facts.cliques.cliques == std::vector<FabricClique>{{0, 7}, {1, 8}, {9, 9}});
  CHECK(clique_type_name(1) == "multicast_pointer");
  CHECK(clique_type_name(9) == "type 9");
  CHECK(facts.fabric->clique_id == 32766);

  const NvmlFacts old = facts_from(FAKE_NVML_OLD);
  CHECK_THAT(old.cliques.unknown, ContainsSubstring("has no nvmlDeviceGetGpuFabricInfo_v4"));
  variable<int>("fake_nvml_clique_result") = 3;
  CHECK(facts_from(FAKE_NVML).cliques.unknown == "nvmlDeviceGetGpuFabricInfo_v4: Some Error (3)");
  variable<int>("fake_nvml_clique_result") = 0;
}

TEST_CASE("where a driver has no older call any more the newest one tells of the registration, too") {
  variable<int>("fake_nvml_fabric_result") = 3;
  const NvmlFacts facts = facts_from(FAKE_NVML);
  variable<int>("fake_nvml_fabric_result") = 0;
  REQUIRE(facts.fabric);
  CHECK(facts.fabric->clique_id == 7);
  CHECK(facts.fabric->health_summary == 1);
  CHECK(facts.fabric_unknown.empty());
}

TEST_CASE("nonsense that a driver answers is said to be that, and read no further") {
  variable<unsigned>("fake_nvml_cliques") = 4'000'000;
  const NvmlFacts facts = facts_from(FAKE_NVML);
  variable<unsigned>("fake_nvml_cliques") = 3;
  CHECK(facts.cliques.cliques.empty());
  CHECK(facts.cliques.nonsense == std::vector<std::string>{"4000000 cliques where 64 fit"});

  CHECK(nonsense_in(*facts.fabric).empty());
  const FabricFacts wrong{.state = 9, .health_mask = 0x1AB, .health_summary = 7};
  CHECK(nonsense_in(wrong) == std::vector<std::string>{"fabric state 9", "fabric health summary 7",
                                                       "fabric health mask 0x1ab: bits 0 and 1 are both set"});
}

TEST_CASE("whom NVML has under CUDA's number is told, and what it says of that one's fabric") {
  const NvmlFacts same = NvmlDevice({.pci_bus_id = "0000:1B:00.0", .ordinal = 0}, FAKE_NVML).facts();
  REQUIRE(same.by_ordinal);
  CHECK(same.by_ordinal->same_device);
  const NvmlFacts other = NvmlDevice({.pci_bus_id = "0000:1B:00.0", .ordinal = 1}, FAKE_NVML).facts();
  REQUIRE(other.by_ordinal);
  CHECK_FALSE(other.by_ordinal->same_device);
  CHECK(other.by_ordinal->pci_bus_id == "0000:9a:00.0");
  CHECK_FALSE(cluster_uuid_text(other.by_ordinal->fabric->cluster_uuid));
  CHECK(cluster_uuid_text(other.fabric->cluster_uuid));
  CHECK_FALSE(facts_from(FAKE_NVML).by_ordinal);
  CHECK_FALSE(NvmlDevice({.pci_bus_id = "0000:1B:00.0", .ordinal = 5}, FAKE_NVML).facts().by_ordinal);
}

TEST_CASE("a GPU whose PCI bus id NVML does not know is found by its UUID") {
  const NvmlDevice device({.uuid = "GPU-known", .pci_bus_id = "0000:FF:00.0"}, FAKE_NVML);
  CHECK(device.problem().empty());
  CHECK(device.sample().temperature_c == 41);
}

TEST_CASE("a GPU that NVML does not find is a problem with NVML's own words") {
  const NvmlDevice device({.uuid = "GPU-other", .pci_bus_id = "0000:FF:00.0"}, FAKE_NVML);
  CHECK(device.problem() ==
        "nvmlDeviceGetHandleByPciBusId_v2: Not Found (6); nvmlDeviceGetHandleByUUID: Not Found (6)");
  CHECK(device.facts().fabric_unknown == device.problem());
  CHECK_FALSE(device.facts().driver_version);
  const NvmlDevice nameless({}, FAKE_NVML);
  CHECK_THAT(nameless.problem(), ContainsSubstring("neither a PCI bus id nor a UUID"));
}

TEST_CASE("a sample has what the driver offers and leaves the rest unknown") {
  const NvmlDevice device({.pci_bus_id = "0000:1B:00.0"}, FAKE_NVML);
  const NvmlSample sample = device.sample();
  CHECK(sample.temperature_c == 41);
  CHECK(sample.sm_clock_mhz == 1980);
  CHECK_FALSE(sample.power_mw);
  CHECK(sample.nvlink_errors == std::map<std::string, std::uint64_t>{{"replay", 7}, {"recovery", 18}});
  CHECK(NvmlDevice({.pci_bus_id = "0000:1B:00.0"}, FAKE_NVML_OLD).sample().nvlink_errors.empty());
  REQUIRE(sample.throttle_reasons);  // under the name that older drivers have for it
  CHECK(throttle_names(*sample.throttle_reasons) == std::vector<std::string>{"sw_power_cap", "sw_thermal_slowdown"});
}

TEST_CASE("a GPU is slowed down by power, heat and the board, not by idleness or clocks that somebody set") {
  CHECK_FALSE(slows_down(1u << 0 | 1u << 1 | 1u << 4 | 1u << 8));
  for (const unsigned bit : {2u, 3u, 5u, 6u, 7u, 40u}) CHECK(slows_down(1ull << bit | 1));
  CHECK(NvmlDevice({.pci_bus_id = "0000:1B:00.0"}, FAKE_NVML).slowed_down() == true);
  CHECK(NvmlDevice({.pci_bus_id = "0000:1B:00.0"}, FAKE_NVML_OLD).slowed_down() == true);
}

TEST_CASE("Xids of a GPU are told once, in their order, no more than can be read at a time") {
  const auto raise = [](std::vector<unsigned> codes) {
    auto* left = &variable<unsigned>("fake_nvml_xids");
    for (const unsigned code : codes) left[variable<unsigned>("fake_nvml_xid_count")++] = code;
  };
  {
    NvmlDevice device({.pci_bus_id = "0000:1B:00.0"}, FAKE_NVML);
    CHECK(device.xids().unknown == "not watched");
    device.watch_xids();
    CHECK(device.xids().codes.empty());
    CHECK(device.xids().unknown.empty());
    raise({31, 154});
    CHECK(device.xids().codes == std::vector<std::uint32_t>{31, 154});
    CHECK(device.xids().codes.empty());
    raise(std::vector<unsigned>(65, 79));
    const NvmlXids many = device.xids();
    CHECK(many.codes.size() == 64);
    CHECK(many.cut);
    CHECK(device.xids().codes.size() == 1);
    CHECK(variable<int>("fake_nvml_event_sets") == 1);
  }
  CHECK(variable<int>("fake_nvml_event_sets") == 0);
}

TEST_CASE("where NVML has no events, or refuses them, the reason is there") {
  NvmlDevice old({.pci_bus_id = "0000:1B:00.0"}, FAKE_NVML_OLD);
  old.watch_xids();
  CHECK_THAT(old.xids().unknown, ContainsSubstring("libnvidia-ml-old.so.1 has no events"));
  variable<int>("fake_nvml_event_result") = 3;
  NvmlDevice refused({.pci_bus_id = "0000:1B:00.0"}, FAKE_NVML);
  refused.watch_xids();
  variable<int>("fake_nvml_event_result") = 0;
  CHECK(refused.xids().unknown == "nvmlDeviceRegisterEvents: Some Error (3)");
  CHECK(variable<int>("fake_nvml_event_sets") == 0);
  NvmlDevice absent({.pci_bus_id = "0000:1B:00.0"}, "libno-such-library.so.1");
  absent.watch_xids();
  CHECK_THAT(absent.xids().unknown, ContainsSubstring("no NVML"));
}

TEST_CASE("throttle bits without a name are still shown") {
  CHECK(throttle_names(0).empty());
  CHECK(throttle_names(1ull << 40 | 1) == std::vector<std::string>{"gpu_idle", "bit_40"});
}

TEST_CASE("each NVML session is closed again") {
  const int before = sessions();
  {
    const NvmlDevice device({.pci_bus_id = "0000:1B:00.0"}, FAKE_NVML);
    const NvmlDevice not_found({.pci_bus_id = "none"}, FAKE_NVML);
    CHECK(sessions() == before + 2);
  }
  CHECK(sessions() == before);
}

}  // namespace
}  // namespace symmbench
