#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <string>

#include "core/round.hpp"
#include "core/units.hpp"
#include "device/stream.hpp"
#include "memory/allocators.hpp"
#include "support/any_allocator.hpp"
#include "support/failures.hpp"
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
using test::word_at;

constexpr std::uint64_t kGranule = kHostGranularityBytes;

std::uint32_t value_of(int rank, int place) { return 0xAB000000u + static_cast<std::uint32_t>(rank * 256 + place); }

TEST_CASE("allocators are made by name, in the order in which they are compared") {
  CHECK(allocator_modes()[0].kind == AllocatorKind::symm_device_memory);
  CHECK(allocator_modes()[1].kind == AllocatorKind::torch_symm_mem);
  for (const auto& mode : allocator_modes()) {
    CHECK(mode.make()->kind() == mode.kind);
    CHECK(make_allocator(name_of(mode.kind))->kind() == mode.kind);
    CHECK(&mode_of(mode.kind) == &mode);
  }
  CHECK(allocators_named(std::vector<std::string>{"torch_symm_mem", "symm_device_memory"}) ==
        std::vector{AllocatorKind::torch_symm_mem, AllocatorKind::symm_device_memory});

  const auto failure = failure_of([] { make_allocator("torch"); });
  CHECK(failure.reason == Reason::invalid_argument);
  CHECK(failure.detail.find("torch_symm_mem") != std::string::npos);
  CHECK(failure_of([] { make_allocator("libtorch"); }).reason == Reason::invalid_argument);
}

TEST_CASE("every allocator can travel by some handle type, and none listed twice") {
  for (const auto& mode : allocator_modes()) {
    const auto handles = row_of(kAllocators, mode.kind).handles;
    CHECK_FALSE(handles.empty());
    for (const auto handle : handles) CHECK(std::count(handles.begin(), handles.end(), handle) == 1);
  }
}

TEST_CASE("no allocator has multicast addresses") {
  AllocatorWorld world{.ranks = 2};
  const auto name = any_allocator();
  const auto failures = world.run([&](RankBench& rank) {
    const auto memory = make_allocator(name)->allocate(rank.context, rank.driver, 4096, plain_handle(name));
    require(!memory->multicast());
    memory->close(rank.context);
  });
  for (const auto& failure : failures) CHECK_FALSE(failure);
}

TEST_CASE("every allocator lists what it does otherwise than upstream, and why") {
  for (const auto& mode : allocator_modes()) {
    const auto allocator = mode.make();
    CHECK_FALSE(allocator->differences().empty());
    for (const auto& difference : allocator->differences()) {
      CHECK_FALSE(difference.upstream.empty());
      CHECK_FALSE(difference.here.empty());
      CHECK_FALSE(difference.reason.empty());
    }
  }
}

TEST_CASE("what a rank writes is seen by all ranks, at the same place") {
  const auto used = test::any_allocator_and_handle();
  const int ranks = GENERATE(1, 2, 4);
  const std::uint64_t bytes = kGranule + 4096;  // two granules and a part that is used of the second
  const auto before_fds = test::open_descriptors();
  const auto before_maps = test::memfd_mappings();
  AllocatorWorld world{.ranks = ranks};
  const auto failures = world.run([&](RankBench& rank) {
    const int own = rank.comm.rank();
    const auto memory = make_allocator(used.allocator)->allocate(rank.context, rank.driver, bytes, used.handle);
    const std::uint64_t places[] = {0, kGranule, bytes - 4};
    for (int p = 0; p < 3; ++p) word_at(memory->data(own) + places[p]) = value_of(own, p);
    barrier(rank.comm, "written");
    for (int r = 0; r < ranks; ++r) {
      for (int p = 0; p < 3; ++p) require(word_at(memory->data(r) + places[p]) == value_of(r, p));
    }
    barrier(rank.comm, "read");
    memory->close(rank.context);
    memory->close(rank.context);
  });
  for (const auto& failure : failures) CHECK_FALSE(failure);
  CHECK(world.balanced());
  CHECK(test::open_descriptors() == before_fds);
  CHECK(test::memfd_mappings() == before_maps);
}

TEST_CASE("writes to a peer's block arrive there") {
  const auto name = any_allocator();
  AllocatorWorld world{.ranks = 4};
  world.run([&](RankBench& rank) {
    const int own = rank.comm.rank();
    const auto memory = make_allocator(name)->allocate(rank.context, rank.driver, 4096, plain_handle(name));
    for (int r = 0; r < 4; ++r) word_at(memory->data(r) + own * 4) = value_of(own, r);
    barrier(rank.comm, "written");
    for (int r = 0; r < 4; ++r) require(word_at(memory->data(own) + r * 4) == value_of(r, own));
    memory->close(rank.context);
  });
  CHECK(world.balanced());
}

TEST_CASE("symm_device_memory lays all ranks out in one range, data first") {
  constexpr std::uint64_t kBytes = 1000;  // no multiple of 16
  AllocatorWorld world{.ranks = 4};
  const auto failures = world.run([&](RankBench& rank) {
    const auto allocator = make_allocator("symm_device_memory");
    const auto memory = allocator->allocate(rank.context, rank.driver, kBytes, HandleType::posix_fd);
    const auto& facts = memory->facts();
    require(facts.requested_bytes == kBytes);
    require(facts.granularity_bytes == kGranule);
    require(facts.data_offset == 0);
    require(facts.signal_pad_offset == 1008);
    require(facts.signal_pad_bytes == 2048);
    require(facts.allocated_bytes == kGranule);
    require(facts.allocated_bytes == allocator->allocated_bytes(kBytes, kGranule));
    require(facts.va_layout == "contiguous");
    require(facts.va_bytes == 4 * kGranule);
    for (int r = 0; r < 4; ++r) require(memory->data(r) == memory->data(0) + r * kGranule);
    memory->close(rank.context);
  });
  for (const auto& failure : failures) CHECK_FALSE(failure);
  for (const auto& ledger : world.ledgers) {
    CHECK(ledger.reserved == std::vector<std::pair<std::uint64_t, std::uint64_t>>{{4 * kGranule, kGranule}});
    REQUIRE(ledger.created.size() == 1);
    CHECK(ledger.created[0].gpu_direct_rdma);
  }
}

TEST_CASE("torch_symm_mem gives each rank a range of its own, pad first") {
  constexpr std::uint64_t kBytes = 1000;
  AllocatorWorld world{.ranks = 4};
  world.options.gpu_direct_rdma_supported = GENERATE(false, true);
  const auto failures = world.run([&](RankBench& rank) {
    const auto allocator = make_allocator("torch_symm_mem");
    const auto memory = allocator->allocate(rank.context, rank.driver, kBytes, HandleType::posix_fd);
    const auto& facts = memory->facts();
    require(facts.signal_pad_offset == 0);
    require(facts.signal_pad_bytes == 9216);
    require(facts.data_offset == 9216);
    require(facts.allocated_bytes == kGranule);
    require(facts.allocated_bytes == allocator->allocated_bytes(kBytes, kGranule));
    require(facts.va_layout == "per_peer");
    require(facts.va_bytes == 4 * kGranule);
    memory->close(rank.context);
  });
  for (const auto& failure : failures) CHECK_FALSE(failure);
  for (const auto& ledger : world.ledgers) {
    CHECK(ledger.reserved == std::vector<std::pair<std::uint64_t, std::uint64_t>>(4, {kGranule, 0}));
    REQUIRE(ledger.created.size() == 1);
    CHECK(ledger.created[0].gpu_direct_rdma == world.options.gpu_direct_rdma_supported);
  }
}

TEST_CASE("allocated bytes follow each allocator's own arithmetic") {
  const auto symm = make_allocator("symm_device_memory");
  const auto torch = make_allocator("torch_symm_mem");
  // Pads fit into the rounding of a small request, and cost a granule where the request is a whole number of granules.
  CHECK(symm->allocated_bytes(1, 2 * kMiB) == 2 * kMiB);
  CHECK(torch->allocated_bytes(1, 2 * kMiB) == 2 * kMiB);
  CHECK(symm->allocated_bytes(2 * kMiB, 2 * kMiB) == 4 * kMiB);
  CHECK(torch->allocated_bytes(2 * kMiB, 2 * kMiB) == 4 * kMiB);
  CHECK(symm->allocated_bytes(2 * kMiB - 2048, 2 * kMiB) == 2 * kMiB);
  CHECK(torch->allocated_bytes(2 * kMiB - 2048, 2 * kMiB) == 4 * kMiB);
  CHECK(torch->allocated_bytes(2 * kMiB - 9216, 2 * kMiB) == 2 * kMiB);
  // Four ranks, 2048 tokens of 7168 in 16 bits: comm 117440512 is 56 granules, Lamport 352321536 is 168.
  CHECK(symm->allocated_bytes(117440512, 2 * kMiB) == 57 * 2 * kMiB);
  CHECK(torch->allocated_bytes(352321536, 2 * kMiB) == 169 * 2 * kMiB);
  // The pad stays inside the block for every size just below a granule.
  for (std::uint64_t bytes = 2 * kMiB - 2100; bytes < 2 * kMiB; ++bytes) {
    CHECK(round_up(bytes, 16) + 2048 <= symm->allocated_bytes(bytes, 2 * kMiB));
  }
  // Granularity as large as some drivers recommend.
  CHECK(symm->allocated_bytes(4096, 512 * kMiB) == 512 * kMiB);
}

TEST_CASE("a larger recommended granularity is used and shown") {
  const auto name = any_mapping_allocator();
  AllocatorWorld world{.ranks = 2};
  world.options.recommended_granularity = 4 * kGranule;
  const auto failures = world.run([&](RankBench& rank) {
    const auto memory = make_allocator(name)->allocate(rank.context, rank.driver, 4096, plain_handle(name));
    require(memory->facts().granularity_bytes == 4 * kGranule);
    require(memory->facts().allocated_bytes == 4 * kGranule);
    memory->close(rank.context);
  });
  for (const auto& failure : failures) CHECK_FALSE(failure);
}

TEST_CASE("the signal pad starts as zeros even in memory that was used before") {
  const auto name = any_allocator();
  AllocatorWorld world{.ranks = 2};
  const auto failures = world.run([&](RankBench& rank) {
    const auto memory = make_allocator(name)->allocate(rank.context, rank.driver, 4096, plain_handle(name));
    const auto& facts = memory->facts();
    for (int r = 0; r < 2; ++r) {
      const auto pad = memory->data(r) - facts.data_offset + facts.signal_pad_offset;
      for (std::uint64_t at = 0; at < facts.signal_pad_bytes; at += 4) require(word_at(pad + at) == 0);
    }
    memory->close(rank.context);
  });
  for (const auto& failure : failures) CHECK_FALSE(failure);
}

TEST_CASE("symm_device_memory makes its driver calls in upstream's order") {
  // Granularity, create, export, import per peer, one reservation, map per rank, one set_access over all; close:
  // release then unmap per rank, then the range.
  AllocatorWorld world{.ranks = 3};
  world.run([&](RankBench& rank) {
    make_allocator("symm_device_memory")
        ->allocate(rank.context, rank.driver, 4096, HandleType::posix_fd)
        ->close(rank.context);
  });
  const std::vector<std::string> expected = {"GetAllocationGranularity(RECOMMENDED)",
                                             "Create",
                                             "ExportToShareableHandle",
                                             "ImportFromShareableHandle",
                                             "ImportFromShareableHandle",
                                             "AddressReserve",
                                             "Map",
                                             "Map",
                                             "Map",
                                             "SetAccess",
                                             "Release",
                                             "Unmap",
                                             "Release",
                                             "Unmap",
                                             "Release",
                                             "Unmap",
                                             "AddressFree"};
  for (const auto& ledger : world.ledgers) CHECK(ledger.calls == expected);
}

TEST_CASE("torch_symm_mem makes its driver calls in upstream's order") {
  // Allocation: granularity, create, reserve, map, set_access. Rendezvous: export, imports, then reserve, map,
  // set_access per peer. Close: unmap, release per peer, own block last.
  AllocatorWorld world{.ranks = 3};
  world.run([&](RankBench& rank) {
    make_allocator("torch_symm_mem")
        ->allocate(rank.context, rank.driver, 4096, HandleType::posix_fd)
        ->close(rank.context);
  });
  const std::vector<std::string> expected = {"GetAllocationGranularity(RECOMMENDED)",
                                             "Create",
                                             "AddressReserve",
                                             "Map",
                                             "SetAccess",
                                             "ExportToShareableHandle",
                                             "ImportFromShareableHandle",
                                             "ImportFromShareableHandle",
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
                                             "Unmap",
                                             "Release",
                                             "AddressFree",
                                             "AddressFree",
                                             "AddressFree"};
  for (const auto& ledger : world.ledgers) CHECK(ledger.calls == expected);
}

TEST_CASE("close meets the other ranks before it unmaps anything and again before it returns") {
  const auto name = any_allocator();
  AllocatorWorld world{.ranks = 2};
  world.run([&](RankBench& rank) {
    test::NotingCommunicator noting(rank.comm, rank.ledger);
    const auto memory = make_allocator(name)->allocate(rank.context, rank.driver, 4096, plain_handle(name));
    rank.ledger.calls.clear();
    memory->close({noting});
  });
  for (const auto& ledger : world.ledgers) {
    REQUIRE(ledger.calls.size() > 2);
    CHECK(ledger.calls.front() == "allgather");
    CHECK(ledger.calls.back() == "allgather");
  }
}

TEST_CASE("a block asked of no rank, or after close, is refused") {
  const auto name = any_allocator();
  AllocatorWorld world{.ranks = 2};
  const auto failures = world.run([&](RankBench& rank) {
    const auto memory = make_allocator(name)->allocate(rank.context, rank.driver, 4096, plain_handle(name));
    const auto refused = [&](int group_rank) {
      try {
        memory->data(group_rank);
        return false;
      } catch (const Error& error) {
        return error.failure().layer == Layer::memory;
      }
    };
    require(refused(-1) && refused(2) && !refused(1));
    memory->close(rank.context);
    require(refused(0));
  });
  for (const auto& failure : failures) CHECK_FALSE(failure);
}

TEST_CASE("memory destroyed without close gives back what this rank holds and waits for nobody") {
  const auto name = any_mapping_allocator();
  AllocatorWorld world{.ranks = 2};
  const auto failures = world.run([&](RankBench& rank) {
    auto memory = make_allocator(name)->allocate(rank.context, rank.driver, 4096, plain_handle(name));
    barrier(rank.comm, "both have it");
    if (rank.comm.rank() == 0) {
      memory.reset();
      require(rank.ledger.balanced());
    }
    barrier(rank.comm, "one is gone");
    if (rank.comm.rank() == 1) {
      word_at(memory->data(0)) = 5;  // the import keeps the peer's bytes alive
      memory.reset();
    }
  });
  for (const auto& failure : failures) CHECK_FALSE(failure);
  CHECK(world.balanced());
}

}  // namespace
}  // namespace symmbench
