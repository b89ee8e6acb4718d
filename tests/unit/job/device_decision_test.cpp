#include "job/device_decision.hpp"

#include <catch2/catch_test_macros.hpp>

#include "config/resolve.hpp"
#include "rank_facts.hpp"

using namespace symmbench;
using namespace symmbench::test;

namespace {

RunConfig with(const Json& options) { return resolve(nullptr, options); }

}  // namespace

TEST_CASE("auto takes cuda where every rank can use a GPU, and knows its family") {
  const auto device =
      decide_device(with({}), facts_of({{.rank = 0, .sm_version = 90}, {.rank = 1, .sm_version = 90}}), 2);
  CHECK(device.kind == "cuda");
  CHECK_FALSE(device.emulated);
  CHECK(device.family == "sm90");
  CHECK_FALSE(device.problem);
}

TEST_CASE("emulation never answers for hardware: auto where one rank has no GPU is a problem with rank and host") {
  const auto device = decide_device(with({}), facts_of({{.rank = 0, .sm_version = 90}, {.rank = 1}}), 2);
  CHECK(device.kind == "cuda");
  CHECK_FALSE(device.emulated);
  CHECK(device.problem == "rank 1 on node-a cannot use the cuda device: no driver");
  CHECK_FALSE(device.no_gpu);
}

TEST_CASE("auto where no rank sees a GPU says how many, and that there is none at all") {
  const auto device = decide_device(with({}), facts_of({{.rank = 0}, {.rank = 1}, {.rank = 2}}), 3);
  CHECK(device.problem == "rank 0 on node-a cannot use the cuda device: no driver (nor can 2 other ranks)");
  CHECK(device.no_gpu);
  CHECK_FALSE(decide_device(with({{"device", "cuda"}}), facts_of({{.rank = 0}}), 1).no_gpu);
  CHECK_FALSE(decide_device(with({}), facts_of({{.rank = 0}}), 2).no_gpu);  // rank 1 may have seen one
}

TEST_CASE("auto with a GPU that is there and cannot be used does not speak of emulation") {
  auto facts = facts_of({{.rank = 0}, {.rank = 1}});
  facts[1]["facts"]["devices"][0]["absent"] = false;
  CHECK_FALSE(decide_device(with({}), facts, 2).no_gpu);
}

TEST_CASE("auto with two ranks on one GPU is a problem that names both, host and GPU") {
  auto facts = facts_of({{.rank = 0, .sm_version = 90}, {.rank = 1, .sm_version = 90}});
  facts[1]["facts"]["devices"][0]["uuid"] = facts[0]["facts"]["devices"][0]["uuid"];
  const auto device = decide_device(with({}), facts, 2);
  CHECK_FALSE(device.emulated);
  REQUIRE(device.problem);
  CHECK(device.problem->starts_with("ranks 0 and 1 were given the same GPU, GPU-node-a0 on node-a"));
}

TEST_CASE("the emulated device runs where it is asked for, whatever GPUs there are") {
  const auto device = decide_device(with({{"device", "host"}}), facts_of({{.rank = 0, .sm_version = 90}}), 1);
  CHECK(device.kind == "host");
  CHECK(device.emulated);
  CHECK(device.family == "host");
  CHECK_FALSE(device.problem);
}

TEST_CASE("cuda that was asked for and cannot be had is a problem, not the emulated device") {
  const auto device = decide_device(with({{"device", "cuda"}}), facts_of({{.rank = 0}, {.rank = 1}}), 2);
  CHECK(device.kind == "cuda");
  CHECK(device.problem == "rank 0 on node-a cannot use the cuda device: no driver (nor can 1 other rank)");
}

TEST_CASE("a rank that did not report its facts forbids every device") {
  const auto device = decide_device(with({{"device", "host"}}), facts_of({{.rank = 0}}), 2);
  CHECK(device.problem == "only 1 of 2 ranks reported their facts");
}

TEST_CASE("GPUs of two families have none in common") {
  const auto facts = facts_of({{.rank = 0, .sm_version = 90}, {.rank = 1, .sm_version = 100}});
  CHECK(decide_device(with({}), facts, 2).family.empty());
}

TEST_CASE("GPUs that are not what --fabric names are told, and those that are have a profile without being asked") {
  auto facts = facts_of({{.rank = 0, .sm_version = 90}, {.rank = 1, .sm_version = 90}});
  for (auto& record : facts) record["facts"]["devices"][0]["name"] = "NVIDIA H200";
  CHECK(decide_device(with({}), facts, 2).profile == "sm90-h200-hgx");
  CHECK_FALSE(decide_device(with({{"fabric", "sm90-h200-hgx"}}), facts, 2).problem);
  CHECK(decide_device(with({{"fabric", "sm103-b300-hgx"}}), facts, 2).problem ==
        "--fabric 'sm103-b300-hgx' expects NVIDIA B300 (SM 103), and rank 0 on node-a has NVIDIA H200 (SM 90)");
}

TEST_CASE("an open tuning follows the device, one that the user named does not") {
  const DeviceDecision hopper{.kind = "cuda", .emulated = false, .family = "sm90"};
  const DeviceDecision emulated{.kind = "host", .family = "host"};
  CHECK(config_for(with({}), hopper).tuning.name == "sm90");
  CHECK(config_for(with({}), emulated).tuning.name == "computed");
  CHECK(config_for(with({{"tuning", "sm90"}}), emulated).tuning.name == "sm90");
  CHECK_FALSE(tuning_concern(with({{"tuning", "sm90"}}), emulated));
}

TEST_CASE("a table that was made for another kind of device is told") {
  const Json table{{"world_size", 4},
                   {"pattern", "allreduce"},
                   {"choices", {{{"up_to_bytes", nullptr}, {"algorithm", "two_shot"}}}}};
  const Json file{
      {"tuning", {{"family", "sm100"}, {"emulated", false}, {"source", "a test"}, {"tables", Json::array({table})}}}};
  const auto config = resolve(&file, Json::object());
  CHECK(tuning_concern(config, {.kind = "cuda", .family = "sm90"}) ==
        "the table of --tuning was made for 'sm100', and this run is on 'sm90'");
  CHECK_FALSE(tuning_concern(config, {.kind = "cuda", .family = "sm100"}));
}
