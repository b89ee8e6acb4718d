#include "job/launcher.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <map>
#include <string>

#include "job/launcher_line.hpp"

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

TEST_CASE("a launcher's line is shown without the values of what it exports") {
  const auto shown = [](std::vector<std::string> words) { return masked_launcher_line(words); };
  CHECK(shown({"mpirun", "-n", "2", "-x", "TOKEN=s3cret", "-x", "PATH", "-x", "lower=s3cret", "./symmbench", "run",
               "-b", "4K"}) == "mpirun -n 2 -x TOKEN=*** -x PATH -x lower=*** ./symmbench run -b 4K");
  CHECK(shown({"srun", "--export=ALL,A=s3cret,B", "--export", "C=s3cret", "./symmbench"}) ==
        "srun --export=ALL,A=***,B --export C=*** ./symmbench");
  CHECK(shown({"mpiexec", "-env", "NAME", "s3cret", "-genv", "OTHER", "s3cret", "./symmbench"}) ==
        "mpiexec -env NAME *** -genv OTHER *** ./symmbench");
  CHECK(shown({"mpirun", "env", "KEY=s3cret", "./symmbench", "--password", "s3cret", "http://me:s3cret@host/"}) ==
        "mpirun env KEY=*** ./symmbench --password *** http://***@host/");
  CHECK(shown({"mpirun", "-x", "NAME="}) == "mpirun -x NAME=***");
  CHECK(shown({}).empty());
}

TEST_CASE("who started this process is told only where that is a launcher") { CHECK_FALSE(launcher_line()); }
