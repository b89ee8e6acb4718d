#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/generators/catch_generators_range.hpp>
#include <cstdint>

#include "support/any_allocator.hpp"
#include "support/contains.hpp"
#include "support/process_resources.hpp"
#include "unit/workspace/workspace_world.hpp"
#include "workspace/fusion_capacity.hpp"

namespace symmbench {
namespace {

using test::any_allocator;
using test::RankBench;
using test::require;
using test::word_at;
using test::WorkspaceWorld;

/// Every rank fails with the same root cause; it is given back. Nothing is held any more.
Failure common_failure(WorkspaceWorld& world, const std::function<void(RankBench&)>& body) {
  const auto before_fds = test::open_descriptors();
  const auto before_maps = test::memfd_mappings();
  const auto failures = world.run(body);
  for (const auto& failure : failures) {
    REQUIRE(failure);
    CHECK(describe(*failure) == describe(*failures[0]));
  }
  CHECK(world.balanced());
  CHECK(test::open_descriptors() == before_fds);
  CHECK(test::memfd_mappings() == before_maps);
  return *failures[0];
}

/// SharedMemory in which two ranks' blocks appear under each other's number, as after a wrong rank order.
class SwappedMemory final : public SharedMemory {
 public:
  explicit SwappedMemory(std::unique_ptr<SharedMemory> inner) : inner_(std::move(inner)) {}
  DevicePtr data(int r) const override { return inner_->data(r == 1 ? 3 : r == 3 ? 1 : r); }
  const SharedMemoryFacts& facts() const override { return inner_->facts(); }
  void give_back(Communicator* comm) override { inner_->give_back(comm); }
  bool closed() const override { return inner_->closed(); }

 private:
  std::unique_ptr<SharedMemory> inner_;
};

/// On one rank, the `nth` segment has its peers mixed up.
class SwappingAllocator final : public Allocator {
 public:
  SwappingAllocator(Allocator& inner, bool active, int nth) : inner_(inner), active_(active), nth_(nth) {}
  AllocatorKind kind() const override { return inner_.kind(); }
  std::span<const Difference> differences() const override { return inner_.differences(); }
  std::uint64_t granularity(Driver& driver, HandleType handle) const override {
    return inner_.granularity(driver, handle);
  }
  std::uint64_t allocated_bytes(std::uint64_t bytes, std::uint64_t granularity) const override {
    return inner_.allocated_bytes(bytes, granularity);
  }
  std::vector<std::unique_ptr<SharedMemory>> allocate_all(const PhaseContext& context, Driver& driver,
                                                          std::span<const MemoryRequest> requests,
                                                          HandleType handle) override {
    auto memory = inner_.allocate_all(context, driver, requests, handle);
    if (active_) memory.at(nth_ - 1) = std::make_unique<SwappedMemory>(std::move(memory.at(nth_ - 1)));
    return memory;
  }

 private:
  Allocator& inner_;
  bool active_;
  int nth_;
};

TEST_CASE("peers that are mapped under each other's rank are found and named before use") {
  WorkspaceWorld world{.ranks = 4, .allocator = any_allocator()};
  const auto failure = common_failure(world, [&](RankBench& rank) {
    SwappingAllocator swapping(rank.allocator, rank.comm.rank() == 0, 3);
    Workspace::create(rank.context, swapping, rank.driver, rank.stream, rank.kernels, rank.spec);
  });
  CHECK(failure.phase == Phase::verify);
  CHECK(failure.layer == Layer::workspace);
  CHECK(failure.reason == Reason::wrong_data);
  CHECK(failure.rank == 0);
  CHECK(failure.peer == 1);
  CHECK(failure.detail == "segment lamport: the mapping of rank 1 shows rank 3's memory");
}

/// On one rank, fabric handles arrive in another order than they were sent.
class PermutedCommunicator final : public Communicator {
 public:
  explicit PermutedCommunicator(Communicator& inner) : inner_(inner) {}
  int rank() const override { return inner_.rank(); }
  int size() const override { return inner_.size(); }
  int world_rank(int group_rank) const override { return inner_.world_rank(group_rank); }
  std::vector<Blob> allgather(std::string_view step, std::span<const std::byte> mine) override {
    auto blobs = inner_.allgather(step, mine);
    if (step.find("fabric handles") != std::string_view::npos) std::swap(blobs[0], blobs[2]);
    return blobs;
  }
  std::unique_ptr<Communicator> split(int group_size) override { return inner_.split(group_size); }
  std::unique_ptr<Communicator> among(std::span<const int> group_ranks, std::uint64_t which) override {
    return inner_.among(group_ranks, which);
  }
  std::chrono::nanoseconds step_timeout() const override { return inner_.step_timeout(); }

 private:
  Communicator& inner_;
};

TEST_CASE("handles that arrive in the wrong rank order are found by the ownership test") {
  WorkspaceWorld world{.ranks = 4, .allocator = test::any_mapping_allocator(), .handle = HandleType::fabric};
  const auto failure = common_failure(world, [&](RankBench& rank) {
    PermutedCommunicator permuted(rank.comm);
    Communicator& used = rank.comm.rank() == 1 ? permuted : rank.comm;
    Workspace::create({used}, rank.allocator, rank.driver, rank.stream, rank.kernels, rank.spec);
  });
  CHECK(failure.phase == Phase::verify);
  CHECK(failure.rank == 1);
  CHECK(failure.detail == "segment comm: the mapping of rank 0 shows rank 2's memory");
}

/// Writes one word more than it should when the ownership marks are written: after the patterns, before the scan.
class SpoilingKernels final : public test::KernelsDecorator {
 public:
  SpoilingKernels(KernelSet& inner, DevicePtr distance, std::uint32_t value)
      : KernelsDecorator(inner), distance_(distance), value_(value) {}
  void write_word(Stream& stream, DevicePtr to, std::uint32_t value) override {
    KernelsDecorator::write_word(stream, to, value);
    if (++calls_ == 5) stream.fill(to + distance_, value_, 1);  // the first word of the third segment
  }

 private:
  DevicePtr distance_;
  std::uint32_t value_;
  int calls_ = 0;
};

TEST_CASE("a Lamport word with the wrong pattern is found before the first kernel") {
  WorkspaceWorld world{.ranks = 3, .allocator = any_allocator()};
  const auto failure = common_failure(world, [&](RankBench& rank) {
    SpoilingKernels spoiling(rank.kernels, rank.comm.rank() == 2 ? 4096 : 0, rank.comm.rank() == 2 ? 0x80008000u : 0);
    KernelSet& used = rank.comm.rank() == 2 ? spoiling : rank.kernels;
    Workspace::create(rank.context, rank.allocator, rank.driver, rank.stream, used, rank.spec);
  });
  CHECK(failure.phase == Phase::verify);
  CHECK(failure.reason == Reason::wrong_data);
  CHECK(failure.rank == 2);
  CHECK(failure.detail ==
        "segment lamport of rank 2: 1 of 147456 words are not 0x80000000 before use; the first at byte 4096 is "
        "0x80008000");
}

TEST_CASE("a canary that was overwritten is named with segment, owner and offset, at check and at close") {
  const int segment = GENERATE(0, 1, 2);
  WorkspaceWorld world{.ranks = 2, .allocator = any_allocator()};
  const auto failure = common_failure(world, [&](RankBench& rank) {
    const auto workspace = rank.create();
    if (rank.comm.rank() == 1) {
      const auto& view = workspace->view();
      const auto used = fusion_segments(rank.spec.capacity)[segment].used_bytes;
      const DevicePtr base = segment == 0 ? view.comm()[1] : segment == 1 ? view.flags()[1] : view.lamport()[1];
      word_at(base + used + 12) = 0xBAD;
      word_at(base + used + kCanaryBytes - 4) = 0xBAD;
      try {
        workspace->check_canaries();
        require(false, "the damage was not found");
      } catch (const Error& error) {
        require(error.failure().reason == Reason::corrupted);
        require(contains(error.failure().detail,
                         std::string(fusion_segments(rank.spec.capacity)[segment].name) + " of rank 1"));
        require(contains(error.failure().detail, "12 bytes behind the"));
        require(contains(error.failure().detail, "2 words in all"));
      }
    } else {
      workspace->check_canaries();
    }
    workspace->close(rank.context);
  });
  CHECK(failure.phase == Phase::close);
  CHECK(failure.reason == Reason::corrupted);
  CHECK(failure.rank == 1);
}

TEST_CASE("a workspace for another number of ranks than its group is refused before anything is made") {
  WorkspaceWorld world{.ranks = 4};
  const auto failure = common_failure(world, [&](RankBench& rank) {
    rank.spec.capacity = test::capacity_of(2, world.message_bytes);
    rank.create();
  });
  CHECK(failure.phase == Phase::create);
  CHECK(failure.detail == "a workspace for 2 ranks over a group of 4");
  for (const auto& ledger : world.ledgers) CHECK(ledger.created.empty());
}

TEST_CASE("ranks that want different workspaces are told so before anything is made") {
  WorkspaceWorld world{.ranks = 3};
  const auto failure = common_failure(world, [&](RankBench& rank) {
    if (rank.comm.rank() == 2) rank.spec.capacity = test::capacity_of(3, 2 * world.message_bytes);
    rank.create();
  });
  CHECK(failure.reason == Reason::disagreement);
  CHECK(contains(failure.detail, "rank 0 wants 3 ranks, messages of 65536 bytes"));
  CHECK(contains(failure.detail, "rank 2 wants 3 ranks, messages of 131072 bytes"));
  for (const auto& ledger : world.ledgers) CHECK(ledger.created.empty());
}

TEST_CASE("a workspace without a limit for its waits, or with a message of no whole packets, is refused") {
  WorkspaceWorld world{.ranks = 2};
  CHECK(common_failure(world, [](RankBench& rank) {
          rank.spec.give_up.wait_limit = {};
          rank.create();
        }).reason == Reason::invalid_argument);
  CHECK(common_failure(world, [](RankBench& rank) {
          rank.spec.capacity = test::capacity_of(2, 100);
          rank.create();
        }).reason == Reason::invalid_argument);
}

TEST_CASE("a workspace that does not fit into free memory is refused with the figures") {
  WorkspaceWorld world{.ranks = 2};
  const auto failure = common_failure(world, [&](RankBench& rank) {
    HostDriver small({.memory_limit_bytes = 4ull << 20});
    const auto stream = small.make_stream();
    Workspace::create(rank.context, rank.allocator, rank.comm.rank() == 1 ? small : rank.driver,
                      rank.comm.rank() == 1 ? *stream : rank.stream, rank.kernels, rank.spec);
  });
  CHECK(failure.rank == 1);
  CHECK(failure.reason == Reason::capacity_exceeded);
  CHECK(contains(failure.detail, "take 12 MiB per rank, 4 MiB are free"));
}

TEST_CASE("whatever driver call fails while a workspace is made, all ranks leave and nothing is held") {
  // Each function at its first, a middle and a late call: every stage of a half-built workspace.
  const auto allocator = any_allocator();
  const bool mapped = can_travel_by(allocator_from(allocator).value(), HandleType::posix_fd);
  auto calls = mapped ? std::vector{DriverCall::granularity,   DriverCall::create,     DriverCall::export_handle,
                                    DriverCall::import_handle, DriverCall::reserve,    DriverCall::map,
                                    DriverCall::set_access,    DriverCall::make_stream}
                      : std::vector{DriverCall::export_ipc, DriverCall::open_ipc};
  for (const auto common : {DriverCall::memory_info, DriverCall::allocate_local}) {
    calls.push_back(common);
  }
  const auto call = GENERATE_COPY(from_range(calls));
  const std::uint64_t nth = GENERATE(1, 2, 3);
  if ((call == DriverCall::memory_info || call == DriverCall::make_stream) && nth > 1) return;
  // The first stream of a rank is the test's own.
  const std::uint64_t own_calls = call == DriverCall::make_stream ? 1 : 0;
  WorkspaceWorld world{.ranks = 3,
                       .allocator = allocator,
                       .faulty_rank = 1,
                       .faults = {{.call = call, .nth = nth + own_calls, .code = driver_code::kNotReady}}};
  const auto failure = common_failure(world, [](RankBench& rank) { rank.create()->close(rank.context); });
  CHECK(failure.rank == 1);
  CHECK(failure.layer == Layer::driver);
  CHECK(failure.call == name_of(call));
  CHECK(failure.code == driver_code::kNotReady);
}

/// Cannot launch the first kernel of the verification.
class FailingKernels final : public test::KernelsDecorator {
 public:
  using KernelsDecorator::KernelsDecorator;
  void write_word(Stream&, DevicePtr, std::uint32_t) override {
    throw Error({.layer = Layer::kernel, .reason = Reason::internal, .call = "write_word"});
  }
};

TEST_CASE("a kernel that cannot be launched during verification fails all ranks and leaves nothing") {
  WorkspaceWorld world{.ranks = 3, .allocator = any_allocator()};
  const auto failure = common_failure(world, [&](RankBench& rank) {
    FailingKernels failing(rank.kernels);
    KernelSet& used = rank.comm.rank() == 0 ? failing : rank.kernels;
    Workspace::create(rank.context, rank.allocator, rank.driver, rank.stream, used, rank.spec);
  });
  CHECK(failure.phase == Phase::verify);
  CHECK(failure.rank == 0);
  CHECK(failure.call == "write_word");
}

TEST_CASE("when a rank dies during close the others are told and hold nothing") {
  WorkspaceWorld world{.ranks = 3, .allocator = test::any_mapping_allocator()};
  std::vector<std::optional<Failure>> seen(3);
  CHECK_THROWS_AS(world.run([&](RankBench& rank) {
    const auto workspace = rank.create();
    if (rank.comm.rank() == 1) throw std::runtime_error("killed");
    try {
      workspace->close(rank.context);
    } catch (const Error& error) {
      seen[rank.comm.rank()] = error.failure();
    }
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
