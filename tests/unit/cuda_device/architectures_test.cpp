#include "device/cuda/architectures.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

namespace symmbench {
namespace {

constexpr auto kShipped = "90a-real,100a-real,103a-real";

TEST_CASE("the shipped kernels run on exactly their three SMs") {
  for (const int sm : {90, 100, 103}) CHECK_FALSE(architecture_problem(sm, kShipped));
  for (const int sm : {70, 80, 89, 101, 110, 120}) CHECK(architecture_problem(sm, kShipped));
}

TEST_CASE("a device without kernels is told its SM and what there is") {
  const auto problem = architecture_problem(89, kShipped);
  REQUIRE(problem);
  CHECK(*problem == "it is SM89, and this binary holds kernels for SM90a, SM100a, SM103a only");
}

TEST_CASE("plain and family code runs on later devices of its major version, PTX on all later ones") {
  CHECK_FALSE(architecture_problem(89, "80-real"));
  CHECK(architecture_problem(90, "80-real"));
  CHECK_FALSE(architecture_problem(103, "100f-real"));
  CHECK(architecture_problem(110, "100f-real"));
  CHECK_FALSE(architecture_problem(120, "90"));
  CHECK_FALSE(architecture_problem(120, "90-virtual"));
  CHECK(architecture_problem(80, "90"));
  CHECK(architecture_problem(103, "100a"));
}

}  // namespace
}  // namespace symmbench
