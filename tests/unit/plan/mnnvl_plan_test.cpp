#include <catch2/catch_test_macros.hpp>

#include "config/resolve.hpp"
#include "plan/make_plan.hpp"

using namespace symmbench;

namespace {

Plan token_plan(const Json& command_line) { return make_plan(resolve(nullptr, command_line), 4, 0); }

}  // namespace

TEST_CASE("workspaces are groups of their own, and what one of them cannot run is skipped there with its reason") {
  const auto plan = token_plan({{"workspace", "trtllm_fusion,mnnvl"},
                                {"algorithm", "one_shot,two_shot_barrier,auto"},
                                {"tokens", "4"},
                                {"lifecycles", "1"}});
  REQUIRE(plan.groups.size() == 6);
  CHECK(plan.groups[1].id == "measure/mnnvl/unicast/auto");
  CHECK(plan.groups[5].id == "lifecycle/mnnvl/unicast/auto/torch_symm_mem");
  const auto& cases = plan.groups[1].cases;
  REQUIRE(cases.size() == 2);  // auto is one_shot here
  CHECK_FALSE(cases[0].skip);
  CHECK(cases[1].skip == "two_shot_barrier has no room in an mnnvl workspace, which is for one_shot and two_shot");
}

TEST_CASE("auto takes two_shot over mnnvl where a buffer cannot hold the message, and says what it needs") {
  const auto plan = token_plan({{"workspace", "mnnvl"}, {"algorithm", "auto"}, {"minbytes", "4G"}, {"maxbytes", "4G"}});
  CHECK(plan.groups[0].cases[0].shape.algorithm == Algorithm::two_shot);
  CHECK(plan.groups[0].cases[0].skip ==
        "two_shot needs 2 x 262144 tokens x 16 KiB = 8589934592 bytes of a Lamport buffer, which has 4294967264");
}
