#include "stats/proportion.hpp"

#include <catch2/catch_approx.hpp>
#include <catch2/catch_test_macros.hpp>

using namespace symmbench;
using Catch::Approx;

TEST_CASE("the interval of a chance is Wilson's, and never leaves 0 to 1") {
  const Interval half = chance_interval({.hits = 50, .tries = 100});
  CHECK(half.low == Approx(0.4038).epsilon(1e-3));
  CHECK(half.high == Approx(0.5962).epsilon(1e-3));
  const Interval none = chance_interval({.hits = 0, .tries = 300});
  CHECK(none.low == 0);
  CHECK(none.high == Approx(0.012643).epsilon(1e-4));
  const Interval all = chance_interval({.hits = 5, .tries = 5});
  CHECK(all.high == 1);
  CHECK(all.low == Approx(0.5655).epsilon(1e-3));
}

TEST_CASE("whether two proportions differ is Fisher's exact test") {
  CHECK(equal_chances({.hits = 3, .tries = 4}, {.hits = 1, .tries = 4}) == Approx(0.4857).epsilon(1e-3));
  CHECK(equal_chances({.hits = 1, .tries = 10}, {.hits = 11, .tries = 14}) == Approx(0.002759).epsilon(1e-3));
  CHECK(equal_chances({.hits = 0, .tries = 300}, {.hits = 0, .tries = 300}) == Approx(1));
  CHECK(equal_chances({.hits = 0, .tries = 0}, {.hits = 5, .tries = 5}) == 1);
}
