// Workspaces that hold more than the messages of their plan.
#include <catch2/catch_test_macros.hpp>

#include "config/resolve.hpp"
#include "plan/estimate.hpp"
#include "plan/make_plan.hpp"
#include "tests/support/failures.hpp"

using namespace symmbench;

namespace {

Plan planned(const Json& command_line) { return make_plan(resolve(nullptr, command_line), 4, 0); }

Plan planned(const char* file) {
  const auto json = Json::parse(file);
  return make_plan(resolve(&json, Json::object()), 4, 0);
}

}  // namespace

TEST_CASE("a workspace can hold more than its messages, and everything that plans memory knows") {
  const auto capacity = [](const Json& more) {
    Json line{{"minbytes", "1K"}, {"maxbytes", "4K"}, {"hidden", "1024"}};
    line.update(more);
    const auto plan = planned(line);
    for (const auto& group : plan.groups) {
      CHECK(group.capacity.message_bytes() == plan.groups[0].capacity.message_bytes());
    }
    return std::pair(plan.groups[0].capacity.message_bytes(),
                     plan_memory(plan, kUsualGranularity, [](const Case&) { return std::uint64_t{0}; }).rank_bytes());
  };
  const auto bare = capacity(Json::object());
  CHECK(bare.first == 4096);
  const auto by_tokens = capacity({{"workspace_tokens", "4096"}});
  CHECK(by_tokens.first == 4096 * 1024 * 2);  // rows of --hidden, also where a message has less than one
  CHECK(by_tokens.second > bare.second);
  CHECK(capacity({{"workspace_bytes", "8M"}}) == by_tokens);
  CHECK(capacity({{"workspace_bytes", "4K"}}) == bare);
  // The largest of all sweeps that share it.
  const auto shared =
      planned(R"({"sweeps": [{"workspace_tokens": 64}, {"datatype": "fp16", "workspace_tokens": 128}]})");
  CHECK(shared.groups[0].capacity.message_bytes() == 128 * 8192 * 2);
}

TEST_CASE("a workspace that does not hold its own messages is refused with both figures") {
  CHECK(failure_of([] {
          (void)planned({{"tokens", "64"}, {"workspace_tokens", "63"}, {"algorithm", "one_shot"}});
        }).detail ==
        "--workspace-tokens '63': holds 1008 KiB, and "
        "g0x4/trtllm_fusion/unicast/auto/one_shot/allreduce/bf16/out/64x8192 needs 1 MiB");
  CHECK(failure_of([] {
          (void)planned({{"workspace_bytes", "8"}});
        }).detail.starts_with("--workspace-bytes '8': holds 8 B"));
}
