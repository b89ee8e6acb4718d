#include "workspace/segment_set.hpp"

#include <catch2/catch_test_macros.hpp>

#include "support/any_allocator.hpp"
#include "unit/workspace/workspace_world.hpp"
#include "workspace/bench_segment.hpp"

namespace symmbench {
namespace {

using test::any_allocator;
using test::RankBench;
using test::require;
using test::word_at;
using test::WorkspaceWorld;

std::vector<SegmentRequest> two_segments() {
  return {{.name = "plain", .used_bytes = 8192}, {.name = "seven", .used_bytes = 1024, .pattern = 7u}};
}

TEST_CASE("a set of any segments is mapped on all ranks, filled where it has a pattern, and named in its facts") {
  WorkspaceWorld world{.ranks = 3, .allocator = any_allocator()};
  const auto failures = world.run([](RankBench& rank) {
    SegmentSet set("test set", rank.comm, rank.driver, rank.stream, rank.kernels, two_segments());
    set.create(rank.context, rank.allocator, rank.spec.handle);
    require(set.size() == 2);
    require(set.view(0).bytes == 8192 && set.view(1).bytes == 1024);
    for (int r = 0; r < 3; ++r) {
      for (std::uint64_t at = 0; at < 1024; at += 4) require(word_at(set.view(1)[r] + at) == 7);
    }
    require(set.facts().at(0).name == "plain" && set.facts().at(1).name == "seven");
    require(set.facts().at(1).memory.requested_bytes == 1024 + kCanaryBytes);
    set.close(rank.context);
    set.close(rank.context);
  });
  for (const auto& failure : failures) CHECK_FALSE(failure);
  CHECK(world.balanced());
}

TEST_CASE("what an owner keeps beside the segments is made, started and closed with them") {
  WorkspaceWorld world{.ranks = 2};
  const auto failures = world.run([](RankBench& rank) {
    std::string told;
    SegmentSet set(
        "test set", rank.comm, rank.driver, rank.stream, rank.kernels, two_segments(),
        {.allocate = [&] { told += "a"; }, .enqueue_start = [&] { told += "s"; }, .close = [&] { told += "c"; }});
    set.create(rank.context, rank.allocator, rank.spec.handle);
    word_at(set.view(1)[rank.comm.rank()]) = 8;
    set.reset(rank.context);
    require(word_at(set.view(1)[rank.comm.rank()]) == 7);
    set.close(rank.context);
    require(told == "assc", told);
  });
  for (const auto& failure : failures) CHECK_FALSE(failure);
}

TEST_CASE("a local part that fails on one rank fails the set on all, and nothing is held") {
  WorkspaceWorld world{.ranks = 3, .allocator = any_allocator()};
  const auto failures = world.run([](RankBench& rank) {
    SegmentSet set("test set", rank.comm, rank.driver, rank.stream, rank.kernels, two_segments(),
                   {.enqueue_start = [&] {
                     if (rank.comm.rank() != 1) return;
                     throw Error({.layer = Layer::driver, .reason = Reason::out_of_memory, .detail = "none left"});
                   }});
    set.create(rank.context, rank.allocator, rank.spec.handle);
  });
  for (const auto& failure : failures) {
    REQUIRE(failure);
    CHECK(failure->phase == Phase::init);
    CHECK(failure->rank == 1);
    CHECK(failure->detail == "none left");
  }
  CHECK(world.balanced());
}

TEST_CASE("the bench's own segment lends flags that streams meet at, and an area that no flag lies in") {
  WorkspaceWorld world{.ranks = 4, .allocator = any_allocator()};
  const auto failures = world.run([](RankBench& rank) {
    const auto workspace = rank.create();
    BenchSegment bench(rank.comm, rank.driver, rank.stream, rank.kernels, rank.spec.capacity);
    bench.create(rank.context, rank.allocator, rank.spec.handle);
    require(bench.links().bytes == BenchSegment::link_bytes(rank.spec.capacity));
    for (int r = 0; r < 4; ++r) require(bench.links()[r] == bench.flags()[r] + bench.flags().bytes);
    for (int round = 0; round < 2; ++round) {
      for (int i = 0; i < 3; ++i) rank.kernels.device_barrier(rank.stream, workspace->view(), bench.flags());
      rank.stream.synchronize();
      require(!workspace->gave_up());
      const int peer = (rank.comm.rank() + 1) % 4;
      require(word_at(bench.flags()[rank.comm.rank()] + 4 * static_cast<std::uint64_t>(peer)) == 3);
      require(word_at(workspace->view().flags()[rank.comm.rank()] + 4 * static_cast<std::uint64_t>(peer)) == 0);
      workspace->reset(rank.context);  // its generation begins anew, so the flags must
      bench.reset(rank.context);
    }
    bench.close(rank.context);
    workspace->close(rank.context);
  });
  for (const auto& failure : failures) CHECK_FALSE(failure);
  CHECK(world.balanced());
}

}  // namespace
}  // namespace symmbench
