#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <string>

#include "support/any_allocator.hpp"
#include "support/process_resources.hpp"
#include "unit/memory/allocator_bench.hpp"

namespace symmbench {
namespace {

using test::AllocatorWorld;
using test::any_allocator;
using test::any_mapping_allocator;
using test::plain_handle;
using test::RankBench;
using test::require;

void allocate_and_close(const std::string& name, RankBench& rank, std::uint64_t bytes, HandleType handle) {
  make_allocator(name)->allocate(rank.context, rank.driver, bytes, handle)->close(rank.context);
}
void allocate_and_close(const std::string& name, RankBench& rank, std::uint64_t bytes = 4096) {
  allocate_and_close(name, rank, bytes, plain_handle(name));
}

struct FaultCase {
  DriverFault fault;
  Phase phase;
  const char* call;
};

TEST_CASE("a driver call that fails on one rank fails the phase on all, says where, and leaves nothing behind") {
  const auto name = any_mapping_allocator();
  const auto fault_case = GENERATE(
      FaultCase{
          {DriverCall::granularity, 1, driver_code::kInvalidValue}, Phase::create, "cuMemGetAllocationGranularity"},
      FaultCase{{DriverCall::create, 1, driver_code::kOutOfMemory}, Phase::create, "cuMemCreate"},
      FaultCase{{DriverCall::create, 1, driver_code::kNotPermitted}, Phase::create, "cuMemCreate"},
      FaultCase{{DriverCall::export_handle, 1, driver_code::kNotSupported},
                Phase::export_handle,
                "cuMemExportToShareableHandle"},
      FaultCase{{DriverCall::import_handle, 1, driver_code::kInvalidHandle},
                Phase::import_handle,
                "cuMemImportFromShareableHandle"},
      FaultCase{{DriverCall::import_handle, 3, driver_code::kInvalidDevice},
                Phase::import_handle,
                "cuMemImportFromShareableHandle"},
      FaultCase{{DriverCall::reserve, 1, driver_code::kOutOfMemory}, Phase::map, "cuMemAddressReserve"},
      FaultCase{{DriverCall::map, 1, driver_code::kInvalidValue}, Phase::map, "cuMemMap"},
      FaultCase{{DriverCall::map, 4, driver_code::kIllegalState}, Phase::map, "cuMemMap"},
      FaultCase{{DriverCall::set_access, 1, driver_code::kInvalidDevice}, Phase::map, "cuMemSetAccess"},
      FaultCase{{DriverCall::unmap, 2, driver_code::kInvalidValue}, Phase::close, "cuMemUnmap"},
      FaultCase{{DriverCall::release, 1, driver_code::kInvalidHandle}, Phase::close, "cuMemRelease"},
      FaultCase{{DriverCall::free_range, 1, driver_code::kIllegalState}, Phase::close, "cuMemAddressFree"});
  constexpr int kFaultyRank = 2;
  const auto before_fds = test::open_descriptors();
  const auto before_maps = test::memfd_mappings();
  AllocatorWorld world{.ranks = 4, .faulty_rank = kFaultyRank, .faults = {fault_case.fault}};

  const auto failures = world.run([&](RankBench& rank) { allocate_and_close(name, rank); });

  CHECK(world.injected[kFaultyRank] == 1);
  for (const auto& failure : failures) {
    REQUIRE(failure);
    CHECK(failure->rank == kFaultyRank);
    CHECK(failure->phase == fault_case.phase);
    CHECK(failure->layer == Layer::driver);
    CHECK(failure->call == fault_case.call);
    CHECK(failure->code == fault_case.fault.code);
  }
  CHECK(world.balanced());
  CHECK(test::open_descriptors() == before_fds);
  CHECK(test::memfd_mappings() == before_maps);
}

TEST_CASE("a peer whose memory cannot be imported is named") {
  const auto name = any_mapping_allocator();
  AllocatorWorld world{.ranks = 4, .faulty_rank = 1, .faults = {{DriverCall::import_handle, 2, 400}}};
  const auto failures = world.run([&](RankBench& rank) { allocate_and_close(name, rank); });
  for (const auto& failure : failures) {
    REQUIRE(failure);
    CHECK(failure->peer == 2);  // rank 1 imports from 0, then from 2
  }
}

TEST_CASE("the same world can allocate after a failure") {
  const auto name = any_mapping_allocator();
  AllocatorWorld world{.ranks = 3, .faulty_rank = 0, .faults = {{DriverCall::map, 2, driver_code::kNotReady}}};
  const auto failures = world.run([&](RankBench& rank) {
    bool failed = false;
    try {
      allocate_and_close(name, rank);
    } catch (const PhaseFailed& error) {
      failed = error.failure().code == driver_code::kNotReady;
    }
    require(failed, "the first attempt fails on every rank");
    allocate_and_close(name, rank);
  });
  for (const auto& failure : failures) CHECK_FALSE(failure);
  CHECK(world.balanced());
}

TEST_CASE("ranks that ask for different sizes are told who asked for what") {
  const auto name = any_allocator();
  AllocatorWorld world{.ranks = 4};
  const auto failures =
      world.run([&](RankBench& rank) { allocate_and_close(name, rank, rank.comm.rank() == 2 ? 8192 : 4096); });
  for (const auto& failure : failures) {
    REQUIRE(failure);
    CHECK(failure->reason == Reason::disagreement);
    CHECK(failure->phase == Phase::exchange);
    CHECK(failure->detail == "ranks differ in requested bytes: 4096 on ranks 0, 1, 3; 8192 on rank 2");
  }
  CHECK(world.balanced());
}

TEST_CASE("ranks that chose different handle types are told so before a handle travels") {
  const auto name = any_mapping_allocator();
  AllocatorWorld world{.ranks = 3};
  const auto failures = world.run([&](RankBench& rank) {
    allocate_and_close(name, rank, 4096, rank.comm.rank() == 0 ? HandleType::fabric : HandleType::posix_fd);
  });
  for (const auto& failure : failures) {
    REQUIRE(failure);
    CHECK(failure->reason == Reason::disagreement);
    CHECK(failure->detail == "ranks differ in handle type: fabric on rank 0; posix_fd on ranks 1, 2");
  }
  CHECK(world.balanced());
}

TEST_CASE("ranks whose devices recommend different granularities are told so") {
  const auto name = any_mapping_allocator();
  std::vector<std::optional<Failure>> failures = test::failures_of_ranks(2, [&](int rank, Communicator& comm) {
    HostDriver driver({.recommended_granularity = (rank + 1) * kHostGranularityBytes});
    make_allocator(name)->allocate({comm}, driver, 4096, plain_handle(name))->close({comm});
  });
  for (const auto& failure : failures) {
    REQUIRE(failure);
    CHECK(failure->detail == "ranks differ in granularity: 2097152 on rank 0; 4194304 on rank 1");
  }
}

TEST_CASE("a request of nothing, or of more than addresses can name, is refused before anything is made") {
  const auto name = any_allocator();
  const std::uint64_t bytes = GENERATE(std::uint64_t{0}, ~std::uint64_t{0}, std::uint64_t{1} << 60);
  AllocatorWorld world{.ranks = 2};
  const auto failures = world.run([&](RankBench& rank) { allocate_and_close(name, rank, bytes); });
  for (const auto& failure : failures) {
    REQUIRE(failure);
    CHECK(failure->reason == Reason::invalid_argument);
    CHECK(failure->phase == Phase::create);
  }
  for (const auto& ledger : world.ledgers) CHECK(ledger.calls.empty());
}

TEST_CASE("a handle type that the allocator cannot travel by is refused before anything is made") {
  const auto name = any_allocator();
  const auto kind = allocator_from(name).value();
  for (const auto& row : kHandleTypes) {
    if (can_travel_by(kind, row.value)) continue;
    AllocatorWorld world{.ranks = 2};
    const auto failures = world.run([&](RankBench& rank) { allocate_and_close(name, rank, 4096, row.value); });
    for (const auto& failure : failures) {
      REQUIRE(failure);
      CHECK(failure->reason == Reason::invalid_argument);
      CHECK(failure->phase == Phase::create);
      CHECK(failure->detail == std::string(row.name) + ": " + travels_by(kind));
    }
    for (const auto& ledger : world.ledgers) CHECK(ledger.calls.empty());
  }
}

TEST_CASE("a rank that dies in the middle is named to the others, who leave with nothing held") {
  const auto name = any_mapping_allocator();
  AllocatorWorld world{.ranks = 3};
  std::vector<std::optional<Failure>> seen(3);
  CHECK_THROWS_AS(world.run([&](RankBench& rank) {
    auto memory = make_allocator(name)->allocate(rank.context, rank.driver, 4096, plain_handle(name));
    if (rank.comm.rank() == 1) throw std::runtime_error("killed");
    try {
      memory->close(rank.context);
    } catch (const Error& error) {
      seen[rank.comm.rank()] = error.failure();
    }
    require(rank.ledger.balanced(), "cleaned up although the barrier failed");
  }),
                  std::runtime_error);
  for (const int survivor : {0, 2}) {
    REQUIRE(seen[survivor]);
    CHECK((seen[survivor]->peer == 1 || seen[survivor]->rank == 1));
  }
  CHECK(world.balanced());
}

}  // namespace
}  // namespace symmbench
