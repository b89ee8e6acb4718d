#include "catalog/row_keys.hpp"

#include <catch2/catch_test_macros.hpp>
#include <string>

#include "plan/case.hpp"

using namespace symmbench;

TEST_CASE("a case gives every key of a report's row that the plan knows") {
  const Json keys = Case{.shape = {.pattern = Pattern::residual_rmsnorm}}.keys();
  for (const RowKey& key : kRowKeys) {
    const bool of_group = key.name == "allocator" || key.name == "torch_layout" || key.name == "capacity_bytes";
    if (key.source != KeySource::plan || of_group) continue;
    INFO(key.name);
    CHECK(keys.contains(std::string(key.name) + (key.type == KeyType::choice ? "_asked" : "")));
  }
}
