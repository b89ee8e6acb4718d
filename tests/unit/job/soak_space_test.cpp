#include "job/soak_space.hpp"

#include <catch2/catch_test_macros.hpp>

#include "config/resolve.hpp"
#include "support/contains.hpp"
#include "support/scratch_folder.hpp"

using namespace symmbench;

namespace {

constexpr const char* kFull = "/proc/none/r.json.journal";  // a file system without space

}  // namespace

TEST_CASE("a soak whose journal has no room must not begin, and it is said how much it needs and where") {
  const auto problem = soak_space_problem(resolve(nullptr, {{"soak", "1h"}}), kFull);
  REQUIRE(problem);
  CHECK(contains(*problem, "--soak: its journal may come to 16 MiB, and '/proc/none/r.json.journal' has 0 B free"));
}

TEST_CASE("room, no journal, or lifecycles by number are no problem") {
  const ScratchFolder folder;
  CHECK_FALSE(soak_space_problem(resolve(nullptr, {{"soak", "1h"}}), folder.path() + "/not/yet"));
  CHECK_FALSE(soak_space_problem(resolve(nullptr, {{"soak", "1h"}}), std::nullopt));
  CHECK_FALSE(soak_space_problem(resolve(nullptr, {{"lifecycles", "100000"}}), kFull));
}
