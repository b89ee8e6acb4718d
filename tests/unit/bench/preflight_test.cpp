#include "bench/preflight.hpp"

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <cstdlib>

#include "support/bench_fakes.hpp"
#include "support/thread_ranks.hpp"

using namespace symmbench;
using namespace symmbench::test;

namespace {

Json rank_with_gpu(int rank, const std::string& uuid, std::vector<std::string> unreachable = {},
                   const std::string& boot_id = "b0") {
  return {{"rank", rank},
          {"facts",
           {{"host", "node-" + boot_id},
            {"boot_id", boot_id},
            {"devices",
             {{{"kind", "cuda"}, {"usable", true}, {"uuid", uuid}, {"unreachable_gpus", unreachable}},
              {{"kind", "host"}, {"usable", true}, {"uuid", nullptr}}}}}}};
}

}  // namespace

TEST_CASE("preflight reports each device with its answer, and only allowed environment variables") {
  ::setenv("NCCL_SYMMBENCH_TEST", "seen", 1);
  ::setenv("VLLM_TEST_ALLREDUCE_BACKEND", "seen", 1);
  ::setenv("VLLM_TEST_PORT", "hidden", 1);
  ::setenv("SECRET_TOKEN", "hidden", 1);
  CollectedRecords records;
  run_ranks(1, [&](int, Communicator& comm) {
    QuietHeartbeat heartbeat;
    const WorkRequest request{.task = "preflight"};
    WorkerContext context{.request = request, .comm = comm, .records = records, .heartbeat = heartbeat};
    run_preflight(context, {.local_rank = 3, .supervisor_pid = 42},
                  {{.kind = "cuda", .problem = "no driver"},
                   {.kind = "host", .facts = DeviceFacts{.kind = "host", .name = "emulated"}}});
  });
  ::unsetenv("NCCL_SYMMBENCH_TEST");
  for (const char* name : {"SECRET_TOKEN", "VLLM_TEST_ALLREDUCE_BACKEND", "VLLM_TEST_PORT"}) ::unsetenv(name);
  REQUIRE(records.all().size() == 1);
  const Json facts = rank_facts_from(records.all()[0]).facts;
  CHECK(facts.at("local_rank") == 3);
  CHECK(facts.at("pid") == 42);
  CHECK(facts.at("devices")[0].at("usable") == false);
  CHECK(facts.at("devices")[0].at("reason") == "no driver");
  CHECK(facts.at("devices")[1].at("usable") == true);
  CHECK(facts.at("environment").at("NCCL_SYMMBENCH_TEST") == "seen");
  CHECK(facts.at("environment").at("VLLM_TEST_ALLREDUCE_BACKEND") == "seen");
  for (const char* hidden : {"SECRET_TOKEN", "VLLM_TEST_PORT"}) CHECK_FALSE(facts.at("environment").contains(hidden));
}

TEST_CASE(
    "preflight records the host, the limits and the MPI of a rank, and what its launcher left to supervisors alone") {
  CollectedRecords records;
  run_ranks(1, [&](int, Communicator& comm) {
    QuietHeartbeat heartbeat;
    const WorkRequest request{.task = "preflight"};
    WorkerContext context{.request = request, .comm = comm, .records = records, .heartbeat = heartbeat};
    DeviceAnswer cuda{.kind = "cuda", .problem = "no driver"};
    cuda.libraries = {{.name = "libcuda.so.1", .unknown = "cannot open"}};
    DeviceAnswer host{.kind = "host", .facts = DeviceFacts{.kind = "host", .name = "emulated"}};
    host.granularities = {
        {.handle = HandleType::fabric, .unknown = "cuMemGetAllocationGranularity: not supported (801)"}};
    host.mig = MigMode{.enabled = true, .pending = false};
    run_preflight(context,
                  {.mpi = "Open MPI v4.1.4",
                   .mpi_standard = "3.1",
                   .launched = {{"PMIX_NAMESPACE", "job-7"}, {"PMIX_AUTH_TOKEN", "hidden"}}},
                  {cuda, host});
  });
  const Json facts = rank_facts_from(records.all().at(0)).facts;
  CHECK(facts.at("mpi") == Json{{"library", "Open MPI v4.1.4"}, {"standard", "3.1"}});
  CHECK(facts.at("environment").at("PMIX_NAMESPACE") == "job-7");
  CHECK(facts.at("environment").at("PMIX_AUTH_TOKEN") == "***");
  CHECK(facts.at("system").contains("kernel"));
  CHECK(facts.at("limits").contains("memlock"));
  CHECK(facts.contains("memory_limit_bytes"));
  const Json& devices = facts.at("devices");
  CHECK(devices[0].at("libraries")[0].at("path").is_null());
  CHECK(devices[0].at("libraries")[0].at("unknown") == "cannot open");
  CHECK(devices[1].at("granularities")[0].at("handle") == "fabric");
  CHECK(devices[1].at("granularities")[0].at("minimum_bytes").is_null());
  CHECK(devices[1].at("mig") == Json{{"enabled", true}, {"pending", false}, {"unknown", nullptr}});
}

TEST_CASE("what a supervisor tells of its launcher reaches its worker, and no variable that is not allow-listed does") {
  ::setenv("PMIX_NAMESPACE", "job-9", 1);
  ::setenv("PMIX_SERVER_URI41", "hidden", 1);
  const auto variables = launcher_variables();
  for (const char* name : {"PMIX_NAMESPACE", "PMIX_SERVER_URI41"}) ::unsetenv(name);
  CHECK(std::ranges::find(variables, std::pair<std::string, std::string>("PMIX_NAMESPACE", "job-9")) !=
        variables.end());
  CHECK(std::ranges::none_of(variables, [](const auto& variable) { return variable.first == "PMIX_SERVER_URI41"; }));
  tell_worker_its_place(
      {.local_rank = 2, .supervisor_pid = 5, .mpi = "Open MPI v4.1.4", .mpi_standard = "3.1", .launched = variables});
  const RankPlace place = place_told_by_supervisor();
  for (const char* name : {"SYMMBENCH_LAUNCHER", "SYMMBENCH_LOCAL_RANK", "SYMMBENCH_SUPERVISOR_PID"}) ::unsetenv(name);
  CHECK(place.local_rank == 2);
  CHECK(place.mpi == "Open MPI v4.1.4");
  CHECK(place.launched == variables);
  CHECK(place_told_by_supervisor().mpi.empty());
}

TEST_CASE("ranks with a GPU each that reach one another can be placed, also when each sees one device only") {
  CHECK_FALSE(placement_problem(std::vector<Json>{}, 2));
  CHECK_FALSE(placement_problem(std::vector<Json>{rank_with_gpu(0, "GPU-a"), rank_with_gpu(1, "GPU-b")}, 2));
}

TEST_CASE("two ranks with one GPU are named, with its UUID") {
  const std::vector<Json> records{rank_with_gpu(0, "GPU-a"), rank_with_gpu(1, "GPU-b"), rank_with_gpu(2, "GPU-c"),
                                  rank_with_gpu(3, "GPU-b")};
  CHECK(placement_problem(records, 4) ==
        "ranks 1 and 3 were given the same GPU, GPU-b on node-b0; each rank needs one of its own (ranks per host, "
        "CUDA_VISIBLE_DEVICES)");
}

TEST_CASE("two GPUs of a host without access to one another are named with their ranks") {
  const std::vector<Json> records{rank_with_gpu(0, "GPU-a"), rank_with_gpu(1, "GPU-b", {"GPU-unused", "GPU-c"}),
                                  rank_with_gpu(2, "GPU-c")};
  CHECK(placement_problem(records, 4) ==
        "the GPU of rank 1 (GPU-b) cannot access the memory of the GPU of rank 2 (GPU-c) on node-b0 "
        "(cuDeviceCanAccessPeer)");
  CHECK_FALSE(placement_problem(records, 2));  // groups of their own: ranks 1 and 2 share no memory
}

TEST_CASE("a GPU that no rank uses need not be reached") {
  const std::vector<Json> records{rank_with_gpu(0, "GPU-a", {"GPU-unused"}), rank_with_gpu(1, "GPU-b")};
  CHECK_FALSE(placement_problem(records, 2));
}

TEST_CASE("ranks that told nothing of a GPU are no problem of placement") {
  Json silent = rank_with_gpu(0, "GPU-a");
  silent["facts"]["devices"][0] = {{"kind", "cuda"}, {"usable", false}, {"reason", "no driver"}};
  Json again = silent;
  again["rank"] = 1;
  CHECK_FALSE(placement_problem(std::vector<Json>{silent, again}, 2));
}
