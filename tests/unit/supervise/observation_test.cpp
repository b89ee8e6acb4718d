#include "supervise/observation.hpp"

#include <catch2/catch_test_macros.hpp>

namespace symmbench {
namespace {

Clock::time_point at(int ms) { return Clock::time_point(std::chrono::milliseconds(ms)); }

TEST_CASE("observations have an order only where one ended before the other began") {
  const Observation early{at(1), at(3)}, late{at(4), at(6)}, between{at(2), at(5)};
  CHECK(precedes(early, late));
  CHECK_FALSE(precedes(late, early));
  for (const Observation& other : {early, late, Observation{}}) {
    CHECK_FALSE(precedes(between, other));
    CHECK_FALSE(precedes(other, between));
  }
}

TEST_CASE("an observation travels") {
  for (const Observation& seen : {Observation{at(1), at(2)}, Observation{}}) {
    const Observation back = observation_from(to_json(seen));
    CHECK(back.after == seen.after);
    CHECK(back.by == seen.by);
  }
}

TEST_CASE("on a shared clock an observation stays what it is") {
  ClockBounds clock;
  clock.same_clock();
  const Observation seen = clock.here({at(10), at(11)}, at(500));
  CHECK(seen.after == at(10));
  CHECK(seen.by == at(11));
}

TEST_CASE("of a clock that nothing is known of, the arrival alone counts") {
  const ClockBounds clock;
  const Observation seen = clock.here({at(10), at(11)}, at(500));
  CHECK(seen.after == Clock::time_point::min());
  CHECK(seen.by == at(500));
}

TEST_CASE("another host's observation is as uncertain as the messages between the clocks were slow") {
  // Its clock shows 1000 ms more than this one.
  ClockBounds clock;
  clock.heard(at(1100), at(102));            // 2 ms on the way
  clock.echoed(at(110), at(1113), at(120));  // 3 ms
  const Observation seen = clock.here({at(1120), at(1121)}, at(500));
  CHECK(seen.after <= at(120));
  CHECK(seen.after >= at(116));
  CHECK(seen.by >= at(121));
  CHECK(seen.by <= at(124));
  SECTION("the fastest message counts") {
    clock.heard(at(1200), at(290));
    CHECK(clock.here({at(1120), at(1121)}, at(500)).by <= at(124));
  }
  SECTION("and what clocks drift apart is added as time goes by") {
    clock.heard(at(101000), at(100090));  // slow, so that it tells nothing
    const Observation later = clock.here({at(101000), at(101000)}, at(200000));
    CHECK(later.by - later.after >= std::chrono::milliseconds(5 + 20));
  }
}

TEST_CASE("nothing is seen later than it is told of") {
  ClockBounds clock;
  clock.same_clock();
  CHECK(clock.here({}, at(7)).by == at(7));
}

}  // namespace
}  // namespace symmbench
