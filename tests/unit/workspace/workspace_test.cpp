#include "workspace/workspace.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <cstring>

#include "memory/local_buffer.hpp"
#include "support/any_allocator.hpp"
#include "support/process_resources.hpp"
#include "unit/workspace/workspace_world.hpp"
#include "workspace/fusion_capacity.hpp"
#include "workspace/mnnvl_capacity.hpp"
#include "workspace/trtllm_capacity.hpp"

namespace symmbench {
namespace {

using test::any_allocator;
using test::RankBench;
using test::require;
using test::word_at;
using test::WorkspaceWorld;

TEST_CASE("a workspace starts with cleared flags, sentinels in every Lamport word and an empty control block") {
  WorkspaceWorld world{.ranks = 4, .allocator = any_allocator()};
  const auto failures = world.run([&](RankBench& rank) {
    const auto workspace = rank.create();
    const auto& view = workspace->view();
    const auto layout = fusion_layout(rank.spec.capacity);
    require(view.rank == rank.comm.rank() && view.world_size == 4);
    require(view.comm().bytes == layout.comm_bytes() && view.slot_bytes == layout.slot_bytes());
    require(view.wait_limit_ns == 30'000'000'000u);
    require(view.give_up == rank.spec.give_up.record);
    for (int r = 0; r < 4; ++r) {  // the peers' too: nobody leaves create() before everybody is ready
      for (std::uint64_t at = 0; at < layout.flag_bytes(); at += 4) require(word_at(view.flags()[r] + at) == 0);
      for (std::uint64_t at = 0; at < layout.lamport_bytes(); at += 4) {
        require(word_at(view.lamport()[r] + at) == kSentinel);
      }
    }
    ControlBlock control;
    std::memcpy(&control, to_pointer(view.control), sizeof(control));
    require(control.arrivals == 0 && control.slot == 0 && control.barrier_generation == 0 && control.abort == 0);
    require(control.calls == 0 && control.dirty.count == 0 && control.slot_bytes == layout.slot_bytes());
    workspace->close(rank.context);
  });
  for (const auto& failure : failures) CHECK_FALSE(failure);
  CHECK(world.balanced());
}

TEST_CASE("the pointer table holds 3W+1 addresses: comm, flags, lamport of each rank, then the control block") {
  WorkspaceWorld world{.ranks = 3, .allocator = any_allocator()};
  const auto failures = world.run([&](RankBench& rank) {
    const auto workspace = rank.create();
    const auto& view = workspace->view();
    std::uint64_t table[10];
    std::memcpy(table, to_pointer(view.pointer_table), sizeof(table));
    for (int r = 0; r < 3; ++r) {
      require(table[r] == view.comm()[r] && table[3 + r] == view.flags()[r] && table[6 + r] == view.lamport()[r]);
    }
    require(table[9] == view.control);
    workspace->close(rank.context);
  });
  for (const auto& failure : failures) CHECK_FALSE(failure);
}

TEST_CASE("facts name the three segments with what was asked and taken") {
  WorkspaceWorld world{.ranks = 2};
  const auto failures = world.run([&](RankBench& rank) {
    const auto workspace = rank.create();
    const auto facts = workspace->facts();
    const auto requests = fusion_segments(rank.spec.capacity);
    require(facts.size() == 3);
    for (int i = 0; i < 3; ++i) {
      require(facts[i].name == requests[i].name);
      require(facts[i].memory.requested_bytes == requests[i].used_bytes + kCanaryBytes);
      require(facts[i].memory.va_layout == "contiguous");
    }
    workspace->close(rank.context);
  });
  for (const auto& failure : failures) CHECK_FALSE(failure);
}

TEST_CASE("an mnnvl workspace starts with sentinels in three buffers, and has no other segment") {
  WorkspaceWorld world{.ranks = 3, .allocator = any_allocator(), .kind = WorkspaceKind::mnnvl};
  const auto failures = world.run([&](RankBench& rank) {
    const auto workspace = rank.create();
    const auto& view = workspace->view();
    require(view.slot_bytes == mnnvl_buffer_bytes(rank.spec.capacity) && view.slot_bytes % 32 == 0);
    require(view.lamport().bytes == 3 * view.slot_bytes && view.comm().bytes == 0 && view.flags().bytes == 0);
    require(workspace->facts().size() == 1);
    std::uint64_t table[4];
    std::memcpy(table, to_pointer(view.pointer_table), sizeof(table));
    for (int r = 0; r < 3; ++r) {
      require(table[r] == view.lamport()[r]);
      for (std::uint64_t at = 0; at < view.lamport().bytes; at += 4)
        require(word_at(view.lamport()[r] + at) == kSentinel);
    }
    require(table[3] == view.control);
    workspace->close(rank.context);
  });
  for (const auto& failure : failures) CHECK_FALSE(failure);
  CHECK(world.balanced());
}

TEST_CASE(
    "a trtllm workspace starts with cleared flags and sentinels in all of its Lamport buffers, and has seven tables") {
  WorkspaceWorld world{
      .ranks = 4, .message_bytes = 16 * 1024, .allocator = any_allocator(), .kind = WorkspaceKind::trtllm};
  const auto failures = world.run([&](RankBench& rank) {
    using View = WorkspaceView;
    const auto workspace = rank.create();
    const auto& view = workspace->view();
    const auto layout = trtllm_layout(rank.spec.capacity);
    require(workspace->facts().size() == 7 && view.slot_bytes == layout.lamport_bytes());
    std::uint64_t table[7 * 4 + 1];
    std::memcpy(table, to_pointer(view.pointer_table), sizeof(table));
    constexpr int kOrder[] = {View::kComm,    View::kSecondComm,    View::kFlags,       View::kSecondFlags,
                              View::kLamport, View::kSecondLamport, View::kThirdLamport};
    for (int i = 0; i < 7; ++i) {
      const bool flags = i == 2 || i == 3;
      const auto& segment = view.segment[kOrder[i]];
      require(segment.bytes == (i < 2 ? layout.comm_bytes() : flags ? layout.flag_bytes() : layout.lamport_bytes()));
      for (int r = 0; r < 4; ++r) {
        require(table[4 * i + r] == segment[r]);
        for (std::uint64_t at = 0; i >= 2 && at < segment.bytes; at += 4) {
          require(word_at(segment[r] + at) == (flags ? 0 : kSentinel));
        }
      }
    }
    require(table[28] == view.control);
    workspace->close(rank.context);
  });
  for (const auto& failure : failures) CHECK_FALSE(failure);
  CHECK(world.balanced());
}

TEST_CASE("every algorithm sums on a fresh workspace, and again after a reset") {
  constexpr int kRanks = 4;
  constexpr std::uint64_t kElements = 4096;
  const auto kind = GENERATE(WorkspaceKind::trtllm_fusion, WorkspaceKind::trtllm, WorkspaceKind::mnnvl);
  WorkspaceWorld world{.ranks = kRanks,
                       .message_bytes = kElements * 4,
                       .dtype = DType::fp32,
                       .allocator = any_allocator(),
                       .kind = kind};
  const auto algorithm =
      GENERATE(Algorithm::one_shot, Algorithm::two_shot, Algorithm::two_shot_barrier, Algorithm::one_shot_pull);
  if (make_host_kernels()->unsupported({.workspace = kind,
                                        .algorithm = algorithm,
                                        .dtype = DType::fp32,
                                        .world_size = kRanks,
                                        .tokens = 1,
                                        .hidden = kElements})) {
    return;
  }
  const auto failures = world.run([&](RankBench& rank) {
    const auto workspace = rank.create();
    const LocalBuffer input(rank.driver, kElements * 4), output(rank.driver, kElements * 4);
    AllreduceCall call{.shape = {.workspace = kind,
                                 .algorithm = algorithm,
                                 .dtype = DType::fp32,
                                 .world_size = kRanks,
                                 .tokens = 1,
                                 .hidden = kElements},
                       .view = &workspace->view(),
                       .input = input.address()};
    call.outputs[OutputKind::allreduce] = output.address();
    auto* const in = static_cast<float*>(to_pointer(input.address()));
    const auto* const out = static_cast<const float*>(to_pointer(output.address()));
    const auto sum_once = [&](int round) {
      for (std::uint64_t i = 0; i < kElements; ++i)
        in[i] = static_cast<float>((i + round) % 100 * (rank.comm.rank() + 1));
      rank.kernels.allreduce(rank.stream, call);
      rank.stream.synchronize();
      require(!workspace->gave_up());
      for (std::uint64_t i = 0; i < kElements; ++i) require(out[i] == static_cast<float>((i + round) % 100 * 10));
    };
    for (int round = 0; round < 7; ++round) sum_once(round);
    workspace->reset(rank.context);
    for (int round = 0; round < 7; ++round) sum_once(round);
    workspace->check_canaries();
    workspace->close(rank.context);
  });
  for (const auto& failure : failures) CHECK_FALSE(failure);
  CHECK(world.balanced());
}

TEST_CASE("reset brings back what a case may have changed") {
  WorkspaceWorld world{.ranks = 2};
  const auto failures = world.run([&](RankBench& rank) {
    const auto workspace = rank.create();
    const auto& view = workspace->view();
    const int own = rank.comm.rank();
    word_at(view.flags()[own] + 8) = 3;
    word_at(view.lamport()[own] + fusion_layout(rank.spec.capacity).lamport_bytes() - 4) = 3;
    static_cast<ControlBlock*>(to_pointer(view.control))->abort = 1;
    static_cast<ControlBlock*>(to_pointer(view.control))->slot = 2;
    rank.give_up.tag = 1;
    workspace->reset(rank.context);
    require(word_at(view.flags()[own] + 8) == 0);
    require(word_at(view.lamport()[own] + fusion_layout(rank.spec.capacity).lamport_bytes() - 4) == kSentinel);
    const auto* control = static_cast<const ControlBlock*>(to_pointer(view.control));
    require(control->abort == 0 && control->slot == 0 && control->slot_bytes == view.slot_bytes);
    require(!workspace->gave_up());
    workspace->close(rank.context);
  });
  for (const auto& failure : failures) CHECK_FALSE(failure);
}

TEST_CASE("a give-up record is explained; without one, or without a place for one, there is nothing to say") {
  WorkspaceWorld world{.ranks = 2};
  const auto failures = world.run([&](RankBench& rank) {
    if (rank.comm.rank() == 1) rank.spec.give_up.record = 0;
    const auto workspace = rank.create();
    require(!workspace->gave_up());
    if (rank.comm.rank() == 0) {
      rank.give_up = {.tag = 1, .rank = 0, .peer = 1, .seen = kSentinel};
      const auto failure = workspace->gave_up();
      require(failure && failure->peer == 1 && failure->reason == Reason::timed_out);
    }
    workspace->close(rank.context);
  });
  for (const auto& failure : failures) CHECK_FALSE(failure);
}

TEST_CASE("a stale give-up record of an earlier workspace is not blamed on a new one") {
  WorkspaceWorld world{.ranks = 2};
  const auto failures = world.run([&](RankBench& rank) {
    rank.give_up.tag = 1;
    const auto workspace = rank.create();
    require(!workspace->gave_up());
    workspace->close(rank.context);
  });
  for (const auto& failure : failures) CHECK_FALSE(failure);
}

TEST_CASE("closing twice is the same as closing once, and leaves nothing behind") {
  const auto before_fds = test::open_descriptors();
  const auto before_maps = test::memfd_mappings();
  const auto used = test::any_allocator_and_handle();
  WorkspaceWorld world{.ranks = 3, .allocator = used.allocator, .handle = used.handle};
  const auto failures = world.run([&](RankBench& rank) {
    for (int cycle = 0; cycle < 5; ++cycle) {
      const auto workspace = rank.create();
      workspace->close(rank.context);
      workspace->close(rank.context);
    }
  });
  for (const auto& failure : failures) CHECK_FALSE(failure);
  CHECK(world.balanced());
  CHECK(test::open_descriptors() == before_fds);
  CHECK(test::memfd_mappings() == before_maps);
}

TEST_CASE("a workspace destroyed without close gives back what this rank holds") {
  WorkspaceWorld world{.ranks = 2, .allocator = test::any_mapping_allocator()};
  const auto failures = world.run([&](RankBench& rank) {
    auto workspace = rank.create();
    workspace.reset();
    barrier(rank.comm, "both are gone");
  });
  for (const auto& failure : failures) CHECK_FALSE(failure);
  CHECK(world.balanced());
}

TEST_CASE("workspaces of subgroups that run at the same time do not meet") {
  WorkspaceWorld world{.ranks = 4, .allocator = any_allocator()};
  const auto failures = world.run([&](RankBench& rank) {
    const auto group = rank.comm.split(2);
    const PhaseContext context{*group};
    rank.spec.capacity = test::capacity_of(2, world.message_bytes);
    const auto workspace =
        Workspace::create(context, rank.allocator, rank.driver, rank.stream, rank.kernels, rank.spec);
    word_at(workspace->view().comm()[group->rank()]) = static_cast<std::uint32_t>(100 + rank.comm.rank());
    barrier(*group, "written");
    const int peer = 1 - group->rank();
    require(word_at(workspace->view().comm()[peer]) == static_cast<std::uint32_t>(100 + group->world_rank(peer)));
    workspace->close(context);
  });
  for (const auto& failure : failures) CHECK_FALSE(failure);
}

}  // namespace
}  // namespace symmbench
