// Multicast over symmetric memory: each allocator's order of calls, what it does when a step fails, and who learns of it.
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "device/host/multicast_team.hpp"
#include "memory/allocators.hpp"
#include "memory/multicast_binding.hpp"
#include "memory/symm_device_memory.hpp"
#include "memory/torch_symm_mem.hpp"
#include "support/tracing_driver.hpp"
#include "unit/memory/allocator_bench.hpp"

namespace symmbench {
namespace {

using test::AllocatorWorld;
using test::RankBench;
using test::require;
using test::word_at;

constexpr int kTeamRanks = 3;

HostDriverOptions multicast_device(const MulticastOptions& multicast = {}) {
  return {.fabric_supported = true, .multicast_supported = true, .multicast = multicast};
}

std::unique_ptr<Allocator> allocator_with_multicast(AllocatorKind kind) {
  return make_allocator(name_of(kind), MulticastUse::on);
}

std::string problem_of(const SharedMemory& memory) {
  const auto problem = memory.multicast_problem();
  return problem ? describe(*problem) : "";
}

TEST_CASE("one store through the multicast address is in every rank's block, at the same place") {
  const auto kind = GENERATE(AllocatorKind::symm_device_memory, AllocatorKind::torch_symm_mem);
  const auto handle = GENERATE(HandleType::posix_fd, HandleType::fabric);
  AllocatorWorld world{.ranks = kTeamRanks, .options = multicast_device()};
  const auto failures = world.run([&](RankBench& rank) {
    const auto memory = allocator_with_multicast(kind)->allocate(rank.context, rank.driver, 4096, handle);
    require(memory->multicast().has_value(), problem_of(*memory));
    const int own = rank.comm.rank();
    for (const DevicePtr member : multicast_members(*memory->multicast() + 64 * own)) word_at(member) = 100 + own;
    barrier(rank.comm, "all have stored");
    for (int r = 0; r < kTeamRanks; ++r) {
      for (int from = 0; from < kTeamRanks; ++from) require(word_at(memory->data(r) + 64 * from) == 100u + from);
    }
    memory->close(rank.context);
  });
  for (const auto& failure : failures) CHECK_FALSE(failure);
  CHECK(world.balanced());
}

/// A rank's calls from the first about multicast on, those of closing left out.
std::vector<std::string> multicast_calls(AllocatorKind kind, int of_rank) {
  std::vector<std::vector<std::string>> traces(kTeamRanks);
  const auto failures = test::failures_of_ranks(kTeamRanks, [&](int rank, Communicator& comm) {
    test::TracingDriver driver(std::make_unique<HostDriver>(multicast_device()), traces[rank]);
    const auto memory = allocator_with_multicast(kind)->allocate({.comm = comm}, driver, 4096, HandleType::posix_fd);
    const auto made = traces[rank];
    memory->close({.comm = comm});
    traces[rank] = made;
  });
  for (const auto& failure : failures) CHECK_FALSE(failure);
  const auto& trace = traces[of_rank];
  // Behind the last unicast mapping.
  std::vector<std::string> last;
  for (auto at = trace.rbegin(); at != trace.rend() && !at->starts_with("cuMemsetD32Async"); ++at) last.push_back(*at);
  std::reverse(last.begin(), last.end());
  return last;
}

TEST_CASE(
    "symm_device_memory maps the object before it binds, torch_symm_mem binds before it maps and imports at rank 0 "
    "too") {
  using Calls = std::vector<std::string>;
  const Calls symm = multicast_calls(AllocatorKind::symm_device_memory, 0);
  CHECK(symm == Calls{"cuStreamSynchronize", "cuMulticastCreate", "cuMemExportToShareableHandle",
                      "cuMulticastAddDevice", "cuMemAddressReserve(2 MiB, align 0)", "cuMemMap",
                      "cuMemSetAccess(2 MiB)", "cuMulticastBindMem"});
  const Calls torch = multicast_calls(AllocatorKind::torch_symm_mem, 0);
  REQUIRE(torch.size() > 9);
  CHECK(Calls(torch.end() - 9, torch.end()) ==
        Calls{"cuMulticastCreate", "cuMemExportToShareableHandle", "cuMemImportFromShareableHandle", "cuMemRelease",
              "cuMulticastAddDevice", "cuMulticastBindMem", "cuMemAddressReserve(2 MiB, align 0)", "cuMemMap",
              "cuMemSetAccess(2 MiB)"});
}

TEST_CASE("where one rank's device has no multicast, or none that is ready, all ranks learn whose and why") {
  const bool is_absent = GENERATE(true, false);
  const int code = is_absent ? driver_code::kNotSupported : driver_code::kNotReady;
  AllocatorWorld world{.ranks = kTeamRanks, .options_of = [&](int rank) {
                         if (rank != 1) return multicast_device();
                         return is_absent ? HostDriverOptions{} : multicast_device({.fabric_manager_runs = false});
                       }};
  SECTION("torch_symm_mem goes on without") {
    const auto failures = world.run([&](RankBench& rank) {
      const auto memory =
          TorchSymmMem(MulticastUse::on).allocate(rank.context, rank.driver, 4096, HandleType::posix_fd);
      require(!memory->multicast());
      require(problem_of(*memory).find(std::to_string(code)) != std::string::npos, problem_of(*memory));
      require(problem_of(*memory).find("rank 1") != std::string::npos, problem_of(*memory));
      word_at(memory->data(rank.comm.rank())) = 7;
      memory->close(rank.context);
    });
    for (const auto& failure : failures) CHECK_FALSE(failure);
  }
  SECTION("symm_device_memory fails") {
    const auto failures = world.run([&](RankBench& rank) {
      SymmDeviceMemory(MulticastUse::on).allocate(rank.context, rank.driver, 4096, HandleType::posix_fd);
    });
    for (const auto& failure : failures) {
      REQUIRE(failure);
      CHECK(failure->code == code);
      CHECK(failure->rank == 1);
    }
  }
  CHECK(world.balanced());
}

TEST_CASE("a device that cannot be added keeps nobody waiting in a bind") {
  const auto kind = GENERATE(AllocatorKind::symm_device_memory, AllocatorKind::torch_symm_mem);
  AllocatorWorld world{.ranks = kTeamRanks,
                       .options = multicast_device(),
                       .faulty_rank = 2,
                       .faults = {{.call = DriverCall::add_device, .code = driver_code::kNotPermitted}}};
  const auto failures = world.run([&](RankBench& rank) {
    allocator_with_multicast(kind)
        ->allocate(rank.context, rank.driver, 4096, HandleType::posix_fd)
        ->close(rank.context);
  });
  for (const auto& failure : failures) {
    REQUIRE(failure.has_value() == (kind == AllocatorKind::symm_device_memory));
    if (failure) CHECK((failure->rank == 2 && failure->code == driver_code::kNotPermitted));
  }
  for (const auto& ledger : world.ledgers) {
    CHECK(std::count(ledger.calls.begin(), ledger.calls.end(), "cuMulticastBindMem") == 0);
  }
  CHECK(world.balanced());
}

TEST_CASE(
    "symm_device_memory rounds blocks to the multicast granularity, torch_symm_mem does not and goes on without") {
  const MulticastOptions coarse{.granularity = 8 << 20};
  AllocatorWorld world{.ranks = 2, .options = multicast_device(coarse)};
  const auto failures = world.run([&](RankBench& rank) {
    SymmDeviceMemory symm(MulticastUse::on);
    require(symm.granularity(rank.driver, HandleType::posix_fd) == 8 << 20);
    const auto rounded = symm.allocate(rank.context, rank.driver, 4096, HandleType::posix_fd);
    require(rounded->multicast() && rounded->facts().allocated_bytes == 8 << 20);
    rounded->close(rank.context);
    const auto plain = TorchSymmMem(MulticastUse::on).allocate(rank.context, rank.driver, 4096, HandleType::posix_fd);
    require(!plain->multicast() && plain->facts().allocated_bytes == 2 << 20);
    require(problem_of(*plain).find("granularity") != std::string::npos, problem_of(*plain));
    plain->close(rank.context);
  });
  for (const auto& failure : failures) CHECK_FALSE(failure);
  CHECK(world.balanced());
}

}  // namespace
}  // namespace symmbench
