#include "plan/case_codec.hpp"

#include <catch2/catch_test_macros.hpp>

#include "config/resolve.hpp"
#include "plan/make_plan.hpp"
#include "support/contains.hpp"
#include "support/failures.hpp"

using namespace symmbench;

namespace {

/// Every member away from its default.
CaseGroup unusual_group() {
  const Case one{.handle_asked = "fabric",
                 .group = 3,
                 .group_size = 8,
                 .algorithm_asked = "auto",
                 .multicast = {.asked = MulticastMode::automatic, .used = true, .reason = "it may"},
                 .shape = {.algorithm = Algorithm::two_shot_barrier,
                           .pattern = Pattern::residual_rmsnorm,
                           .dtype = DType::fp16,
                           .world_size = 8,
                           .tokens = 5,
                           .hidden = 1ull << 40,
                           .in_place = true,
                           .blocks = 7,
                           .threads = 256,
                           .pdl = false,
                           .accumulation = Accumulation::storage,
                           .trigger = TriggerPoint::end,
                           .parameters = {.weight_bias = 0.1f,
                                          .epsilon = 1e-5f,
                                          .quant_group = 64,
                                          .scale_layout = ScaleLayout::linear}},
                 .auto_choice = {Algorithm::two_shot, "sm90"},
                 .asked_bytes = 12345,
                 .iters = 17,
                 .warmup_iters = 2,
                 .cudagraph = 50,
                 .buffers = 5,
                 .skip = "it cannot",
                 .vetoed = true};
  return {.kind = GroupKind::lifecycle,
          .id = "lifecycle/w/t/fabric/a",
          .handle_asked = "fabric",
          .allocators = {"a", "b"},
          .capacity = MessageCapacity(one.shape),
          .cases = {one, Case{}},
          .lifecycles = 9};
}

}  // namespace

TEST_CASE("a case group arrives at a worker as it was planned, member by member") {
  const auto sent = unusual_group();
  const auto got = case_group_from(Json::parse(to_json(sent).dump()));
  CHECK(to_json(got) == to_json(sent));
  CHECK(got.kind == sent.kind);
  CHECK(got.id == sent.id);
  CHECK(got.allocators == sent.allocators);
  CHECK(got.lifecycles == 9);
  CHECK(got.workspace == sent.workspace);
  CHECK(got.transport == sent.transport);
  CHECK(got.capacity.message_bytes() == sent.capacity.message_bytes());
  CHECK(got.capacity.world_size() == 8);
  REQUIRE(got.cases.size() == 2);
  CHECK(got.cases[0].keys() == sent.cases[0].keys());
  CHECK(got.cases[0].shape.workspace == sent.cases[0].shape.workspace);
  CHECK(got.cases[0].shape.transport == sent.cases[0].shape.transport);
  CHECK(got.cases[0].shape.pdl == false);
  CHECK(got.cases[0].shape.accumulation == Accumulation::storage);
  CHECK(got.cases[0].shape.trigger == TriggerPoint::end);
  CHECK(contains(got.cases[0].variant(), "b7/t256/nopdl/storage/trigger_end/graph50/"));
  CHECK(got.cases[0].keys()["accumulate"] == "storage");
  CHECK(got.cases[0].shape.threads == 256);
  CHECK(got.cases[0].auto_choice.source == "sm90");
  CHECK(got.cases[0].iters == 17u);
  CHECK(got.cases[0].shape.parameters.weight_bias == 0.1f);
  CHECK(got.cases[0].shape.parameters.quant_group == 64);
  CHECK(got.cases[0].shape.parameters.scale_layout == ScaleLayout::linear);
  CHECK(got.cases[0].skip == "it cannot");
  CHECK_FALSE(got.cases[1].iters);
  CHECK_FALSE(got.cases[1].skip);
}

TEST_CASE("every group of a real plan survives the way to a worker") {
  const auto config =
      resolve(nullptr, {{"pattern", "allreduce,residual_rmsnorm"}, {"algorithm", "auto,nccl"}, {"in_place", "off,on"}});
  for (const auto& group : make_plan(config, 4, 0).groups) {
    const auto got = case_group_from(Json::parse(to_json(group).dump()));
    REQUIRE(got.cases.size() == group.cases.size());
    for (std::size_t i = 0; i < got.cases.size(); ++i) CHECK(got.cases[i].keys() == group.cases[i].keys());
  }
}

TEST_CASE("what is no case group is refused with what is wrong about it") {
  auto json = to_json(unusual_group());
  json["cases"][0]["shape"]["algorithm"] = "three_shot";
  CHECK(failure_of([&] { (void)case_group_from(json); }).detail == "not a group of cases: algorithm 'three_shot'");
  json.erase("capacity");
  CHECK(failure_of([&] { (void)case_group_from(json); }).layer == Layer::worker);
}
