// Several blocks that are made together.
#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <string>
#include <vector>

#include "support/any_allocator.hpp"
#include "support/contains.hpp"
#include "support/process_resources.hpp"
#include "unit/memory/allocator_bench.hpp"

namespace symmbench {
namespace {

using test::AllocatorWorld;
using test::any_allocator;
using test::plain_handle;
using test::RankBench;
using test::require;
using test::word_at;

constexpr MemoryRequest kThree[] = {{4096, "first"}, {3 * kHostGranularityBytes, "second"}, {100, "third"}};

std::vector<std::unique_ptr<SharedMemory>> allocate(const std::string& name, const PhaseContext& context,
                                                    Driver& driver, std::span<const MemoryRequest> requests,
                                                    HandleType handle) {
  return make_allocator(name)->allocate_all(context, driver, requests, handle);
}

void close(const PhaseContext& context, const std::vector<std::unique_ptr<SharedMemory>>& memory) {
  std::vector<SharedMemory*> all;
  for (const auto& each : memory) all.push_back(each.get());
  close_together(context, all);
}

TEST_CASE("blocks made together are as large as asked, in their order, and every rank sees every rank's") {
  const auto used = test::any_allocator_and_handle();
  const auto before_fds = test::open_descriptors();
  AllocatorWorld world{.ranks = 3};
  const auto failures = world.run([&](RankBench& rank) {
    const auto memory = allocate(used.allocator, rank.context, rank.driver, kThree, used.handle);
    require(memory.size() == 3);
    for (std::uint32_t i = 0; i < 3; ++i) {
      require(memory[i]->facts().requested_bytes == kThree[i].bytes);
      word_at(memory[i]->data(rank.comm.rank()) + kThree[i].bytes - 4) = 100 * i + rank.comm.rank();
    }
    barrier(rank.comm, "written");
    for (std::uint32_t i = 0; i < 3; ++i) {
      for (int r = 0; r < 3; ++r) require(word_at(memory[i]->data(r) + kThree[i].bytes - 4) == 100 * i + r);
    }
    close(rank.context, memory);
    close(rank.context, memory);
  });
  for (const auto& failure : failures) CHECK_FALSE(failure);
  CHECK(world.balanced());
  CHECK(test::open_descriptors() == before_fds);
}

/// How often the ranks meet while so many of the three blocks are made and closed.
std::ptrdiff_t meetings(const std::string& allocator, std::size_t blocks) {
  AllocatorWorld world{.ranks = 2};
  world.run([&](RankBench& rank) {
    test::NotingCommunicator noting(rank.comm, rank.ledger);
    const PhaseContext context{noting};
    close(context, allocate(allocator, context, rank.driver, std::span(kThree).first(blocks), plain_handle(allocator)));
  });
  return std::count(world.ledgers[0].calls.begin(), world.ledgers[0].calls.end(), "allgather");
}

TEST_CASE("three blocks take the ranks no more meetings than one") {
  const auto name = test::any_mapping_allocator();
  CHECK(meetings(name, 3) == meetings(name, 1));
  CHECK(meetings("cuda_ipc", 3) == meetings("cuda_ipc", 1) + 2);  // whether a block is open at a peer, of each block
}

TEST_CASE("of blocks made together, each is made and given back in upstream's order") {
  using Calls = std::vector<std::string>;
  const auto calls_of = [](const char* allocator) {
    AllocatorWorld world{.ranks = 2};
    world.run([&](RankBench& rank) {
      close(rank.context,
            allocate(allocator, rank.context, rank.driver, std::span(kThree).first(2), plain_handle(allocator)));
    });
    CHECK(world.ledgers[0].calls == world.ledgers[1].calls);
    return world.ledgers[0].calls;
  };
  const std::string size = "GetAllocationGranularity(RECOMMENDED)", out = "ExportToShareableHandle",
                    in = "ImportFromShareableHandle";
  CHECK(calls_of("symm_device_memory") == Calls{size,
                                                "Create",
                                                size,
                                                "Create",
                                                out,
                                                out,
                                                in,
                                                in,
                                                "AddressReserve",
                                                "Map",
                                                "Map",
                                                "SetAccess",
                                                "AddressReserve",
                                                "Map",
                                                "Map",
                                                "SetAccess",
                                                "Release",
                                                "Unmap",
                                                "Release",
                                                "Unmap",
                                                "AddressFree",
                                                "Release",
                                                "Unmap",
                                                "Release",
                                                "Unmap",
                                                "AddressFree"});
  CHECK(calls_of("torch_symm_mem") == Calls{size,
                                            "Create",
                                            size,
                                            "Create",
                                            "AddressReserve",
                                            "Map",
                                            "SetAccess",
                                            "AddressReserve",
                                            "Map",
                                            "SetAccess",
                                            out,
                                            out,
                                            in,
                                            in,
                                            "AddressReserve",
                                            "Map",
                                            "SetAccess",
                                            "AddressReserve",
                                            "Map",
                                            "SetAccess",
                                            "Unmap",
                                            "Release",
                                            "Unmap",
                                            "Release",
                                            "AddressFree",
                                            "AddressFree",
                                            "Unmap",
                                            "Release",
                                            "Unmap",
                                            "Release",
                                            "AddressFree",
                                            "AddressFree"});
}

TEST_CASE("a call that fails for one of several blocks names it, and all blocks of all ranks go back") {
  const auto name = test::any_mapping_allocator();
  const auto call = GENERATE(DriverCall::create, DriverCall::export_handle, DriverCall::import_handle, DriverCall::map,
                             DriverCall::set_access, DriverCall::unmap);
  // Of each rank's three blocks; the second one's is what fails on rank 1.
  const std::uint64_t nth = call == DriverCall::map && name == "symm_device_memory" ? 3 : 2;
  AllocatorWorld world{.ranks = 2, .faulty_rank = 1, .faults = {{call, nth, driver_code::kInvalidValue}}};
  const auto failures = world.run([&](RankBench& rank) {
    close(rank.context, allocate(name, rank.context, rank.driver, kThree, plain_handle(name)));
  });
  for (const auto& failure : failures) {
    REQUIRE(failure);
    CHECK(failure->rank == 1);
    CHECK(failure->call == name_of(call));
    CHECK((call == DriverCall::unmap || contains(failure->detail, "segment second: ")));
  }
  CHECK(world.balanced());
}

TEST_CASE("a rank that asks for another size of one block is told which") {
  const auto name = any_allocator();
  AllocatorWorld world{.ranks = 3};
  const auto failures = world.run([&](RankBench& rank) {
    std::vector<MemoryRequest> requests(std::begin(kThree), std::end(kThree));
    if (rank.comm.rank() == 1) requests[2].bytes = 200;
    allocate(name, rank.context, rank.driver, requests, plain_handle(name));
  });
  for (const auto& failure : failures) {
    REQUIRE(failure);
    CHECK(failure->detail == "segment third: ranks differ in requested bytes: 100 on ranks 0, 2; 200 on rank 1");
  }
  CHECK(world.balanced());
}

TEST_CASE("a rank that asks for another number of blocks is told so") {
  const auto name = test::any_mapping_allocator();
  AllocatorWorld world{.ranks = 3};
  const auto failures = world.run([&](RankBench& rank) {
    allocate(name, rank.context, rank.driver, std::span(kThree).first(rank.comm.rank() == 1 ? 2 : 3),
             plain_handle(name));
  });
  for (const auto& failure : failures) {
    REQUIRE(failure);
    CHECK(failure->phase == Phase::exchange);
    CHECK(failure->reason == Reason::disagreement);
  }
  CHECK(world.balanced());
}

}  // namespace
}  // namespace symmbench
