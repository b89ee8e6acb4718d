#include "job/memory_problem.hpp"

#include <catch2/catch_test_macros.hpp>

#include "config/resolve.hpp"
#include "core/units.hpp"
#include "rank_facts.hpp"
#include "support/contains.hpp"

using namespace symmbench;
using namespace symmbench::test;

namespace {

const DeviceDecision kEmulated{.kind = "host", .emulated = true, .family = "host"};
const DeviceDecision kHopper{.kind = "cuda", .emulated = false, .family = "sm90"};

Plan plan_of_16m() { return make_plan(resolve(nullptr, {{"minbytes", "16M"}, {"maxbytes", "16M"}}), 2, 0); }

std::vector<Json> two_ranks(const std::string& second_host, std::uint64_t free_bytes) {
  return facts_of({{.rank = 0, .sm_version = 90, .free_bytes = free_bytes},
                   {.rank = 1, .host = second_host, .sm_version = 90, .free_bytes = free_bytes}});
}

}  // namespace

TEST_CASE("a plan that fits every rank's memory is no problem") {
  CHECK_FALSE(memory_problem(plan_of_16m(), kEmulated, two_ranks("node-a", 100 * 1024 * kMiB)));
}

TEST_CASE("emulated ranks of one host share its memory, those of two hosts do not") {
  // Enough for one rank, not for two.
  const auto needed = 768 * kMiB;
  const auto problem = memory_problem(plan_of_16m(), kEmulated, two_ranks("node-a", needed));
  REQUIRE(problem);
  CHECK(contains(*problem, "not enough memory on rank 0 (node-a)"));
  CHECK(contains(*problem, "needed by 2 ranks there"));
  CHECK(contains(*problem, "--maxbytes"));
  CHECK_FALSE(memory_problem(plan_of_16m(), kEmulated, two_ranks("node-b", needed)));
}

TEST_CASE("workspaces that are alive at once must fit together") {
  const auto with = [](const char* many) {
    const auto plan = make_plan(
        resolve(nullptr, {{"minbytes", "16M"}, {"maxbytes", "16M"}, {"lifecycles", "1"}, {"concurrent", many}}), 2, 0);
    return memory_problem(plan, kHopper, two_ranks("node-a", 4096 * kMiB));
  };
  CHECK_FALSE(with("1"));
  const auto problem = with("64");
  REQUIRE(problem);
  CHECK(contains(*problem, "fewer workspaces at once (--concurrent)"));
}

TEST_CASE("a GPU's memory is one rank's own") {
  const auto problem = memory_problem(plan_of_16m(), kHopper, two_ranks("node-a", 1 * kMiB));
  REQUIRE(problem);
  CHECK(contains(*problem, "needed by 1 rank there, 1 MiB free"));
}
