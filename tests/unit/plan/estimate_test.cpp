#include "plan/estimate.hpp"

#include <catch2/catch_test_macros.hpp>

#include "config/resolve.hpp"
#include "core/units.hpp"
#include "memory/allocators.hpp"
#include "support/capacity_of.hpp"
#include "workspace/workspaces.hpp"

using namespace symmbench;

namespace {

RunConfig config_of(const Json& command_line) { return resolve(nullptr, command_line); }

MemoryEstimate memory_of(const Json& command_line, int ranks) {
  return plan_memory(make_plan(config_of(command_line), ranks, 0), kUsualGranularity, {});
}

}  // namespace

TEST_CASE("a pair of allocators comes to 8 W S per rank, beside flags, canaries and rounding") {
  for (const int ranks : {2, 4, 8}) {
    CAPTURE(ranks);
    const std::uint64_t message = 64 * kMiB;
    const auto bytes = memory_of({{"minbytes", "64M"}, {"maxbytes", "64M"}, {"lifecycles", "0"}}, ranks).rank_bytes();
    const auto formula = 8 * static_cast<std::uint64_t>(ranks) * message;
    CHECK(bytes >= formula);
    // Six segments and two of the bench's own 64 MiB, each rounded up.
    CHECK(bytes <= formula + 6 * 2 * kUsualGranularity + 2 * (64 * kMiB + 2 * kUsualGranularity));
  }
}

TEST_CASE("memory is what the allocators themselves say, and a rank needs its largest group") {
  const auto memory = memory_of({{"maxbytes", "16M"}}, 4);
  REQUIRE(memory.groups.size() == 3);
  const auto& pair = memory.groups[0];
  REQUIRE(pair.workspaces.size() == 2);
  const auto capacity = test::capacity_of(4, 16 * kMiB);
  for (const auto& one : pair.workspaces) {
    CHECK(one.bytes ==
          workspace_bytes(WorkspaceKind::trtllm_fusion, capacity, *make_allocator(one.allocator), kUsualGranularity));
  }
  CHECK(memory.groups[1].total_bytes() == pair.workspaces[0].bytes + pair.bench_bytes / 2);
  CHECK(pair.bench_bytes >= 2 * 4 * kMiB);
  CHECK(memory.rank_bytes() == pair.total_bytes());
}

TEST_CASE("the ring of the largest case counts once, that of a skipped case not") {
  const auto plan = make_plan(config_of({{"algorithm", "one_shot"}, {"minbytes", "512M"}, {"maxbytes", "2G"}}), 2, 0);
  REQUIRE(plan.groups[0].cases.size() == 2);
  REQUIRE(plan.groups[0].cases[1].skip);
  const auto memory = plan_memory(plan, kUsualGranularity, [](const Case& one) { return one.shape.message_bytes(); });
  CHECK(memory.groups[0].ring_bytes == 512 * kMiB);
}

TEST_CASE("a plan in which nothing can run needs no memory and hardly any time") {
  const auto config = config_of(Json::object());
  const auto plan = make_plan(config, 1, 0);
  CHECK(plan_memory(plan, kUsualGranularity, {}).rank_bytes() == 0);
  CHECK(expected_seconds(plan, config, true) < 1);
}

TEST_CASE("more work is expected to take longer") {
  const auto seconds = [](const Json& command_line, int ranks = 4) {
    const auto config = config_of(command_line);
    return expected_seconds(make_plan(config, ranks, 0), config, true);
  };
  const auto base = seconds({{"iters", "100"}});
  CHECK(seconds({{"iters", "1000"}}) > base);
  CHECK(seconds({{"iters", "100"}, {"lifecycles", "1000"}}) > base);
  CHECK(seconds({{"iters", "100"}, {"check", "0"}}) < base);
  CHECK(seconds({{"iters", "100"}}, 8) > base);
}

TEST_CASE("NCCL's cases cost time and a ring, and no workspace") {
  const auto config = config_of({{"algorithm", "nccl"}, {"iters", "100"}});
  const auto plan = make_plan(config, 4, 0);
  const auto memory = plan_memory(plan, kUsualGranularity, [](const Case& one) { return one.shape.message_bytes(); });
  REQUIRE(memory.groups.size() == 1);
  CHECK(memory.groups[0].workspaces.empty());
  CHECK(memory.rank_bytes() == kMiB);
  CHECK(expected_seconds(plan, config, false) > 2);
}
