#include "bench/process_holdings.hpp"

#include <catch2/catch_test_macros.hpp>
#include <thread>

using namespace symmbench;

TEST_CASE("a thread that was joined is held no more, however soon one looks; one that runs is") {
  const auto before = process_holdings().threads;
  for (int i = 0; i < 2000; ++i) {
    std::thread([] {}).join();
    REQUIRE(process_holdings().threads == before);
  }
  std::thread runs([&] { CHECK(process_holdings().threads == before + 1); });
  runs.join();
}
