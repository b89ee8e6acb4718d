#include "bench/topology.hpp"

#include <fmt/format.h>

#include <catch2/catch_test_macros.hpp>
#include <string>

#include "bench/any_group.hpp"
#include "support/bench_group.hpp"

using namespace symmbench;

namespace {

/// Two packages of two cores, each with a memory node, an L3 and a GPU behind a bridge: 1b:00.0 next to the first, 9a:00.0
/// next to the second.
std::string two_packages() {
  std::string text = R"(<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE topology SYSTEM "hwloc2.dtd">
<topology version="2.0">
<object type="Machine" os_index="0" cpuset="0x0000000f" complete_cpuset="0x0000000f" allowed_cpuset="0x0000000f" nodeset="0x00000003" complete_nodeset="0x00000003" allowed_nodeset="0x00000003" gp_index="1">
)";
  int id = 2;
  const auto object = [&](const std::string& type, const std::string& rest) {
    text += "<object type=\"" + type + "\" gp_index=\"" + std::to_string(id++) + "\" " + rest + ">\n";
  };
  for (int package = 0; package < 2; ++package) {
    const auto sets = [](int cpus, int nodes) {
      const auto set = [](const char* name, int value) {
        const std::string digits = "0x0000000" + std::string(1, "0123456789abcdef"[value]);
        return fmt::format(R"({0}="{1}" complete_{0}="{1}" )", name, digits);
      };
      return set("cpuset", cpus) + set("nodeset", nodes);
    };
    const std::string index = "os_index=\"" + std::to_string(package) + "\" ";
    const int cpus = package == 0 ? 3 : 12, node = package + 1;
    object("Package", index + sets(cpus, node));
    object("NUMANode", index + sets(cpus, node) + "local_memory=\"1073741824\"");
    text += "<page_type size=\"4096\" count=\"262144\"/></object>\n";
    object("L3Cache",
           sets(cpus, node) +
               "cache_size=\"33554432\" depth=\"3\" cache_linesize=\"64\" cache_associativity=\"0\" cache_type=\"0\"");
    for (int core = 2 * package; core < 2 * package + 2; ++core) {
      const std::string own = "os_index=\"" + std::to_string(core) + "\" " + sets(1 << core, node);
      object("Core", own);
      object("PU", own);
      text += "</object></object>\n";
    }
    text += "</object>\n";
    const std::string bus = package == 0 ? "1b" : "9a", root = package == 0 ? "17" : "97";
    object("Bridge", fmt::format(R"(bridge_type="0-1" depth="0" bridge_pci="0000:[{}-{}]")", root, bus));
    object("Bridge", fmt::format(R"(bridge_type="1-1" depth="1" bridge_pci="0000:[{0}-{0}]" pci_busid="0000:{1}:01.0" )"
                                 R"(pci_type="0604 [8086:352a] [0000:0000] 04" pci_link_speed="63.0")",
                                 bus, root));
    object("PCIDev",
           "pci_busid=\"0000:" + bus + ":00.0\" pci_type=\"0302 [10de:2335] [10de:18be] a1\" pci_link_speed=\"63.0\"");
    text += "</object></object></object></object>\n";
  }
  return text + "</object></topology>\n";
}

}  // namespace

TEST_CASE("a machine is told by its packages, cores, memory nodes and caches, and a GPU by its place among them") {
  const Topology topology(two_packages());
  const Json machine = topology.machine();
  CHECK(machine == Json{{"packages", 2},
                        {"cores", 4},
                        {"threads", 4},
                        {"numa_nodes", 2},
                        {"l3_caches", 2},
                        {"l3_bytes", 33554432},
                        {"bound_cpus", "0-3"},
                        {"bound_numa_nodes", {0, 1}}});
  const auto far = topology.device("0000:9A:00.0");
  REQUIRE(far);
  CHECK(far->numa_node == 1);
  CHECK(far->near_cpus == "2-3");
  CHECK(far->bound_near == true);
  CHECK(far->pci_path == std::vector<std::string>{"0000:97:01.0", "0000:9a:00.0"});
  CHECK(topology.device("0000:1b:00.0")->numa_node == 0);
}

TEST_CASE("what is not there, or cannot be read, is unknown") {
  CHECK_FALSE(Topology(two_packages()).device("0000:55:00.0"));
  CHECK_FALSE(Topology(two_packages()).device("no bus id"));
  const Topology damaged("<topology");
  CHECK(damaged.machine().at("cores").is_null());
  CHECK_FALSE(damaged.device("0000:1b:00.0"));
}

TEST_CASE("this machine has a processor, and this process may run on one") {
  const Json machine = Topology().machine();
  CHECK(machine.at("threads").get<int>() >= 1);
  CHECK_FALSE(machine.at("bound_cpus").get<std::string>().empty());
}

TEST_CASE("a device that says something of itself is sampled before and after a case group; another one is not asked") {
  const auto config = test::config_of({{"minbytes", "4K"}, {"maxbytes", "4K"}, {"iters", "4"}, {"lifecycles", "0"}});
  const auto samples = [&](const test::GroupSetup& setup) {
    std::vector<DeviceSampleRecord> found;
    for (const Json& record : test::run_group(2, config, 0, setup)) {
      if (type_of(record) == "device_sample") found.push_back(device_sample_from(record));
    }
    return found;
  };
  const auto found =
      samples({.sample = [] { return DeviceSample{.temperature_c = 41, .throttle = {{"sw_power_cap"}}}; }});
  REQUIRE(found.size() == 2);  // one per rank
  CHECK(found[0].before.at("temperature_c") == 41);
  CHECK(found[0].after.at("throttle") == Json{"sw_power_cap"});
  CHECK(found[0].after.at("nvlink_errors").is_null());
  CHECK_FALSE(found[0].label.empty());
  CHECK(samples({}).empty());
}
