#include <sys/resource.h>

#include <algorithm>
#include <catch2/catch_test_macros.hpp>

#include "unit/workspace/workspace_world.hpp"

namespace symmbench {
namespace {

/// Descriptors of 72 ranks in *one* process: each holds its own block, 71 imports and what is under way, per segment.
bool raise_descriptor_limit(rlim_t wanted) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return false;
  limit.rlim_cur = std::max(limit.rlim_cur, std::min(wanted, limit.rlim_max));
  return ::setrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur >= wanted;
}

TEST_CASE("a whole NVLink domain of 72 ranks brings a workspace up and down") {
  if (!raise_descriptor_limit(18000)) SKIP("needs 18000 descriptors");
  test::WorkspaceWorld world{.ranks = kMaxRanks, .message_bytes = 16 * kMaxRanks, .allocator = "torch_symm_mem"};
  const auto failures = world.run([&](test::RankBench& rank) {
    const auto workspace = rank.create();
    const auto& view = workspace->view();
    test::require(test::word_at(view.lamport()[kMaxRanks - 1 - rank.comm.rank()]) == kSentinel);
    workspace->close(rank.context);
  });
  for (const auto& failure : failures) CHECK_FALSE(failure);
  CHECK(world.balanced());
}

}  // namespace
}  // namespace symmbench
