#include "core/give_way.hpp"

#include <catch2/catch_test_macros.hpp>

using namespace symmbench;

TEST_CASE("yielding serves until a yield comes back late, and is tried again some time after that") {
  YieldWatch watch;
  const auto start = Clock::now();
  CHECK(watch.serves(start));
  watch.took(start, start + YieldWatch::kLate);
  CHECK(watch.serves(start + YieldWatch::kLate));
  const auto late = start + 2 * YieldWatch::kLate;
  watch.took(start, late);
  CHECK_FALSE(watch.serves(late));
  CHECK_FALSE(watch.serves(late + YieldWatch::kRemembered / 2));
  CHECK(watch.serves(late + YieldWatch::kRemembered));
}
