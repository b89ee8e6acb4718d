#include "memory/rendezvous.hpp"

#include <catch2/catch_test_macros.hpp>
#include <cstdlib>
#include <string>

#include "support/contains.hpp"
#include "support/failures.hpp"
#include "unit/memory/allocator_bench.hpp"

namespace symmbench {
namespace {

using test::AllocatorWorld;
using test::RankBench;

constexpr const char* kOverlap = "TORCH_SYMM_MEM_ALLOW_OVERLAPPING_DEVICES";

/// The failure of each rank when `allocator` makes a block on these devices; all give everything back.
std::vector<std::optional<Failure>> failures_with(AllocatorWorld world, const std::string& allocator,
                                                  HandleType handle) {
  auto failures = world.run([&](RankBench& rank) {
    make_allocator(allocator)->allocate(rank.context, rank.driver, 4096, handle)->close(rank.context);
  });
  CHECK(world.balanced());
  return failures;
}

HostDriverOptions on_gpu(const std::string& uuid, std::uint32_t clique, std::uint8_t cluster) {
  return {.fabric_supported = true,
          .fabric = FabricFacts{.state = kFabricCompleted, .cluster_uuid = {cluster}, .clique_id = clique},
          .uuid = uuid};
}

AllocatorWorld last_rank_differs(std::uint32_t clique, std::uint8_t cluster) {
  return {.ranks = 3, .options_of = [=](int rank) {
            const bool last = rank == 2;
            return on_gpu("GPU-" + std::to_string(rank), last ? clique : 32766, last ? cluster : 0xAA);
          }};
}

TEST_CASE("torch's mode refuses ranks of several cliques or clusters over fabric handles, naming who is where") {
  for (const auto& [clique, cluster] : {std::pair{7u, 0xAAu}, std::pair{32766u, 0xBBu}}) {
    const auto failures = failures_with(last_rank_differs(clique, static_cast<std::uint8_t>(cluster)), "torch_symm_mem",
                                        HandleType::fabric);
    for (const auto& failure : failures) {
      REQUIRE(failure);
      CHECK(failure->phase == Phase::exchange);
      CHECK(failure->reason == Reason::disagreement);
      CHECK(contains(failure->detail, "clique 32766 of aa000000-0000-0000-0000-000000000000 on ranks 0, 1"));
      CHECK(contains(failure->detail, "on rank 2"));
    }
  }
}

TEST_CASE("cliques that are equal, unknown or of no matter are not in the way") {
  const auto passes = [](AllocatorWorld world, const std::string& allocator, HandleType handle) {
    for (const auto& failure : failures_with(std::move(world), allocator, handle)) CHECK_FALSE(failure);
  };
  passes(last_rank_differs(32766, 0xAA), "torch_symm_mem", HandleType::fabric);
  passes(last_rank_differs(7, 0xBB), "torch_symm_mem", HandleType::posix_fd);
  passes(last_rank_differs(7, 0xBB), "symm_device_memory", HandleType::fabric);  // upstream compares nothing there
  passes({.ranks = 2}, "torch_symm_mem", HandleType::fabric);
}

TEST_CASE("torch's mode refuses two ranks on one GPU unless every rank has the variable that allows it") {
  const auto failures = [] {
    return failures_with(
        {.ranks = 3, .options_of = [](int rank) { return on_gpu(rank == 0 ? "GPU-a" : "GPU-b", 0, 0); }},
        "torch_symm_mem", HandleType::posix_fd);
  };
  ::unsetenv(kOverlap);
  for (const auto& failure : failures()) {
    REQUIRE(failure);
    CHECK(failure->reason == Reason::not_supported);
    CHECK(contains(failure->detail, "ranks 1 and 2 are on one GPU, GPU-b of "));
    CHECK(contains(failure->detail, "TORCH_SYMM_MEM_ALLOW_OVERLAPPING_DEVICES=1"));
  }
  ::setenv(kOverlap, "0", 1);
  CHECK(failures().front());
  ::setenv(kOverlap, "1", 1);
  for (const auto& failure : failures()) CHECK_FALSE(failure);
  ::unsetenv(kOverlap);
}

}  // namespace
}  // namespace symmbench
