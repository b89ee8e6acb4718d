#include <catch2/catch_test_macros.hpp>
#include <cmath>
#include <limits>
#include <set>
#include <vector>

#include "kernels/protocol/codecs.hpp"
#include "kernels/protocol/scale_grid.hpp"

using namespace symmbench;

namespace {

constexpr double kE2m1Values[] = {0, 0.5, 1, 1.5, 2, 3, 4, 6};

/// Offset by the tile's definition, in a grid of `groups` scales per row.
std::uint64_t offset_of(ScaleOrder layout, std::uint64_t groups, std::uint64_t row, std::uint64_t group) {
  return ScaleGrid{layout, 300, groups, false}.offset(row, group);
}

}  // namespace

TEST_CASE("E2M1 codes are what the format defines, rounding goes to the nearer and ties to even") {
  for (std::uint32_t code = 0; code < 8; ++code) {
    CHECK(from_e2m1(code) == kE2m1Values[code]);
    CHECK(from_e2m1(code | 8) == -kE2m1Values[code]);
    CHECK(to_e2m1(from_e2m1(code)) == code);
    CHECK(to_e2m1(from_e2m1(code | 8)) == (code | 8));
    if (code == 7) continue;
    const auto middle = static_cast<float>((kE2m1Values[code] + kE2m1Values[code + 1]) / 2);
    CHECK(to_e2m1(middle) == (code % 2 == 0 ? code : code + 1));
    CHECK(to_e2m1(std::nextafter(middle, 0.0f)) == code);
    CHECK(to_e2m1(std::nextafter(middle, 100.0f)) == code + 1);
  }
}

TEST_CASE("E2M1 saturates at 6, and has no NaN") {
  for (const float large : {6.0f, 7.0f, 8.0f, 1e30f, std::numeric_limits<float>::infinity()}) {
    CHECK(to_e2m1(large) == 7);
    CHECK(to_e2m1(-large) == 15);
  }
  CHECK(to_e2m1(std::nanf("")) == 7);
  CHECK(to_e2m1(std::numeric_limits<float>::denorm_min()) == 0);
}

TEST_CASE("Eight E2M1 codes fill a word from its lowest half byte on") {
  const float lanes[8] = {0.0f, 0.5f, 1.0f, -1.5f, 2.0f, 3.0f, -4.0f, 6.0f};
  CHECK(portable_e2m1<Bf16>(lanes) == 0x7E54B210);
}

TEST_CASE("UE8M0 rounds up to a power of two, subnormal numbers too, and saturates") {
  CHECK(to_ue8m0(1.0f) == 127);
  CHECK(to_ue8m0(std::nextafter(1.0f, 2.0f)) == 128);
  CHECK(to_ue8m0(std::nextafter(1.0f, 0.0f)) == 127);
  CHECK(to_ue8m0(0.0f) == 0);
  CHECK(to_ue8m0(0x1p-127f) == 0);
  CHECK(to_ue8m0(std::nextafter(0x1p-127f, 1.0f)) == 1);
  CHECK(to_ue8m0(0x1p-126f) == 1);
  CHECK(to_ue8m0(std::numeric_limits<float>::max()) == 254);
  CHECK(to_ue8m0(std::numeric_limits<float>::infinity()) == 254);
  CHECK(to_ue8m0(std::nanf("")) == 255);
  for (std::uint32_t code = 0; code < 255; ++code) {
    CHECK(from_ue8m0(code) == std::ldexp(1.0f, static_cast<int>(code) - 127));
    CHECK(to_ue8m0(from_ue8m0(code)) == code);
    CHECK(from_ue8m0(code) * inverse_ue8m0(code) == 1.0f);
  }
  CHECK(std::isnan(from_ue8m0(255)));
}

TEST_CASE("Scales of groups of FP8 are powers of two at or above the largest over 448") {
  const auto code = [](float largest) { return to_ue8m0(std::max(largest / 448.0f, 1e-10f)); };
  CHECK(code(448.0f) == 127);
  CHECK(code(449.0f) == 128);
  CHECK(code(0.0f) == 94);
}

TEST_CASE("Tiles of 128 x 4 and 8 x 4 have known offsets") {
  constexpr std::uint64_t kGroups = 7168 / 16;
  const auto tiles = ScaleOrder::tiles_128x4;
  CHECK(offset_of(tiles, kGroups, 0, 1) == 1);
  CHECK(offset_of(tiles, kGroups, 0, 4) == 512);
  CHECK(offset_of(tiles, kGroups, 1, 0) == 16);
  CHECK(offset_of(tiles, kGroups, 32, 0) == 4);
  CHECK(offset_of(tiles, kGroups, 33, 5) == 533);
  CHECK(offset_of(tiles, kGroups, 128, 0) == 57344);
  CHECK(offset_of(ScaleOrder::tiles_8x4, kGroups, 9, 6) == 112 * 32 + 32 + 4 + 2);
  CHECK(offset_of(ScaleOrder::linear, kGroups, 2, 3) == 2 * kGroups + 3);
  // Packed words: four neighbouring groups to a word, rows side by side.
  const ScaleGrid packed{ScaleOrder::packed_words, 5, 6, true};
  CHECK(packed.offset(0, 3) == 3);
  CHECK(packed.offset(1, 0) == 4);
  CHECK(packed.offset(0, 4) == 8 * 4);
  CHECK(packed.bytes() == (8 + 5) * 4);
}

TEST_CASE("No two scales share a place, and all lie within the buffer") {
  for (const auto layout :
       {ScaleOrder::linear, ScaleOrder::tiles_128x4, ScaleOrder::tiles_8x4, ScaleOrder::packed_words}) {
    for (const std::uint64_t rows : {1, 3, 8, 17, 129, 300}) {
      const ScaleGrid grid{layout, rows, 11, true};
      std::set<std::uint64_t> places;
      for (std::uint64_t row = 0; row < rows; ++row) {
        for (std::uint64_t group = 0; group < grid.groups; ++group) places.insert(grid.offset(row, group));
      }
      CHECK(places.size() == rows * grid.groups);
      CHECK(*places.rbegin() < grid.bytes());
    }
  }
}
