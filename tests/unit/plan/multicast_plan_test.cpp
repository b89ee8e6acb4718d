// --multicast: which transports are planned, what is skipped or not tested, and why.
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "config/resolve.hpp"
#include "plan/make_plan.hpp"

using namespace symmbench;

namespace {

const std::string kVeto = "multicast is vetoed by NCCL_NVLS_ENABLE=0 on rank 1 on a (1 of 4 ranks)";

Plan transport_plan(const Json& options, const MulticastOffer& offer = {}) {
  Json all{{"workspace", "mnnvl"}, {"device", "host"}, {"algorithm", "one_shot"}, {"tokens", "4"}, {"lifecycles", "1"}};
  all.update(options);
  return make_plan(resolve(nullptr, all), 4, 0, offer);
}

std::vector<std::string> ids_of(const Plan& plan) {
  std::vector<std::string> ids;
  for (const auto& group : plan.groups) ids.push_back(group.id);
  return ids;
}

const Case& only_case(const Plan& plan, std::size_t group = 0) {
  REQUIRE(plan.groups.at(group).cases.size() == 1);
  return plan.groups[group].cases[0];
}

using Ids = std::vector<std::string>;

}  // namespace

TEST_CASE("off and on are groups of their own, with the transport in ids and keys") {
  const auto plan = transport_plan({{"multicast", "off,on"}});
  CHECK(ids_of(plan) ==
        Ids{"measure/mnnvl/unicast/auto", "measure/mnnvl/multicast/auto",
            "lifecycle/mnnvl/unicast/auto/symm_device_memory", "lifecycle/mnnvl/unicast/auto/torch_symm_mem",
            "lifecycle/mnnvl/multicast/auto/symm_device_memory", "lifecycle/mnnvl/multicast/auto/torch_symm_mem"});
  const Case& on = only_case(plan, 1);
  CHECK_FALSE(on.skip);
  CHECK(on.id() == "g0x4/mnnvl/multicast/auto/one_shot/allreduce/bf16/out/4x8192");
  CHECK(on.keys().at("multicast_asked") == "on");
  CHECK(on.multicast.to_json().at("used") == "on");
  CHECK(only_case(plan, 0).multicast.to_json().at("reason") == "off unless asked for");
}

TEST_CASE("nothing is planned with multicast unless it is asked for") {
  for (const auto* device : {"host", "cuda", "auto"}) {
    const auto plan = transport_plan({{"device", device}, {"workspace", "trtllm_fusion,mnnvl"}});
    for (const auto& group : plan.groups) CHECK(group.transport == TransportKind::unicast);
  }
}

TEST_CASE("a veto comes before all else: on runs nothing, auto runs unicast, and both tell what was not tested") {
  // Whatever else stands in the way, it is the veto that is told.
  const auto* device = GENERATE("host", "cuda");
  const MulticastOffer vetoed{.veto = kVeto, .missing = "rank 0 on a: its device has no multicast"};
  const auto on = transport_plan({{"multicast", "on"}, {"device", device}}, vetoed);
  CHECK(ids_of(on) == Ids{"measure/mnnvl/multicast/auto"});  // and no lifecycles
  CHECK(only_case(on).skip == kVeto);
  CHECK(only_case(on).vetoed);
  CHECK(only_case(on).multicast.to_json() == Json{{"asked", "on"}, {"used", "off"}, {"reason", kVeto}});

  const auto automatic = transport_plan({{"multicast", "auto"}, {"device", device}}, vetoed);
  const Case& instead = only_case(automatic, 0);
  CHECK(instead.shape.transport == TransportKind::unicast);
  CHECK_FALSE(instead.skip);
  CHECK(instead.multicast.to_json() == Json{{"asked", "auto"}, {"used", "off"}, {"reason", kVeto}});
  const bool told = automatic.groups[1].transport == TransportKind::multicast;
  CHECK(told == (std::string(device) == "host"));  // GPUs have none to be tested in this version
  if (told) CHECK((only_case(automatic, 1).vetoed && only_case(automatic, 1).skip == kVeto));
}

TEST_CASE("without a veto, auto is multicast where all devices have it, else unicast with whose has not") {
  CHECK(only_case(transport_plan({{"multicast", "auto"}})).shape.transport == TransportKind::multicast);
  const MulticastOffer missing{.missing = "rank 2 on b: its device has no multicast"};
  const auto automatic = transport_plan({{"multicast", "auto"}}, missing);
  CHECK(automatic.groups.size() == 3);
  CHECK(only_case(automatic).shape.transport == TransportKind::unicast);
  CHECK(only_case(automatic).multicast.reason == *missing.missing);
  const auto on = transport_plan({{"multicast", "on"}}, missing);
  CHECK(only_case(on).skip == missing.missing);
  CHECK_FALSE(only_case(on).vetoed);
}

TEST_CASE("GPUs, workspaces and allocators without multicast are skipped with the reason") {
  for (const auto* device : {"cuda", "auto"}) {
    const auto plan = transport_plan({{"multicast", "on"}, {"device", device}});
    CHECK(
        only_case(plan).skip ==
        "multicast is not in this version on GPUs, neither the driver's calls nor kernels: --device host emulates it");
    CHECK_FALSE(only_case(plan).vetoed);
  }
  CHECK(only_case(transport_plan({{"multicast", "on"}, {"workspace", "trtllm_fusion"}})).skip ==
        "a trtllm_fusion workspace has no multicast: its kernels store to each peer by itself");

  const auto plan = transport_plan({{"multicast", "on"}, {"allocator", "cuda_ipc,symm_device_memory"}});
  CHECK(ids_of(plan) == Ids{"measure/mnnvl/multicast/auto", "measure/mnnvl/multicast/auto/cuda_ipc",
                            "lifecycle/mnnvl/multicast/auto/symm_device_memory"});
  CHECK(plan.groups[0].allocators == Ids{"symm_device_memory"});
  CHECK_FALSE(only_case(plan, 0).skip);
  CHECK(only_case(plan, 1).skip ==
        "cuda_ipc has no multicast: memory of cudaMalloc cannot be bound to a multicast object");
}

TEST_CASE("off and auto that come to the same transport are one case") {
  const auto plan = transport_plan({{"multicast", "off,auto"}, {"lifecycles", "0"}}, {.missing = "rank 0 has none"});
  CHECK(plan.groups.size() == 1);
  CHECK(only_case(plan).multicast.asked == MulticastMode::off);
  REQUIRE(plan.notes.size() == 1);
  CHECK(plan.notes[0].starts_with("1 case is asked for twice, run once"));
}
