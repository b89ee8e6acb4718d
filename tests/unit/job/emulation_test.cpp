#include "job/emulation.hpp"

#include <catch2/catch_test_macros.hpp>

#include "config/resolve.hpp"
#include "support/failures.hpp"

using namespace symmbench;

namespace {

std::optional<Emulation> emulation(Json options, int world_size) {
  options["device"] = "host";
  return emulation_of(resolve(nullptr, options), world_size);
}

}  // namespace

TEST_CASE("a profile takes as many virtual hosts as its GPUs need, unless the user says more") {
  CHECK_FALSE(emulation(Json::object(), 8));
  CHECK(emulation({{"fabric", "sm103-gb300-nvl72"}}, 8)->hosts == 2);
  CHECK(emulation({{"fabric", "sm100-b200-hgx"}}, 8)->hosts == 1);
  CHECK(emulation({{"fabric", "sm103-gb300-nvl72"}, {"virtual_hosts", "4"}}, 8)->hosts == 4);
  CHECK(emulation({{"virtual_hosts", "4"}}, 8)->fabric.is_null());
}

TEST_CASE("virtual hosts that cannot be are refused with option, value and what is allowed") {
  CHECK(failure_of([] {
          emulation({{"virtual_hosts", "5"}}, 4);
        }).detail == "--virtual-hosts '5': must not exceed the ranks of the job, 4");
  CHECK(failure_of([] {
          emulation({{"fabric", "sm103-gb300-nvl72"}, {"virtual_hosts", "1"}}, 8);
        }).detail ==
        "--virtual-hosts '1': would put 8 ranks on a host, and one of sm103-gb300-nvl72 has 4 GPUs; must be at least 2 "
        "for 8 "
        "ranks");
  CHECK(failure_of([] {
          resolve(nullptr, {{"virtual_hosts", "2"}});
        }).detail == "--virtual-hosts '2': must be combined with --device host");
}
