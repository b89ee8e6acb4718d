// Broken protocols: each rule that keeps Lamport packets right is left out once, and the checks must see it.
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "kernels/host/host_blocks.hpp"
#include "support/flat_ranks.hpp"

using namespace symmbench;
using namespace symmbench::test;

namespace {

struct NoMutation : HostOps {
  using HostOps::HostOps;
};
struct SkipsTheClear : HostOps {
  using HostOps::HostOps;
  void clear(std::uint64_t) {}
};
struct SkipsTheSanitiser : HostOps {
  using HostOps::HostOps;
  static Packet sanitise(const Packet& packet) { return packet; }
};
struct UsesOneSlotOnly : HostOps {
  using HostOps::HostOps;
  CallState load_state() {
    CallState state = HostOps::load_state();
    state.slot = 0;
    return state;
  }
};
struct ForgetsTheDirtyPackets : HostOps {
  using HostOps::HostOps;
  void advance(CallState next) {
    next.dirty.packets /= 2;
    HostOps::advance(next);
  }
};
struct DropsOnePacket : HostOps {
  using HostOps::HostOps;
  template <class World>
  void send_to_all(const Targets<World>& targets, std::uint64_t slot_offset, const Packet& packet) {
    if (view_.rank == 1 && targets.offset % 1024 == 0) return;
    HostOps::send_to_all(targets, slot_offset, packet);
  }
  void send(const Target& target, std::uint64_t slot_offset, const Packet& packet) {
    if (view_.rank == 1 && target.offset % 1024 == 0) return;
    HostOps::send(target, slot_offset, packet);
  }
};
struct SkipsTheBarrier : HostOps {
  using HostOps::HostOps;
  std::uint32_t observe(std::uint64_t) { return HostOps::load_state().barrier_generation + 2; }
};

/// What these tests run: plain sums of four ranks.
template <class Ops>
constexpr host::BlockRow kRows[] = {host::kRowOf<Ops, Bf16, Pattern::allreduce, Algorithm::one_shot, 4>,
                                    host::kRowOf<Ops, Bf16, Pattern::allreduce, Algorithm::two_shot, 4>,
                                    host::kRowOf<Ops, Bf16, Pattern::allreduce, Algorithm::two_shot_barrier, 4>};

template <class Ops>
Launch launch_with() {
  return [](FlatRanks& ranks, int rank, const AllreduceCall& call) {
    const auto run = row_for(std::span<const host::BlockRow>(kRows<Ops>), call.shape)->run;
    ranks.stream(rank).launch(2,
                              [run, call, view = ranks.view(rank)](std::uint32_t block) { run(call, view, block, 2); });
  };
}

struct Outcome {
  std::uint64_t wrong = 0;
  bool gave_up = false;
  bool caught() const { return wrong != 0 || gave_up; }
};

/// Rounds of batches until something shows, at most `rounds`.
template <class Ops>
Outcome run_mutant(Algorithm algorithm, int rounds = 1) {
  const CallShape shape{.algorithm = algorithm, .dtype = DType::bf16, .world_size = 4, .tokens = 16, .hidden = 512};
  FlatRanks ranks(layout_for(shape), std::chrono::milliseconds(500));
  Outcome outcome;
  for (int round = 0; round < rounds && !outcome.caught(); ++round) {
    const auto reports =
        run_and_check(ranks, shape, InputKind::random, 9, 9ull * static_cast<std::uint64_t>(round), launch_with<Ops>());
    outcome.wrong += wrong_elements(reports);
    for (int r = 0; r < 4; ++r) outcome.gave_up |= ranks.give_up(r).tag != 0;
  }
  return outcome;
}

}  // namespace

TEST_CASE("The unbroken protocol passes where the mutants are caught") {
  const auto algorithm = GENERATE(Algorithm::one_shot, Algorithm::two_shot, Algorithm::two_shot_barrier);
  CHECK_FALSE(run_mutant<NoMutation>(algorithm).caught());
}

TEST_CASE("Without clearing the previous slot, stale packets are taken for new ones") {
  const auto algorithm = GENERATE(Algorithm::one_shot, Algorithm::two_shot);
  CHECK(run_mutant<SkipsTheClear>(algorithm, 50).wrong > 0);
}

TEST_CASE("Without the sanitiser, a payload equal to the sentinel is waited for until the limit") {
  const auto algorithm = GENERATE(Algorithm::one_shot, Algorithm::two_shot);
  CHECK(run_mutant<SkipsTheSanitiser>(algorithm).gave_up);
}

TEST_CASE("One slot instead of three is caught") {
  const auto algorithm = GENERATE(Algorithm::one_shot, Algorithm::two_shot);
  CHECK(run_mutant<UsesOneSlotOnly>(algorithm, 50).caught());
}

TEST_CASE("Clearing fewer packets than were written is caught") {
  const auto algorithm = GENERATE(Algorithm::one_shot, Algorithm::two_shot);
  CHECK(run_mutant<ForgetsTheDirtyPackets>(algorithm, 50).caught());
}

TEST_CASE("A dropped packet is waited for until the limit") {
  const auto algorithm = GENERATE(Algorithm::one_shot, Algorithm::two_shot);
  CHECK(run_mutant<DropsOnePacket>(algorithm).gave_up);
}

TEST_CASE("A barrier that does not wait gives wrong sums") {
#if defined(__SANITIZE_THREAD__)
  SKIP("a data race by intent; tests/unit/kernels/tsan expects ThreadSanitizer's report of one");
#endif
  CHECK(run_mutant<SkipsTheBarrier>(Algorithm::two_shot_barrier, 50).wrong > 0);
}
