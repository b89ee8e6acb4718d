#include "stats/limits.hpp"

#include <catch2/catch_approx.hpp>
#include <catch2/catch_test_macros.hpp>

using namespace symmbench;
using Catch::Approx;

namespace {

/// As measured on 4 H200s.
constexpr Floors kFourH200{
    .empty_kernel_us = 0.52, .flag_barrier_us = 1.45, .hop_us = 0.74, .peer_write_gbs = 361, .peer_read_gbs = 325};

}  // namespace

TEST_CASE("the limit is the floor of the table of measured kernels, at every size") {
  const auto limit = [](std::uint64_t kib) { return allreduce_limit_us(kFourH200, kib << 10, 4); };
  CHECK(limit(16) == Approx(1.59).margin(0.005));
  CHECK(limit(64) == Approx(1.99).margin(0.005));
  CHECK(limit(128) == Approx(2.54).margin(0.005));
  CHECK(limit(256) == Approx(3.28).margin(0.005));
  CHECK(limit(1024) == Approx(6.55).margin(0.005));
  CHECK(limit(4096) == Approx(19.6).margin(0.05));
  CHECK(limit(64 << 10) == Approx(281).margin(0.5));
  CHECK(limit(256 << 10) == Approx(1118).margin(1));
}

TEST_CASE("two ranks send the same bytes either way, so the limit has one hop only") {
  CHECK(allreduce_limit_us(kFourH200, 1 << 20, 2) == Approx(1.45 + 1048576 / 361e3));
}

TEST_CASE("a message of no bytes still has to be agreed on") {
  CHECK(allreduce_limit_us(kFourH200, 0, 8) == Approx(1.45));
}
