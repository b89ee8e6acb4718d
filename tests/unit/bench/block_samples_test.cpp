#include "bench/block_samples.hpp"

#include <catch2/catch_test_macros.hpp>

#include "support/bench_group.hpp"

using namespace symmbench;

namespace {

/// Says one thing after the other.
SlowdownWatch::Ask saying(std::vector<std::optional<bool>> answers) {
  return [answers, next = std::size_t{0}]() mutable { return answers.at(std::min(next++, answers.size() - 1)); };
}

std::optional<bool> watched(std::vector<std::optional<bool>> answers) {
  const auto ask = saying(std::move(answers));
  return SlowdownWatch(ask).answer();
}

const Json kSmall{{"minbytes", "4K"},  {"maxbytes", "4K"},  {"iters", "64"},
                  {"placements", "1"}, {"lifecycles", "0"}, {"algorithm", "one_shot"}};

}  // namespace

TEST_CASE("a block was slowed down when a reason was in force at either end") {
  CHECK(watched({true, false}) == true);
  CHECK(watched({false, true}) == true);
  CHECK(watched({std::nullopt, true}) == true);
  CHECK(watched({false, false}) == false);
  CHECK(watched({false, std::nullopt}) == false);
  CHECK(watched({std::nullopt, std::nullopt}) == std::nullopt);
  const SlowdownWatch::Ask nobody;
  CHECK(SlowdownWatch(nobody).answer() == std::nullopt);
}

TEST_CASE(
    "samples of a placement at whose beginning or end the GPU of a rank was slowed down are marked with it, and kept") {
  const auto config = test::config_of(kSmall);
  const auto blocks = [&](const test::GroupSetup& setup) {
    const auto rows = test::rows_in(test::run_group(2, config, 0, setup));
    REQUIRE(rows.size() == 2);
    std::vector<SampleBlock> all;
    for (const auto& row : rows) all.insert(all.end(), row.blocks.begin(), row.blocks.end());
    REQUIRE_FALSE(all.empty());
    return all;
  };
  const auto with_rank_1_saying = [](std::vector<std::optional<bool>> answers) {
    test::GroupSetup setup;  // rank 0 never tells
    setup.slowed_down_of = [=](int rank) { return saying(rank == 0 ? std::vector<std::optional<bool>>{{}} : answers); };
    return setup;
  };
  for (const SampleBlock& block : blocks(with_rank_1_saying({true, false}))) {
    CHECK(block.slowed_ranks == std::vector<int>{1});
    CHECK_FALSE(block.batch_us.empty());
  }
  for (const SampleBlock& block : blocks(with_rank_1_saying({false, false}))) {
    CHECK(block.slowed_ranks == std::vector<int>{});
  }
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
