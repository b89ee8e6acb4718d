// How a workspace's life grows with the number of ranks: lib/comm/README.md has the laws.
#include <catch2/catch_test_macros.hpp>
#include <vector>

#include "catalog/allocators.hpp"
#include "unit/workspace/workspace_world.hpp"

namespace symmbench {
namespace {

/// Counts what a rank brings to rounds.
class CountedCommunicator final : public Communicator {
 public:
  explicit CountedCommunicator(Communicator& inner) : inner_(inner) {}
  int rank() const override { return inner_.rank(); }
  int size() const override { return inner_.size(); }
  int world_rank(int group_rank) const override { return inner_.world_rank(group_rank); }
  std::chrono::nanoseconds step_timeout() const override { return inner_.step_timeout(); }
  std::vector<Blob> allgather(std::string_view step, std::span<const std::byte> mine) override {
    ++rounds;
    bytes += mine.size();
    return inner_.allgather(step, mine);
  }
  std::unique_ptr<Communicator> split(int group_size) override { return inner_.split(group_size); }
  std::unique_ptr<Communicator> among(std::span<const int> group_ranks, std::uint64_t which) override {
    return inner_.among(group_ranks, which);
  }

  std::uint64_t rounds = 0, bytes = 0;

 private:
  Communicator& inner_;
};

struct Life {
  std::uint64_t rounds = 0, bytes = 0;
  bool operator==(const Life&) const = default;
};

/// Of one rank, from create to close.
Life life_of(int ranks, const std::string& allocator) {
  test::WorkspaceWorld world{.ranks = ranks, .message_bytes = 16 * kMaxRanks, .allocator = allocator};
  std::vector<Life> lives(static_cast<std::size_t>(ranks));
  const auto failures = world.run([&](test::RankBench& rank) {
    CountedCommunicator comm(rank.comm);
    const PhaseContext context{comm};
    const auto workspace =
        Workspace::create(context, rank.allocator, rank.driver, rank.stream, rank.kernels, rank.spec);
    workspace->close(context);
    lives[static_cast<std::size_t>(comm.rank())] = {comm.rounds, comm.bytes};
  });
  for (const auto& failure : failures) CHECK_FALSE(failure);
  for (const Life& life : lives) CHECK(life.rounds == lives[0].rounds);
  return lives[0];
}

TEST_CASE("a workspace's life takes as many rounds of few ranks as of many, to which each brings as much") {
  for (const auto& row : kAllocators) {
    if (!row.now) continue;
    CAPTURE(row.name);
    const Life few = life_of(2, std::string(row.name)), many = life_of(12, std::string(row.name));
    CHECK(few.rounds == many.rounds);
    // Names of sockets hold the rank's number; what is longer than that would be more for more ranks.
    CHECK(many.bytes <= few.bytes + 2 * few.rounds);
  }
}

}  // namespace
}  // namespace symmbench
