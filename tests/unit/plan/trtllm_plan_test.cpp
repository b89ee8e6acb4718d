#include <catch2/catch_test_macros.hpp>

#include "config/resolve.hpp"
#include "plan/estimate.hpp"
#include "plan/make_plan.hpp"

using namespace symmbench;

namespace {

Plan flags_plan(const Json& command_line, int ranks = 4) {
  Json asked{{"workspace", "trtllm"}, {"device", "host"}, {"lifecycles", "0"}};
  asked.update(command_line);
  return make_plan(resolve(nullptr, asked), ranks, 0);
}

}  // namespace

TEST_CASE("auto over trtllm pushes small messages and takes two_shot_barrier for larger ones") {
  const auto plan =
      flags_plan({{"algorithm", "auto"}, {"minbytes", "16K"}, {"maxbytes", "16M"}, {"stepfactor", "1024"}});
  const auto& cases = plan.groups.at(0).cases;
  REQUIRE(cases.size() == 2);
  CHECK(cases[0].shape.algorithm == Algorithm::one_shot);
  CHECK(cases[1].shape.algorithm == Algorithm::two_shot_barrier);
  for (const auto& one : cases) CHECK_FALSE(one.skip);
}

TEST_CASE("what trtllm is not for is skipped with the numbers, whatever the number of ranks") {
  const auto reason = [](const Json& asked, int ranks) {
    return flags_plan(asked, ranks).groups.at(0).cases.at(0).skip.value_or("");
  };
  CHECK(reason({{"algorithm", "one_shot"}, {"tokens", "4"}}, 3) == "trtllm is for 2, 4, 6, 8 or 16 ranks, not for 3");
  CHECK(reason({{"algorithm", "one_shot"}, {"pattern", "residual_rmsnorm"}, {"tokens", "17"}}, 4) ==
        "residual_rmsnorm over trtllm is for up to 16 tokens, not 17");
  CHECK(reason({{"algorithm", "one_shot_pull"}, {"workspace", "trtllm_fusion"}, {"tokens", "4"}}, 4) ==
        "one_shot_pull has no room in a trtllm_fusion workspace");
}

TEST_CASE("plans tell the memory of seven buffers") {
  const auto plan = flags_plan({{"algorithm", "one_shot"}, {"tokens", "128"}, {"hidden", "4096"}}, 2);
  const auto memory = plan_memory(plan, 1 << 21, {});
  // Of 4 MiB, 400 bytes and 512 KiB, a canary behind each, in granules of 2 MiB: 3, 3, 1, 1, 1, 1, 1.
  CHECK(memory.groups.at(0).workspaces.at(0).bytes == 11ull << 21);
}
