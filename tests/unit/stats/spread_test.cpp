#include "stats/spread.hpp"

#include <algorithm>
#include <catch2/catch_approx.hpp>
#include <catch2/catch_test_macros.hpp>
#include <random>

#include "stats/statistics.hpp"

using namespace symmbench;
using Catch::Approx;

namespace {

std::vector<double> log_normal(std::size_t count) {
  std::mt19937_64 random(7);
  std::lognormal_distribution<double> values(4, 0.5);
  std::vector<double> result(count);
  for (double& value : result) value = values(random);
  return result;
}

}  // namespace

TEST_CASE("few values are kept one by one and give the exact percentiles") {
  const auto values = log_normal(Spread::kExact);
  Spread spread;
  for (const double value : values) spread.add(value);
  CHECK(spread.classes().empty());
  CHECK(spread.percentile(50) == percentile(values, 50));
  CHECK(spread.percentile(99) == percentile(values, 99));
  CHECK(spread.median() == median(values));
  CHECK(Spread(3).percentile(50) == std::nullopt);
  CHECK(Spread(3).median() == 3);
}

TEST_CASE("many values take no more room than their range, and percentiles stay within half a class") {
  const auto values = log_normal(200'000);
  Spread spread;
  for (const double value : values) spread.add(value);
  CHECK(spread.count() == values.size());
  CHECK(spread.values().empty());
  CHECK(spread.classes().size() < 300);
  CHECK(spread.max() == *std::max_element(values.begin(), values.end()));
  for (const double percent : {5.0, 50.0, 99.0}) {
    CHECK(*spread.percentile(percent) == Approx(*percentile(values, percent)).epsilon(0.011));
  }
  CHECK(spread.median() == Approx(median(values)).epsilon(0.011));
}

TEST_CASE("spreads that are added up are the spread of all values") {
  const auto values = log_normal(3000);
  Spread all, added;
  for (const double value : values) all.add(value);
  for (std::size_t i = 0; i < values.size(); i += 30) {
    Spread part;
    for (std::size_t j = i; j < i + 30; ++j) part.add(values[j]);
    if (i % 60 == 0) part.coarsen();
    added.add(part);
  }
  CHECK(added.classes() == all.classes());
  CHECK(added.count() == 3000);
  CHECK(added.max() == all.max());
  const Spread restored = Spread::of_classes(all.classes(), all.max());
  CHECK(restored.count() == all.count());
  CHECK(restored.median() == all.median());
}

TEST_CASE("values that follow each other in time are cut into parts of the same count") {
  std::vector<Spread> spreads;
  for (int i = 0; i < 32; ++i) spreads.emplace_back(i);
  Spread many;
  for (int i = 0; i < 16; ++i) many.add(100);
  spreads.push_back(many);
  std::vector<const Spread*> in_order;
  for (const auto& spread : spreads) in_order.push_back(&spread);
  const auto parts = in_parts(in_order, 3);
  REQUIRE(parts.size() == 3);
  for (const auto& part : parts) CHECK(part.count() == 16);
  CHECK(parts[0].max() == 15);
  CHECK(parts[1].max() == 31);
  CHECK(parts[2].median() == 100);
  CHECK(in_parts({&spreads[0], &spreads[1]}, 2)[1].median() == 1);
  CHECK(in_parts({}, 3).empty());
}
