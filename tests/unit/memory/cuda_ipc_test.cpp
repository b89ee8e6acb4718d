#include "memory/cuda_ipc.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <string>
#include <vector>

#include "core/units.hpp"
#include "memory/handle_trial.hpp"
#include "support/contains.hpp"
#include "support/process_resources.hpp"
#include "unit/memory/allocator_bench.hpp"

namespace symmbench {
namespace {

using test::AllocatorWorld;
using test::RankBench;
using test::require;
using test::word_at;

constexpr auto kIpc = AllocatorKind::cuda_ipc;

std::unique_ptr<SharedMemory> allocate(RankBench& rank, std::uint64_t bytes = 4096) {
  return CudaIpc().allocate(rank.context, rank.driver, bytes, HandleType::cuda_ipc);
}

TEST_CASE("cuda_ipc takes whole 2 MiB blocks, data first, without a pad, an address per peer") {
  constexpr std::uint64_t kBytes = 2 * kMiB + 1;
  AllocatorWorld world{.ranks = 3};
  world.options.recommended_granularity = 4 * kHostGranularityBytes;  // of mapped memory: nothing to do with this
  const auto failures = world.run([&](RankBench& rank) {
    const auto memory = allocate(rank, kBytes);
    const auto& facts = memory->facts();
    require(facts.requested_bytes == kBytes);
    require(facts.granularity_bytes == 2 * kMiB);
    require(facts.allocated_bytes == 4 * kMiB);
    require(facts.allocated_bytes == CudaIpc().allocated_bytes(kBytes, 512 * kMiB));
    require(facts.data_offset == 0 && facts.signal_pad_offset == 0 && facts.signal_pad_bytes == 0);
    require(facts.va_layout == "per_peer");
    require(facts.va_bytes == 3 * 4 * kMiB);
    memory->close(rank.context);
  });
  for (const auto& failure : failures) CHECK_FALSE(failure);
}

TEST_CASE("cuda_ipc opens the peers' blocks only, and frees its own when every rank has closed them") {
  AllocatorWorld world{.ranks = 3};
  const auto failures = world.run([&](RankBench& rank) {
    test::NotingCommunicator noting(rank.comm, rank.ledger);
    const auto memory = allocate(rank);
    require(rank.ledger.locals.contains(memory->data(rank.comm.rank())));
    require(rank.ledger.opened.size() == 2);
    memory->close({noting});
  });
  for (const auto& failure : failures) CHECK_FALSE(failure);
  const std::vector<std::string> expected = {
      "cuIpcGetMemHandle",   "cuIpcOpenMemHandle",  "cuIpcOpenMemHandle", "allgather",
      "cuIpcCloseMemHandle", "cuIpcCloseMemHandle", "allgather",          "allgather"};
  for (const auto& ledger : world.ledgers) CHECK(ledger.calls == expected);
  CHECK(world.balanced());
}

struct IpcFault {
  DriverFault fault;
  Phase phase;
};

TEST_CASE("an IPC call that fails on one rank fails the phase on all, says where, and leaves nothing behind") {
  const int faulty_rank = GENERATE(0, 2);
  const auto fault_case =
      GENERATE(IpcFault{{DriverCall::allocate_local, 1, driver_code::kOutOfMemory}, Phase::create},
               IpcFault{{DriverCall::export_ipc, 1, driver_code::kNotSupported}, Phase::export_handle},
               IpcFault{{DriverCall::open_ipc, 1, driver_code::kInvalidHandle}, Phase::import_handle},
               IpcFault{{DriverCall::open_ipc, 2, driver_code::kInvalidValue}, Phase::import_handle},
               IpcFault{{DriverCall::open_ipc, 3, driver_code::kInvalidDevice}, Phase::import_handle},
               IpcFault{{DriverCall::close_ipc, 1, driver_code::kInvalidValue}, Phase::close},
               IpcFault{{DriverCall::close_ipc, 3, driver_code::kIllegalState}, Phase::close},
               IpcFault{{DriverCall::free_local, 1, driver_code::kInvalidValue}, Phase::close});
  const auto before_fds = test::open_descriptors();
  const auto before_maps = test::memfd_mappings();
  AllocatorWorld world{.ranks = 4, .faulty_rank = faulty_rank, .faults = {fault_case.fault}};

  const auto failures = world.run([&](RankBench& rank) { allocate(rank)->close(rank.context); });

  CHECK(world.injected[faulty_rank] == 1);
  for (const auto& failure : failures) {
    REQUIRE(failure);
    CHECK(failure->rank == faulty_rank);
    CHECK(failure->phase == fault_case.phase);
    CHECK(failure->layer == Layer::driver);
    CHECK(failure->call == name_of(fault_case.fault.call));
    CHECK(failure->code == fault_case.fault.code);
  }
  CHECK(world.balanced());
  CHECK(test::open_descriptors() == before_fds);
  CHECK(test::memfd_mappings() == before_maps);
}

TEST_CASE("a peer whose block cannot be opened is named") {
  AllocatorWorld world{.ranks = 4, .faulty_rank = 1, .faults = {{DriverCall::open_ipc, 2, 400}}};
  const auto failures = world.run([&](RankBench& rank) { allocate(rank)->close(rank.context); });
  for (const auto& failure : failures) {
    REQUIRE(failure);
    CHECK(failure->peer == 2);  // rank 1 opens rank 0's, then rank 2's
  }
}

TEST_CASE("a block that a peer cannot close is not freed under it") {
  AllocatorWorld world{
      .ranks = 2, .faulty_rank = 1, .faults = {{.call = DriverCall::close_ipc, .nth = 1, .code = 1, .times = 100}}};
  const auto failures = world.run([&](RankBench& rank) { allocate(rank)->close(rank.context); });
  for (const auto& failure : failures) {
    REQUIRE(failure);
    CHECK(failure->rank == 1);
    CHECK(failure->call == "cuIpcCloseMemHandle");
  }
  CHECK(world.ledgers[0].locals.size() == 1);
  CHECK(world.ledgers[1].opened.size() == 1);
}

TEST_CASE("IPC memory destroyed without close closes what it opened and keeps its own for the peers") {
  AllocatorWorld world{.ranks = 2};
  const auto failures = world.run([&](RankBench& rank) {
    auto memory = allocate(rank);
    barrier(rank.comm, "both have it");
    if (rank.comm.rank() == 0) {
      memory.reset();
      require(rank.ledger.opened.empty() && rank.ledger.locals.size() == 1);
    }
    barrier(rank.comm, "one is gone");
    if (rank.comm.rank() == 1) {
      word_at(memory->data(0)) = 5;
      memory.reset();
    }
  });
  for (const auto& failure : failures) CHECK_FALSE(failure);
}

TEST_CASE("when a rank dies the others close what they opened and free nothing that may be open elsewhere") {
  AllocatorWorld world{.ranks = 3};
  std::vector<std::optional<Failure>> seen(3);
  CHECK_THROWS_AS(world.run([&](RankBench& rank) {
    auto memory = allocate(rank);
    if (rank.comm.rank() == 1) throw std::runtime_error("killed");
    try {
      memory->close(rank.context);
    } catch (const Error& error) {
      seen[rank.comm.rank()] = error.failure();
    }
    require(rank.ledger.opened.empty() && rank.ledger.locals.size() == 1);
  }),
                  std::runtime_error);
  for (const int survivor : {0, 2}) {
    REQUIRE(seen[survivor]);
    CHECK((seen[survivor]->peer == 1 || seen[survivor]->rank == 1));
  }
}

TEST_CASE("several IPC allocations live beside each other and close in any order") {
  AllocatorWorld world{.ranks = 2};
  const auto failures = world.run([&](RankBench& rank) {
    const int own = rank.comm.rank();
    const auto first = allocate(rank), second = allocate(rank);
    word_at(first->data(1 - own)) = 10 + own;
    word_at(second->data(1 - own)) = 20 + own;
    barrier(rank.comm, "written");
    require(word_at(first->data(own)) == 10u + (1 - own) && word_at(second->data(own)) == 20u + (1 - own));
    barrier(rank.comm, "read");
    first->close(rank.context);
    word_at(second->data(own)) = 1;
    second->close(rank.context);
  });
  for (const auto& failure : failures) CHECK_FALSE(failure);
  CHECK(world.balanced());
}

HandleFacts facts_of(int world_rank, std::uint64_t os_image, const char* host) {
  HandleFacts facts{.world_rank = world_rank,
                    .posix_fd_supported = true,
                    .fabric_supported = true,
                    .ipc_supported = true,
                    .machine = os_image,
                    .os_image = os_image};
  std::snprintf(facts.host_name.data(), facts.host_name.size(), "%s", host);
  return facts;
}

TEST_CASE("cuda_ipc between hosts is refused without a trial, and both hosts are named") {
  const std::vector ranks{facts_of(0, 1, "node-a"), facts_of(1, 1, "node-a"), facts_of(2, 2, "node-b")};
  const std::string asked = GENERATE("auto", "cuda_ipc", "upstream");
  CHECK(handles_to_try(asked, kIpc, ranks).empty());
  const auto decision = decide_handle(asked, kIpc, ranks, {});
  CHECK_FALSE(decision.used);
  CHECK(decision.reason ==
        "cuda_ipc: does not travel between hosts: node-a on ranks 0, 1; node-b on rank 2; the machines differ (boot "
        "ids): "
        "keep groups inside a host (--group-size); `symmbench probe` tries whether fabric handles reach across");
}

TEST_CASE("cuda_ipc can do no other handle type, and says what it can") {
  const std::vector ranks{facts_of(0, 1, "node-a")};
  const std::string asked = GENERATE("posix_fd", "fabric");
  CHECK(handles_to_try(asked, kIpc, ranks).empty());
  const auto decision = decide_handle(asked, kIpc, ranks, {});
  CHECK_FALSE(decision.used);
  CHECK(decision.reason == asked + ": cuda_ipc travels by cuda_ipc only");
  CHECK(decide_handle("cuda_ipc", AllocatorKind::torch_symm_mem, ranks, {}).reason ==
        "cuda_ipc: torch_symm_mem travels by fabric or posix_fd only");
}

TEST_CASE("cuda_ipc is not tried where a device does not offer it, and upstream's rule knows nothing else") {
  std::vector ranks{facts_of(0, 1, "node-a"), facts_of(1, 1, "node-a")};
  CHECK(decide_handle("upstream", kIpc, ranks, {}).used == HandleType::cuda_ipc);
  ranks[1].ipc_supported = false;
  for (const std::string asked : {"auto", "upstream"}) {
    const auto decision = decide_handle(asked, kIpc, ranks, {});
    CHECK_FALSE(decision.used);
    CHECK(contains(decision.reason, "cuda_ipc: not offered by the device of rank 1"));
  }
}

TEST_CASE("auto leaves cuda_ipc its own type and gives the others theirs") {
  AllocatorWorld world{.ranks = 2};
  std::vector<HandleDecision> ipc(2), torch(2);
  const std::vector compared{AllocatorKind::symm_device_memory, AllocatorKind::torch_symm_mem, kIpc};
  const auto failures = world.run([&](RankBench& rank) {
    const int own = rank.comm.rank();
    const auto facts = local_handle_facts(rank.driver, own);
    ipc[own] = resolve_handle(rank.context, rank.driver, "auto", kIpc, compared, facts);
    torch[own] = resolve_handle(rank.context, rank.driver, "auto", AllocatorKind::torch_symm_mem, compared, facts);
  });
  for (const auto& failure : failures) CHECK_FALSE(failure);
  CHECK(ipc[0].used == HandleType::cuda_ipc);
  CHECK(ipc[0].reason == "cuda_ipc: trial passed on 2 ranks");
  CHECK(torch[0].used == HandleType::fabric);
  CHECK(world.balanced());
}

}  // namespace
}  // namespace symmbench
