#include "stats/bandwidth.hpp"

#include <catch2/catch_approx.hpp>
#include <catch2/catch_test_macros.hpp>

using namespace symmbench;
using Catch::Approx;

TEST_CASE("bandwidth is in units of 1e9 bytes per second") {
  CHECK(algorithm_bandwidth_gbs(1'000'000'000, 1e6) == Approx(1));
  CHECK(algorithm_bandwidth_gbs(std::uint64_t{1} << 20, 19.61) == Approx(53.46).epsilon(1e-3));
}

TEST_CASE("bus bandwidth multiplies by 2 (n - 1) / n") {
  CHECK(bus_bandwidth_gbs(100, 1) == Approx(0));
  CHECK(bus_bandwidth_gbs(100, 2) == Approx(100));
  CHECK(bus_bandwidth_gbs(100, 4) == Approx(150));
  CHECK(bus_bandwidth_gbs(132.69, 8) == Approx(232.2).epsilon(1e-3));
}

TEST_CASE("bytes on the wire follow the algorithm") {
  CHECK(wire_bytes("one_shot", 1024, 4) == 3072u);
  CHECK(wire_bytes("two_shot", 1024, 4) == 1536u);
  CHECK(wire_bytes("two_shot_barrier", 1024, 8) == 1792u);
  CHECK(wire_bytes("one_shot", 1024, 2) == 1024u);
  CHECK(wire_bytes("one_shot", 1024, 1) == 0u);
}

TEST_CASE("traffic of an algorithm that is not ours is unknown, not zero") {
  CHECK_FALSE(wire_bytes("nccl", 1024, 4));
  CHECK_FALSE(wire_bytes("", 1024, 4));
  CHECK_FALSE(wire_bytes("one_shot", 1024, 0));
}

TEST_CASE("bytes on the wire of the largest messages do not overflow") {
  CHECK(wire_bytes("one_shot", std::uint64_t{1} << 40, 72) == 71 * (std::uint64_t{1} << 40));
  CHECK(wire_bytes("two_shot", std::uint64_t{1} << 40, 72) == 142 * (std::uint64_t{1} << 40) / 72);
}
