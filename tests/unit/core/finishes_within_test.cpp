#include "core/finishes_within.hpp"

#include <catch2/catch_test_macros.hpp>
#include <future>
#include <stdexcept>

using namespace symmbench;

namespace {
constexpr double kLong_s = 60, kShort_s = 0.01;
}  // namespace

TEST_CASE("a call that ends in time gives its result, or what it throws") {
  CHECK(result_within(kLong_s, [] { return 7; }) == 7);
  bool ran = false;
  CHECK(finishes_within(kLong_s, [&] { ran = true; }));
  CHECK(ran);
  CHECK_THROWS_AS(finishes_within(kLong_s, []() -> void { throw std::runtime_error("no"); }), std::runtime_error);
}

TEST_CASE("a call that does not end is given up, goes on, and owns what it uses until it has ended") {
  std::promise<void> answer;
  const auto answered = answer.get_future().share();
  auto used = std::make_shared<std::promise<int>>();
  auto seen = used->get_future();
  const std::weak_ptr<std::promise<int>> owned = used;
  CHECK_FALSE(result_within(kShort_s, [answered, used = std::move(used)] {
    answered.wait();
    used->set_value(7);
    return 0;
  }));
  CHECK_FALSE(owned.expired());
  answer.set_value();
  CHECK(seen.get() == 7);
}
