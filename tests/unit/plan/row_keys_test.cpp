#include "catalog/row_keys.hpp"

#include <catch2/catch_test_macros.hpp>
#include <string>

#include "plan/case.hpp"

using namespace symmbench;

TEST_CASE("a case gives every key of a report's row that the plan knows") {
  const Json keys = Case{.shape = {.pattern = Pattern::residual_rmsnorm}}.keys();
  for (const RowKey& key : kRowKeys) {
    if (key.source != KeySource::plan || key.name == "allocator") continue;  // the allocator is not the case's
    INFO(key.name);
    CHECK(keys.contains(std::string(key.name) + (key.type == KeyType::choice ? "_asked" : "")));
  }
}
