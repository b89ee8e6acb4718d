#include "job/launcher.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <map>
#include <string>

using namespace symmbench;
using Catch::Matchers::ContainsSubstring;

namespace {

std::map<std::string, std::string> environment;

const char* value_of(const char* name) {
  const auto at = environment.find(name);
  return at == environment.end() ? nullptr : at->second.c_str();
}

std::optional<std::string> mismatch(int world_size, std::map<std::string, std::string> variables) {
  environment = std::move(variables);
  return launcher_mismatch(world_size, value_of);
}

}  // namespace

TEST_CASE("one rank in each of several processes is told with the launcher's own number") {
  for (const char* name : {"PMI_SIZE", "SLURM_NTASKS", "SLURM_STEP_NUM_TASKS", "OMPI_COMM_WORLD_SIZE"}) {
    const auto said = mismatch(1, {{name, "4"}});
    REQUIRE(said);
    CHECK_THAT(*said, ContainsSubstring(std::string(name) + "=4") && ContainsSubstring("sees one rank") &&
                          ContainsSubstring("mpirun"));
  }
  CHECK_THAT(mismatch(1, {{"PMIX_RANK", "3"}}).value_or(""), ContainsSubstring("PMIX_RANK=3"));
}

TEST_CASE("a launcher and an MPI that agree, or a process without a launcher, are no mismatch") {
  CHECK_FALSE(mismatch(4, {{"OMPI_COMM_WORLD_SIZE", "4"}, {"PMIX_RANK", "3"}}));
  CHECK_FALSE(mismatch(1, {{"OMPI_COMM_WORLD_SIZE", "1"}, {"PMIX_RANK", "0"}}));
  CHECK_FALSE(mismatch(1, {}));
  CHECK_FALSE(mismatch(1, {{"PMI_SIZE", "many"}, {"SLURM_NTASKS", ""}}));
}
