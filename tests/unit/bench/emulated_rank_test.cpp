#include "bench/emulated_rank.hpp"

#include <catch2/catch_test_macros.hpp>

#include "comm/rank_host.hpp"
#include "config/fabric_profile.hpp"
#include "support/failures.hpp"

using namespace symmbench;

namespace {

constexpr std::uint64_t kBytes = 2 << 20;
const AllocationSpec kFabric{.handle = HandleType::fabric};

/// GB300 trays of four, eight ranks on two hosts, of which the second differs by `change`.
Emulation two_trays(const char* change) {
  for (const auto& one : shipped_fabrics()) {
    if (one.name != "sm103-gb300-nvl72") continue;
    Json document = Json::parse(one.text), host = Json::parse(change);
    host["host"] = 1;
    document["hosts"] = Json::array({host});
    return {.fabric = document, .hosts = 2, .world_size = 8};
  }
  return {};
}

/// What becomes of memory of rank `from` in the hands of rank `to`: the driver's code, 0 when it is imported.
int sent(const Emulation& emulation, int from, int to) {
  HostDriver exporter(emulated_rank(emulation, from)), importer(emulated_rank(emulation, to));
  live_on_virtual_host(-1);
  try {
    importer.import_handle(exporter.export_handle(exporter.create(kBytes, kFabric)));
    return 0;
  } catch (const Error& error) {
    return error.failure().code.value_or(-1);
  }
}

}  // namespace

TEST_CASE("a fabric handle travels between the hosts of one domain") { CHECK(sent(two_trays("{}"), 0, 7) == 0); }

TEST_CASE("without the daemon of one host it still travels within each, and not between them") {
  const auto trays = two_trays(R"({"imex": {"daemon": false}})");
  CHECK(sent(trays, 4, 5) == 0);
  CHECK(sent(trays, 0, 1) == 0);
  CHECK(sent(trays, 0, 4) == driver_code::kInvalidHandle);
  CHECK(sent(trays, 4, 0) == driver_code::kInvalidHandle);
}

TEST_CASE("it does not reach another clique") {
  CHECK(sent(two_trays(R"({"registration": {"clique_id": 9}})"), 0, 4) == driver_code::kInvalidHandle);
}

TEST_CASE("without a channel node no fabric memory is made, whatever the attribute says") {
  const auto trays = two_trays(R"({"imex": {"channel": false}})");
  CHECK(HostDriver(emulated_rank(trays, 4)).facts().fabric_supported);
  live_on_virtual_host(-1);
  CHECK(sent(trays, 4, 5) == driver_code::kNotPermitted);
  CHECK(sent(trays, 0, 1) == 0);
}

TEST_CASE("an emulated GPU says what its profile says") {
  const auto facts = HostDriver(emulated_rank(two_trays(R"({"driver_version": 12080})"), 5)).facts();
  live_on_virtual_host(-1);
  CHECK(facts.name == "emulated NVIDIA GB300 (host memory)");
  CHECK(facts.sm_major == 10);
  CHECK(facts.sm_minor == 3);
  CHECK(facts.driver_version == 12080);
  CHECK(facts.uuid == "GPU-emulated-host1-1");
  CHECK(facts.fabric->state == kFabricCompleted);
  CHECK(facts.fabric->cluster_uuid != ClusterUuid{});
}

TEST_CASE("a rank of a virtual host shares it with those of the same number only") {
  (void)emulated_rank(two_trays("{}"), 3);
  const auto first = host_of_this_rank();
  (void)emulated_rank(two_trays("{}"), 4);
  const auto second = host_of_this_rank();
  live_on_virtual_host(-1);
  CHECK(first.name == "virtual-host-0");
  CHECK(second.name == "virtual-host-1");
  CHECK(first.identity.boot_id != second.identity.boot_id);
  CHECK(host_of_this_rank().identity == this_host());
}
