// What went wrong in upstream's kernels over a trtllm workspace, done wrongly here: the checks must see it.
#include <algorithm>
#include <atomic>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <thread>
#include <utility>

#include "kernels/host/faulty_ops.hpp"
#include "kernels/host/host_blocks.hpp"
#include "support/flat_ranks.hpp"

using namespace symmbench;
using namespace symmbench::test;

namespace {

template <class Ops, Pattern kPattern, Algorithm kAlgorithm, class T = Bf16>
void launch_over_trtllm(FlatRanks& ranks, int rank, const AllreduceCall& call) {
  const std::uint32_t blocks = call.shape.blocks;
  ranks.stream(rank).launch(blocks, [call, blocks, view = ranks.view(rank)](std::uint32_t block) {
    host::kRowOfAny<Ops, T, kPattern, kAlgorithm, WorkspaceKind::trtllm>.run(call, view, block, blocks);
  });
}

constexpr std::uint32_t kCalls = 6;

/// Rank 1 reads what rank 0 left for it in a call only when rank 0 has begun to store for the next: as far ahead as a rank
/// can be.
struct LateReader : HostOps {
  using HostOps::HostOps;
  static inline std::atomic<std::uint64_t> begun{0};  ///< the call of rank 0 that stores

  Packet load_comm(int rank, std::uint64_t offset) {
    const std::uint64_t next = control_.calls + 1;
    if (view_.rank == 1 && offset % view_.comm_bytes() == 0) {
      while (next < kCalls && begun < next) std::this_thread::yield();
    }
    return HostOps::load_comm(rank, offset);
  }
  void store_comm(int rank, std::uint64_t offset, const Packet& packet) {
    HostOps::store_comm(rank, offset, packet);
    if (view_.rank == 0 && offset % view_.comm_bytes() == 0) begun = control_.calls;
  }
};

/// As upstream: the second comm buffer is never used.
struct OneCommBuffer : LateReader {
  using LateReader::LateReader;
  Packet load_comm(int rank, std::uint64_t offset) { return LateReader::load_comm(rank, offset % view_.comm_bytes()); }
  void store_comm(int rank, std::uint64_t offset, const Packet& packet) {
    LateReader::store_comm(rank, offset % view_.comm_bytes(), packet);
  }
};

template <class Ops, Algorithm kAlgorithm>
std::uint64_t wrong_with_a_late_reader() {
  CallShape shape{.workspace = WorkspaceKind::trtllm,
                  .algorithm = kAlgorithm,
                  .dtype = DType::bf16,
                  .world_size = 2,
                  .tokens = 1,
                  .hidden = 16};
  shape.blocks = 1;
  LateReader::begun = 0;
  const auto ranks = flat_ranks_for(shape);
  return wrong_elements(run_and_check(*ranks, shape, InputKind::exact, kCalls, 0,
                                      launch_over_trtllm<Ops, Pattern::allreduce, kAlgorithm>));
}

struct LamportOutcome {
  std::uint64_t wrong = 0, left = 0;
  bool gave_up = false;
};

/// As upstream: the clear is of the present call's shape.
struct ClearsPresentShape : HostOps {
  using HostOps::HostOps;
  static inline std::atomic<std::uint32_t> packets{0};  ///< of the present call's message
  CallState load_state() {
    CallState state = HostOps::load_state();
    state.dirty.packets = std::min(state.dirty.packets, packets.load());
    return state;
  }
};

/// Rows of four ranks, until something shows or for `rounds` batches. `tokens`: of a batch and of the next, in turn.
template <class Ops>
LamportOutcome run_rows(int rounds, std::pair<std::uint64_t, std::uint64_t> tokens = {5, 5}) {
  CallShape shape{.workspace = WorkspaceKind::trtllm,
                  .algorithm = Algorithm::one_shot,
                  .pattern = Pattern::residual_rmsnorm,
                  .dtype = DType::bf16,
                  .world_size = 4,
                  .tokens = 16,
                  .hidden = 512};
  shape.blocks = 2;
  const auto ranks = flat_ranks_for(shape, std::chrono::milliseconds(500));
  LamportOutcome outcome;
  for (int round = 0; round < rounds && outcome.wrong + outcome.left == 0 && !outcome.gave_up; ++round) {
    shape.tokens = round % 2 == 0 ? tokens.first : tokens.second;
    ClearsPresentShape::packets = static_cast<std::uint32_t>(shape.packets());
    outcome.wrong +=
        wrong_elements(run_and_check(*ranks, shape, InputKind::random, 3, 3ull * static_cast<std::uint64_t>(round),
                                     launch_over_trtllm<Ops, Pattern::residual_rmsnorm, Algorithm::one_shot>));
    for (int r = 0; r < 4; ++r) outcome.gave_up |= ranks->give_up(r).tag != 0;
    outcome.left += ranks->unaccounted_words();
  }
  return outcome;
}

/// As upstream's push: ranks add in orders of their own. Of four, those of odd numbers change their first and last peer.
struct OwnOrder : HostOps {
  using HostOps::HostOps;
  Packet load_comm(int rank, std::uint64_t offset) {
    const std::uint64_t part = view_.comm_bytes() / 4, in_buffer = offset % view_.comm_bytes();
    const std::uint64_t place = in_buffer / part, last = view_.rank == 3 ? 2 : 3;
    const std::uint64_t other = place == 0 ? last : place == last ? 0 : place;
    return HostOps::load_comm(rank, view_.rank % 2 == 0 ? offset : offset + other * part - place * part);
  }
};

constexpr int kUntilCaught = 2000;

}  // namespace

TEST_CASE("A rank that is a call ahead takes nothing away from one that still reads, with two comm buffers only") {
  CHECK(wrong_with_a_late_reader<LateReader, Algorithm::one_shot>() == 0);
  CHECK(wrong_with_a_late_reader<LateReader, Algorithm::one_shot_pull>() == 0);
  CHECK(wrong_with_a_late_reader<LateReader, Algorithm::two_shot_barrier>() == 0);
#if defined(__SANITIZE_THREAD__)
  SKIP("data races by intent from here on");
#endif
  CHECK(wrong_with_a_late_reader<OneCommBuffer, Algorithm::one_shot>() > 0);
  CHECK(wrong_with_a_late_reader<OneCommBuffer, Algorithm::one_shot_pull>() > 0);
  CHECK(wrong_with_a_late_reader<OneCommBuffer, Algorithm::two_shot_barrier>() > 0);
}

TEST_CASE("Over trtllm a payload that is the sentinel arrives, and without the sanitiser it is waited for") {
  const LamportOutcome whole = run_rows<HostOps>(8);
  CHECK((whole.wrong == 0 && whole.left == 0 && !whole.gave_up));
  CHECK(run_rows<FaultyOps<ProtocolFault::skipped_sanitiser>>(1).gave_up);
}

TEST_CASE("Over trtllm rows may be fewer than in the call before, and a clear of the present shape alone is caught") {
  const LamportOutcome whole = run_rows<HostOps>(8, {16, 1});
  CHECK((whole.wrong == 0 && whole.left == 0 && !whole.gave_up));
  CHECK(run_rows<ClearsPresentShape>(kUntilCaught, {16, 1}).left > 0);
}

TEST_CASE("Over trtllm a clear that is left out or halved, and one buffer for three, are caught") {
  const auto caught = [](const LamportOutcome& outcome) { return outcome.wrong + outcome.left > 0 || outcome.gave_up; };
  CHECK(caught(run_rows<FaultyOps<ProtocolFault::skipped_clear>>(kUntilCaught)));
  CHECK(caught(run_rows<FaultyOps<ProtocolFault::half_clear>>(kUntilCaught)));
  CHECK(caught(run_rows<FaultyOps<ProtocolFault::one_slot>>(kUntilCaught)));
}

TEST_CASE("Ranks that add in orders of their own are caught by the bits of their results") {
  CallShape shape{.workspace = WorkspaceKind::trtllm,
                  .algorithm = Algorithm::one_shot,
                  .dtype = DType::fp32,
                  .world_size = 4,
                  .tokens = 4,
                  .hidden = 256};
  shape.blocks = 2;
  const auto digests_agree = [&](const Launch& launch) {
    const auto reports = run_and_check(*flat_ranks_for(shape), shape, InputKind::random, 2, 0, launch);
    return all_right(reports, shape, 2);
  };
  CHECK(digests_agree(launch_over_trtllm<HostOps, Pattern::allreduce, Algorithm::one_shot, float>));
  CHECK_FALSE(digests_agree(launch_over_trtllm<OwnOrder, Pattern::allreduce, Algorithm::one_shot, float>));
}
