#include "bench/machine_load.hpp"

#include <catch2/catch_test_macros.hpp>

using namespace symmbench;

TEST_CASE("a control group's quota is told in cores; without a limit there is none") {
  CHECK(cpu_quota_cores("150000 100000\n") == 1.5);
  CHECK(cpu_quota_cores("400000 100000") == 4);
  CHECK_FALSE(cpu_quota_cores("max 100000"));
  CHECK_FALSE(cpu_quota_cores("-1 100000"));
  CHECK_FALSE(cpu_quota_cores(" "));
  CHECK_FALSE(cpu_quota_cores(""));
}

TEST_CASE("a rank tells what it may use of its machine and how busy that is") {
  const Json load = machine_load();
  CHECK(load.at("cpus_allowed").get<int>() >= 1);
  CHECK(load.at("load_1m").get<double>() >= 0);
  CHECK((load.at("cpu_quota").is_null() || load.at("cpu_quota").get<double>() > 0));
}
