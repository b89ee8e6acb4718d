#include "memory/handle_policy.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <set>

#include "memory/handle_trial.hpp"
#include "support/any_allocator.hpp"
#include "support/contains.hpp"
#include "support/failures.hpp"
#include "unit/memory/allocator_bench.hpp"

namespace symmbench {
namespace {

using test::AllocatorWorld;
using test::RankBench;

std::vector<HandleFacts> alike(int ranks, const HandleFacts& facts) {
  std::vector<HandleFacts> all(ranks, facts);
  for (int r = 0; r < ranks; ++r) all[r].world_rank = r;
  return all;
}

const HandleFacts kBoth{.posix_fd_supported = true, .fabric_supported = true, .os_image = 1};
const HandleFacts kFdOnly{.posix_fd_supported = true, .fabric_supported = false, .os_image = 1};
constexpr auto kSymm = AllocatorKind::symm_device_memory;
constexpr auto kTorch = AllocatorKind::torch_symm_mem;

HandleTrial passed(AllocatorKind allocator, HandleType type) {
  return {.allocator = allocator, .type = type, .passed = true};
}
HandleTrial refused(AllocatorKind allocator, HandleType type) {
  return {.allocator = allocator,
          .type = type,
          .failure = Failure{.layer = Layer::driver,
                             .reason = Reason::not_permitted,
                             .call = "cuMemCreate",
                             .rank = 1,
                             .code = driver_code::kNotPermitted}};
}

TEST_CASE("auto prefers fabric where a trial proves it") {
  const auto ranks = alike(4, kBoth);
  CHECK(handles_to_try("auto", kTorch, ranks) == std::vector{HandleType::fabric, HandleType::posix_fd});
  const auto decision = decide_handle("auto", kTorch, ranks, std::vector{passed(kTorch, HandleType::fabric)});
  CHECK(decision.asked == "auto");
  CHECK(decision.used == HandleType::fabric);
  CHECK(decision.reason == "fabric: trial passed on 4 ranks");
}

TEST_CASE("auto takes descriptors when the trial of fabric fails, and says what failed") {
  const auto decision =
      decide_handle("auto", kSymm, alike(2, kBoth),
                    std::vector{refused(kSymm, HandleType::fabric), passed(kSymm, HandleType::posix_fd)});
  CHECK(decision.used == HandleType::posix_fd);
  CHECK(contains(decision.reason, "fabric: trial failed: rank 1: driver/not_permitted in cuMemCreate (800)"));
  CHECK(contains(decision.reason, "posix_fd: trial passed on 2 ranks"));
}

TEST_CASE("auto gives allocators that are compared the same type: the best that each of them can use") {
  const auto ranks = alike(2, kBoth);
  const std::vector trials{passed(kTorch, HandleType::fabric), refused(kSymm, HandleType::fabric),
                           passed(kTorch, HandleType::posix_fd), passed(kSymm, HandleType::posix_fd)};
  const auto torch = decide_handle("auto", kTorch, ranks, trials);
  CHECK(torch.used == HandleType::posix_fd);
  CHECK(contains(torch.reason, "fabric: trial passed on 2 ranks, but not with symm_device_memory: rank 1: driver/"));
  CHECK(contains(torch.reason, "; posix_fd: trial passed on 2 ranks"));
  CHECK(decide_handle("auto", kSymm, ranks, trials).used == HandleType::posix_fd);
}

TEST_CASE("an allocator that no type serves keeps no other from its best") {
  const std::vector trials{passed(kTorch, HandleType::fabric), refused(kSymm, HandleType::fabric),
                           passed(kTorch, HandleType::posix_fd), refused(kSymm, HandleType::posix_fd)};
  CHECK(decide_handle("auto", kTorch, alike(2, kBoth), trials).used == HandleType::fabric);
  CHECK_FALSE(decide_handle("auto", kSymm, alike(2, kBoth), trials).used);
}

TEST_CASE("auto does not try what the facts exclude") {
  auto ranks = alike(3, kBoth);
  ranks[1].fabric_supported = false;
  CHECK(handles_to_try("auto", kTorch, ranks) == std::vector{HandleType::posix_fd});
  CHECK(contains(decide_handle("auto", kTorch, ranks, std::vector{passed(kTorch, HandleType::posix_fd)}).reason,
                 "fabric: not offered by the device of rank 1;"));
}

TEST_CASE(
    "descriptors are excluded between hosts, which are named with what differs: the machine, or only the network") {
  auto ranks = alike(4, kFdOnly);
  ranks[2].os_image = ranks[3].os_image = 2;
  ranks[0].host_name = {"node-a"};
  ranks[1].host_name = {"node-a"};
  ranks[2].host_name = ranks[3].host_name = {"node-b"};
  CHECK(handles_to_try("auto", kTorch, ranks).empty());
  CHECK(handles_to_try("posix_fd", kTorch, ranks).empty());
  const auto decision = decide_handle("posix_fd", kTorch, ranks, {});
  CHECK_FALSE(decision.used);
  CHECK(decision.reason ==
        "posix_fd: does not travel between hosts: node-a on ranks 0, 1; node-b on ranks 2, 3; it is one machine (equal "
        "boot "
        "ids), only the network namespaces differ: start the ranks in one, as with the host's network, or keep groups "
        "inside one (--group-size)");
  ranks[2].machine = ranks[3].machine = 2;
  CHECK(
      decide_handle("posix_fd", kTorch, ranks, {}).reason ==
      "posix_fd: does not travel between hosts: node-a on ranks 0, 1; node-b on ranks 2, 3; the machines differ (boot "
      "ids): keep groups inside a host (--group-size); `symmbench probe` tries whether fabric handles reach across");
}

TEST_CASE("between hosts fabric handles are advised where a trial of them has passed, and never where it has failed") {
  auto ranks = alike(2, kBoth);
  ranks[1].os_image = ranks[1].machine = 2;
  const auto reason_with = [&](std::vector<HandleTrial> trials) {
    return decide_handle("auto", kTorch, ranks, trials).reason;
  };
  const auto after_failure = reason_with({refused(kTorch, HandleType::fabric)});
  CHECK(contains(after_failure, "keep groups inside a host"));
  CHECK_FALSE(contains(after_failure, "--handle fabric"));
  CHECK_FALSE(contains(after_failure, "symmbench probe"));
  const auto elsewhere = reason_with({passed(kTorch, HandleType::fabric), refused(kSymm, HandleType::fabric)});
  CHECK(contains(elsewhere, "use --handle fabric, or keep groups inside a host"));
}

TEST_CASE("an explicit type is used or refused, never replaced") {
  const auto ranks = alike(2, kBoth);
  CHECK(decide_handle("posix_fd", kTorch, ranks, std::vector{passed(kTorch, HandleType::posix_fd)}).used ==
        HandleType::posix_fd);
  const auto decision = decide_handle("fabric", kTorch, ranks, std::vector{refused(kTorch, HandleType::fabric)});
  CHECK_FALSE(decision.used);
  CHECK(contains(decision.reason, "cuMemCreate (800)"));
}

TEST_CASE("explicit fabric is tried even where the attribute says no") {
  CHECK(handles_to_try("fabric", kTorch, alike(2, kFdOnly)) == std::vector{HandleType::fabric});
}

TEST_CASE("unknown choices are refused with the known ones") {
  const auto failure = failure_of([] { handles_to_try("fd", kTorch, alike(1, kBoth)); });
  CHECK(failure.reason == Reason::invalid_argument);
  CHECK(contains(failure.detail, "auto, upstream, posix_fd, fabric"));
}

HandleFacts gb300(std::uint8_t first_uuid_byte, int fabric_state, bool self_test) {
  HandleFacts facts = kBoth;
  facts.fabric = FabricFacts{.state = fabric_state, .cluster_uuid = {first_uuid_byte, 7}, .clique_id = 5};
  facts.fabric_self_test = self_test;
  if (!self_test) facts.self_test_failure = fact_text("cuMemCreate (800)");
  return facts;
}

TEST_CASE("upstream's rule of symm_device_memory goes by attribute, fabric state and cluster UUID, without a trial") {
  const auto used = [](const HandleFacts& facts) { return decide_handle("upstream", kSymm, alike(4, facts), {}).used; };
  CHECK(handles_to_try("upstream", kTorch, alike(4, kBoth)).empty());
  CHECK(used(gb300(0x42, 3, false)) == HandleType::fabric);  // without an IMEX channel: hard failure at create
  CHECK(used(gb300(0x42, 2, true)) == HandleType::posix_fd);
  CHECK(used(gb300(0x00, 3, true)) == HandleType::posix_fd);  // HGX: zero UUID
  CHECK(used(kBoth) == HandleType::posix_fd);                 // NVML does not answer
  auto without = gb300(0x42, 3, true);
  without.fabric_supported = false;
  CHECK(used(without) == HandleType::posix_fd);
}

TEST_CASE("upstream's rule of torch_symm_mem goes by fabric state and a self test, whatever the UUID") {
  const auto used = [](const HandleFacts& facts) {
    return decide_handle("upstream", kTorch, alike(4, facts), {}).used;
  };
  CHECK(used(gb300(0x00, 3, true)) == HandleType::fabric);
  CHECK(used(gb300(0x42, 1, true)) == HandleType::fabric);  // not started passes too
  CHECK(used(gb300(0x42, 3, false)) == HandleType::posix_fd);
  CHECK(used(gb300(0x42, 0, true)) == HandleType::posix_fd);
  CHECK(used(kBoth) == HandleType::posix_fd);
}

TEST_CASE("the two upstream rules differ on the same machine, which is a finding by itself") {
  const auto hgx_b300 = alike(8, gb300(0x00, 3, true));
  CHECK(decide_handle("upstream", kSymm, hgx_b300, {}).used == HandleType::posix_fd);
  CHECK(decide_handle("upstream", kTorch, hgx_b300, {}).used == HandleType::fabric);
}

TEST_CASE("ranks that choose differently under upstream's rule can use nothing, and are named") {
  auto ranks = alike(3, gb300(0x42, 3, true));
  ranks[1] = gb300(0x42, 3, false);
  ranks[1].world_rank = 1;
  const auto decision = decide_handle("upstream", kTorch, ranks, {});
  CHECK_FALSE(decision.used);
  const std::string fabric = "fabric completed, cluster 42070000-0000-0000-0000-000000000000, clique 5; ";
  CHECK(contains(decision.reason, "fabric (" + fabric + "self test passed) on ranks 0, 2"));
  CHECK(contains(decision.reason, "posix_fd (" + fabric + "self test failed: cuMemCreate (800)) on rank 1"));
}

TEST_CASE("upstream's rules say what NVML said, and where it said nothing which library, call or code failed") {
  const auto reason = [](AllocatorKind allocator, const HandleFacts& facts) {
    return decide_handle("upstream", allocator, alike(2, facts), {}).reason;
  };
  auto silent = kBoth;
  silent.fabric_unknown = fact_text("nvmlDeviceGetGpuFabricInfoV: Not Supported (3)");
  for (const auto allocator : {kSymm, kTorch}) {
    CHECK(contains(reason(allocator, silent),
                   "fabric state unknown: nvmlDeviceGetGpuFabricInfoV: Not Supported (3)) on ranks 0, 1"));
    CHECK(contains(reason(allocator, gb300(0x42, 2, true)), "fabric in_progress"));
    CHECK(contains(reason(allocator, gb300(0x42, 0, true)), "fabric not_supported"));
    CHECK(contains(reason(allocator, gb300(0x42, 3, true)), "cluster 42070000-0000-0000-0000-000000000000, clique 5"));
  }
}

TEST_CASE("the emulated device tells the facts that upstream's rules go by") {
  AllocatorWorld world{
      .ranks = 2,
      .options = {.fabric_supported = true, .fabric = FabricFacts{.state = 3, .cluster_uuid = {0x42}, .clique_id = 1}}};
  std::vector<HandleDecision> symm(2), torch(2);
  const auto failures = world.run([&](RankBench& rank) {
    const int own = rank.comm.rank();
    const auto facts = local_handle_facts(rank.driver, own);
    symm[own] = resolve_handle(rank.context, rank.driver, "upstream", kSymm, {}, facts);
    torch[own] = resolve_handle(rank.context, rank.driver, "upstream", kTorch, {}, facts);
  });
  for (const auto& failure : failures) CHECK_FALSE(failure);
  CHECK(symm[0].used == HandleType::fabric);
  CHECK(torch[0].used == HandleType::fabric);
}

TEST_CASE("a trial passes where handles work, for every type of every allocator") {
  const auto used = test::any_allocator_and_handle();
  const auto allocator = make_allocator(used.allocator)->kind();
  AllocatorWorld world{.ranks = 4};
  const auto failures = world.run([&](RankBench& rank) {
    const auto trial = trial_handle(rank.context, rank.driver, allocator, used.handle);
    test::require(trial.passed && !trial.failure && trial.type == used.handle && trial.allocator == allocator);
  });
  for (const auto& failure : failures) CHECK_FALSE(failure);
  CHECK(world.balanced());
}

TEST_CASE("a trial that one rank cannot pass fails on all with the same cause, and leaves nothing behind") {
  const auto fault = GENERATE(DriverFault{DriverCall::create, 1, driver_code::kNotPermitted},
                              DriverFault{DriverCall::import_handle, 2, driver_code::kInvalidHandle},
                              DriverFault{DriverCall::set_access, 1, driver_code::kNotSupported},
                              DriverFault{DriverCall::unmap, 1, driver_code::kInvalidValue});
  AllocatorWorld world{.ranks = 3, .faulty_rank = 1, .faults = {fault}};
  const auto failures = world.run([&](RankBench& rank) {
    const auto trial = trial_handle(rank.context, rank.driver, kTorch, HandleType::posix_fd);
    test::require(!trial.passed && trial.failure);
    test::require(trial.failure->rank == 1 && trial.failure->code == fault.code);
  });
  for (const auto& failure : failures) CHECK_FALSE(failure);
  CHECK(world.balanced());
}

TEST_CASE("on a device without fabric auto resolves to descriptors, explicit fabric to nothing, alike on all ranks") {
  AllocatorWorld world{.ranks = 2, .options = {.fabric_supported = false}};
  std::vector<HandleDecision> automatic(2), explicit_fabric(2), upstream(2);
  const std::vector compared{kSymm, kTorch};
  const auto failures = world.run([&](RankBench& rank) {
    const int own = rank.comm.rank();
    const auto facts = local_handle_facts(rank.driver, own);
    automatic[own] = resolve_handle(rank.context, rank.driver, "auto", kTorch, compared, facts);
    explicit_fabric[own] = resolve_handle(rank.context, rank.driver, "fabric", kTorch, compared, facts);
    upstream[own] = resolve_handle(rank.context, rank.driver, "upstream", kSymm, compared, facts);
  });
  for (const auto& failure : failures) CHECK_FALSE(failure);
  for (int r = 0; r < 2; ++r) {
    CHECK(automatic[r].used == HandleType::posix_fd);
    CHECK_FALSE(explicit_fabric[r].used);
    CHECK(contains(explicit_fabric[r].reason, "cuMemCreate (800)"));
    CHECK(upstream[r].used == HandleType::posix_fd);
    CHECK(automatic[r].reason == automatic[0].reason);
  }
  CHECK(world.balanced());
}

TEST_CASE("a trial does what the allocator does: memory without GPUDirect RDMA fails the one that always asks for it") {
  AllocatorWorld world{.ranks = 2, .options = {.gpu_direct_rdma_supported = false}};
  std::vector<HandleDecision> symm(2), torch(2);
  const std::vector compared{kSymm, kTorch};
  const auto failures = world.run([&](RankBench& rank) {
    const int own = rank.comm.rank();
    const auto facts = local_handle_facts(rank.driver, own);
    symm[own] = resolve_handle(rank.context, rank.driver, "auto", kSymm, compared, facts);
    torch[own] = resolve_handle(rank.context, rank.driver, "auto", kTorch, compared, facts);
  });
  for (const auto& failure : failures) CHECK_FALSE(failure);
  CHECK_FALSE(symm[0].used);
  CHECK(contains(symm[0].reason,
                 "posix_fd: trial failed: rank 0, phase create: driver/not_supported in cuMemCreate (801)"));
  CHECK(torch[0].used == HandleType::posix_fd);
  CHECK(contains(torch[0].reason, "posix_fd: trial passed on 2 ranks, but not with symm_device_memory: "));
  CHECK(world.balanced());
}

TEST_CASE("compared allocators are tried once each when the best type serves them all") {
  AllocatorWorld world{.ranks = 2};
  const std::vector compared{kSymm, kTorch};
  const auto failures = world.run([&](RankBench& rank) {
    const auto facts = local_handle_facts(rank.driver, rank.comm.rank());
    const auto decision = resolve_handle(rank.context, rank.driver, "auto", kSymm, compared, facts);
    test::require(decision.used == HandleType::fabric && decision.reason == "fabric: trial passed on 2 ranks");
  });
  for (const auto& failure : failures) CHECK_FALSE(failure);
  for (const auto& ledger : world.ledgers) CHECK(ledger.created.size() == 2);
}

TEST_CASE("facts name the host") {
  HostDriver driver;
  const auto facts = local_handle_facts(driver, 3);
  CHECK(facts.world_rank == 3);
  CHECK(facts.host_name[0] != 0);
  CHECK(facts.posix_fd_supported);
}

TEST_CASE("the self test knows what this process can do alone") {
  HostDriver with({.fabric_supported = true}), without;
  CHECK_FALSE(self_test(with, HandleType::fabric));
  CHECK(self_test(without, HandleType::fabric)->call == "cuMemCreate");
  CHECK_FALSE(self_test(without, HandleType::posix_fd));
}

TEST_CASE("a rule sees what it looks at: NVML by CUDA's number, and torch's test on the first device") {
  FabricFacts in_cluster{.state = kFabricCompleted, .status = 0, .clique_id = 1}, alone = in_cluster;
  in_cluster.cluster_uuid.fill(0xA0);
  HandleFacts rank = kBoth;
  rank.fabric = in_cluster;
  rank.fabric_self_test = true;
  const auto symm = mode_of(kSymm).upstream_rule, torch = mode_of(kTorch).upstream_rule;
  CHECK(symm(rank).type == HandleType::fabric);
  rank.ordinal_is_another = true;
  rank.fabric_by_ordinal = alone;
  CHECK(symm(rank).type == HandleType::posix_fd);
  CHECK(contains(symm(rank).why, "another one: fabric completed, no cluster"));
  rank.fabric_by_ordinal.reset();
  CHECK(symm(rank).type == HandleType::posix_fd);
  CHECK(symm(without_lookups(rank)).type == HandleType::fabric);

  CHECK(torch(rank).type == HandleType::fabric);  // by PCI bus id
  rank.first_device_test = false;
  rank.first_device_failure = fact_text("cuMemCreate (800)");
  CHECK(torch(rank).type == HandleType::posix_fd);
  CHECK(contains(torch(rank).why, "self test on the first device failed: cuMemCreate (800)"));
  CHECK(torch(without_lookups(rank)).type == HandleType::fabric);
}

}  // namespace
}  // namespace symmbench
