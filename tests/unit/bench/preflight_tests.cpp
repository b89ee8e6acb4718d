#include <catch2/catch_test_macros.hpp>

#include <cstdlib>

#include "bench/preflight.hpp"
#include "support/bench_fakes.hpp"
#include "support/thread_ranks.hpp"

using namespace symmbench;
using namespace symmbench::test;

TEST_CASE("preflight reports each device with its answer, and only allowed environment variables") {
  ::setenv("NCCL_SYMMBENCH_TEST", "seen", 1);
  ::setenv("SECRET_TOKEN", "hidden", 1);
  CollectedRecords records;
  run_ranks(1, [&](int, Communicator& comm) {
    QuietHeartbeat heartbeat;
    const WorkRequest request{.task = "preflight"};
    WorkerContext context{.request = request, .comm = comm, .records = records, .heartbeat = heartbeat};
    run_preflight(context, {.local_rank = 3, .supervisor_pid = 42}, {{.kind = "cuda", .problem = "no driver"},
                            {.kind = "host", .facts = DeviceFacts{.kind = "host", .name = "emulated"}}});
  });
  ::unsetenv("NCCL_SYMMBENCH_TEST");
  ::unsetenv("SECRET_TOKEN");
  REQUIRE(records.all().size() == 1);
  const Json facts = rank_facts_from(records.all()[0]).facts;
  CHECK(facts.at("local_rank") == 3);
  CHECK(facts.at("pid") == 42);
  CHECK(facts.at("devices")[0].at("usable") == false);
  CHECK(facts.at("devices")[0].at("reason") == "no driver");
  CHECK(facts.at("devices")[1].at("usable") == true);
  CHECK(facts.at("environment").at("NCCL_SYMMBENCH_TEST") == "seen");
  CHECK_FALSE(facts.at("environment").contains("SECRET_TOKEN"));
}
