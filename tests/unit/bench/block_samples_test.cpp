#include "bench/block_samples.hpp"

#include <catch2/catch_test_macros.hpp>

#include "support/bench_group.hpp"

using namespace symmbench;

namespace {

/// Says one thing after the other.
std::function<DeviceSlowdown()> saying(std::vector<DeviceSlowdown> answers) {
  return [answers, next = std::size_t{0}]() mutable { return answers.at(std::min(next++, answers.size() - 1)); };
}

std::optional<bool> watched(std::vector<DeviceSlowdown> answers) {
  const auto slowdown = saying(std::move(answers));
  return SlowdownWatch(slowdown).answer();
}

const Json kSmall{{"minbytes", "4K"}, {"maxbytes", "4K"},  {"iters", "64"},
                  {"placements", 1},  {"lifecycles", "0"}, {"algorithm", "one_shot"}};

}  // namespace

TEST_CASE("a block was slowed down when a reason was in force at either end, or the counted time grew meanwhile") {
  CHECK(watched({{.in_force = true}, {.in_force = false}}) == true);
  CHECK(watched({{.in_force = false}, {.in_force = true}}) == true);
  CHECK(watched({{.in_force = false, .total_ns = 5}, {.in_force = false, .total_ns = 6}}) == true);
  CHECK(watched({{.in_force = false, .total_ns = 6}, {.in_force = false, .total_ns = 6}}) == false);
  CHECK(watched({{.total_ns = 6}, {.total_ns = 6}}) == false);
  CHECK(watched({{.total_ns = 6}, {}}) == std::nullopt);
  CHECK(watched({{}, {}}) == std::nullopt);
  const std::function<DeviceSlowdown()> nobody;
  CHECK(SlowdownWatch(nobody).answer() == std::nullopt);
}

TEST_CASE("blocks during which the GPU of a rank was slowed down are marked with it, kept and no others are marked") {
  const auto config = test::config_of(kSmall);
  const auto blocks = [&](const test::GroupSetup& setup) {
    const auto rows = test::rows_in(test::run_group(2, config, 0, setup));
    REQUIRE(rows.size() == 2);
    std::vector<SampleBlock> all;
    for (const auto& row : rows) all.insert(all.end(), row.blocks.begin(), row.blocks.end());
    return all;
  };
  test::GroupSetup setup;
  // Rank 1 is held back in its first block, and tells of nothing afterwards; rank 0 never tells.
  setup.slowdown_of = [](int rank) {
    return rank == 0 ? saying({{}}) : saying({{.total_ns = 0}, {.total_ns = 40}, {.total_ns = 40}});
  };
  std::size_t marked = 0;
  for (const SampleBlock& block : blocks(setup)) {
    REQUIRE(block.slowed_ranks);
    CHECK_FALSE(block.batch_us.empty());
    marked += block.slowed_ranks == std::vector<int>{1} ? 1 : 0;
    CHECK((block.slowed_ranks->empty() || block.slowed_ranks == std::vector<int>{1}));
  }
  CHECK(marked == 1);
  for (const SampleBlock& block : blocks({})) CHECK_FALSE(block.slowed_ranks);
}

TEST_CASE("what a driver reported of the device is in the record of the group, or why nothing is known") {
  const auto config = test::config_of(kSmall);
  const auto told = [&](const DeviceErrors& errors) {
    test::GroupSetup setup;
    setup.sample = [] { return DeviceSample{.temperature_c = 41}; };
    setup.errors = [=] { return errors; };
    for (const Json& record : test::run_group(2, config, 0, setup)) {
      if (type_of(record) == "device_sample") return device_sample_from(record).errors;
    }
    return Json();
  };
  CHECK(told({.xids = {31, 154}}) == Json{{"xids", {31, 154}}, {"cut", false}, {"unknown", nullptr}});
  CHECK(told({}) == Json{{"xids", Json::array()}, {"cut", false}, {"unknown", nullptr}});
  CHECK(told({.unknown = "no NVML"}) == Json{{"xids", nullptr}, {"cut", false}, {"unknown", "no NVML"}});
}
