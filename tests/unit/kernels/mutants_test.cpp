// Broken protocols: each rule that keeps Lamport packets right is left out once, and the checks must see it.
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <optional>

#include "support/flat_ranks.hpp"

using namespace symmbench;
using namespace symmbench::test;

namespace {

struct Outcome {
  std::uint64_t wrong = 0;
  bool gave_up = false;
  std::uint64_t left = 0;  ///< words in slots that a whole protocol would have cleared
  bool caught() const { return wrong != 0 || gave_up || left != 0; }
};

struct Form {
  WorkspaceKind workspace;
  Algorithm algorithm;
};
/// One of the protocols of Lamport packets.
Form lamport_form() {
  return GENERATE(Form{WorkspaceKind::trtllm_fusion, Algorithm::one_shot},
                  Form{WorkspaceKind::trtllm_fusion, Algorithm::two_shot},
                  Form{WorkspaceKind::mnnvl, Algorithm::one_shot}, Form{WorkspaceKind::mnnvl, Algorithm::two_shot});
}
/// One of those of flags.
Form barrier_form() {
  return GENERATE(
      Form{WorkspaceKind::trtllm_fusion, Algorithm::two_shot_barrier}, Form{WorkspaceKind::trtllm, Algorithm::one_shot},
      Form{WorkspaceKind::trtllm, Algorithm::one_shot_pull}, Form{WorkspaceKind::trtllm, Algorithm::two_shot_barrier});
}

/// Whether a stale packet is read depends on who comes first: as many rounds as make it certain. A fault that shows ends them.
constexpr int kUntilSeen = 2000;

/// Rounds of batches until something shows, at most `rounds`. The fault strikes one rank of four, or all of them.
Outcome run_with(std::optional<ProtocolFault> fault, Form form, int rounds = 1,
                 std::optional<int> struck = std::nullopt) {
  const CallShape shape{.workspace = form.workspace,
                        .algorithm = form.algorithm,
                        .dtype = DType::bf16,
                        .world_size = 4,
                        .tokens = 16,
                        .hidden = 512};
  const auto world = flat_ranks_for(shape, std::chrono::milliseconds(500));
  FlatRanks& ranks = *world;
  const auto broken = make_host_kernels(fault);
  const Launch launch = [&](FlatRanks& of, int rank, const AllreduceCall& call) {
    (struck.value_or(rank) == rank ? *broken : of.kernels()).allreduce(of.stream(rank), call);
  };
  Outcome outcome;
  for (int round = 0; round < rounds && !outcome.caught(); ++round) {
    const auto reports =
        run_and_check(ranks, shape, InputKind::random, 9, 9ull * static_cast<std::uint64_t>(round), launch);
    outcome.wrong += wrong_elements(reports);
    for (int r = 0; r < 4; ++r) outcome.gave_up |= ranks.give_up(r).tag != 0;
    if (form.algorithm != Algorithm::two_shot_barrier) outcome.left += ranks.unaccounted_words();
  }
  return outcome;
}

}  // namespace

TEST_CASE("The unbroken protocol passes where the mutants are caught") {
  CHECK_FALSE(run_with(std::nullopt, lamport_form()).caught());
  CHECK_FALSE(run_with(std::nullopt, barrier_form()).caught());
}

TEST_CASE("Without clearing the previous slot, stale packets are taken for new ones") {
  const Form form = lamport_form();
  CHECK(run_with(ProtocolFault::skipped_clear, form, kUntilSeen).wrong > 0);
}

TEST_CASE("Without the sanitiser, a payload equal to the sentinel is waited for until the limit") {
  const Form form = lamport_form();
  CHECK(run_with(ProtocolFault::skipped_sanitiser, form).gave_up);
}

TEST_CASE("One slot instead of three is caught") {
  const Form form = lamport_form();
  CHECK(run_with(ProtocolFault::one_slot, form, kUntilSeen).caught());
}

TEST_CASE("Clearing fewer packets than were written is caught") {
  const Form form = lamport_form();
  CHECK(run_with(ProtocolFault::half_clear, form, kUntilSeen).caught());
}

TEST_CASE("A packet that has not arrived and is taken for zeros gives wrong sums") {
  CHECK(run_with(ProtocolFault::sentinel_as_data, lamport_form(), kUntilSeen).wrong > 0);
}

TEST_CASE("A rank whose rotation of slots is off by one is waited for, and waits, until the limit") {
  CHECK(run_with(ProtocolFault::wrong_slot, lamport_form(), 1, 1).gave_up);
}

TEST_CASE("A dropped packet is waited for until the limit") {
  const Form form = lamport_form();
  CHECK(run_with(ProtocolFault::packet_lost, form, 1, 1).gave_up);
}

TEST_CASE("A packet that is stale, doubled or flipped gives wrong sums") {
  const auto fault =
      GENERATE(ProtocolFault::packet_stale, ProtocolFault::packet_doubled, ProtocolFault::packet_flipped);
  const Form form = lamport_form();
  CAPTURE(static_cast<int>(fault), name_of(form.algorithm));
  CHECK(run_with(fault, form, kUntilSeen, 1).caught());
}

TEST_CASE("A slot that is cleared while it is in use is caught") {
  const Form form = {WorkspaceKind::trtllm_fusion, GENERATE(Algorithm::one_shot, Algorithm::two_shot)};
  CHECK(run_with(ProtocolFault::wrong_clear, form, kUntilSeen, 1).caught());
}

TEST_CASE("A signal that does not come is waited for until the limit") {
  CHECK(run_with(ProtocolFault::signal_lost, barrier_form(), 1, 1).gave_up);
}

TEST_CASE("A barrier that does not wait gives wrong sums") {
#if defined(__SANITIZE_THREAD__)
  SKIP("a data race by intent; tests/unit/kernels/tsan expects ThreadSanitizer's report of one");
#endif
  CHECK(run_with(ProtocolFault::barrier_skipped, barrier_form(), kUntilSeen).wrong > 0);
}

TEST_CASE("A protocol that is broken at one rank only is caught all the same") {
  const auto fault = GENERATE(ProtocolFault::skipped_clear, ProtocolFault::skipped_sanitiser, ProtocolFault::one_slot,
                              ProtocolFault::half_clear, ProtocolFault::packet_lost, ProtocolFault::sentinel_as_data);
  const Form form = lamport_form();
  CAPTURE(static_cast<int>(fault), name_of(form.workspace), name_of(form.algorithm));
  CHECK(run_with(fault, form, kUntilSeen, 1).caught());
}

TEST_CASE("A broken protocol runs plain bf16 only, and says so of anything else") {
  const auto broken = make_host_kernels(ProtocolFault::packet_lost);
  CallShape shape{.algorithm = Algorithm::one_shot, .dtype = DType::bf16, .world_size = 3, .tokens = 16, .hidden = 512};
  CHECK_FALSE(broken->unsupported(shape));
  shape.dtype = DType::fp32;
  CHECK(broken->unsupported(shape));
}
