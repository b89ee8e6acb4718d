// Protocols of messages that are cut by tokens.
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "support/flat_ranks.hpp"

using namespace symmbench;
using namespace symmbench::test;

namespace {

constexpr Algorithm kTokenAlgorithms[] = {Algorithm::one_shot, Algorithm::two_shot};
constexpr DType kTokenTypes[] = {DType::fp16, DType::bf16, DType::fp32};

CallShape token_shape(Algorithm algorithm, Pattern pattern, DType dtype, int ranks, std::uint64_t tokens,
                      std::uint64_t hidden) {
  return {.workspace = WorkspaceKind::mnnvl,
          .algorithm = algorithm,
          .pattern = pattern,
          .dtype = dtype,
          .world_size = ranks,
          .tokens = tokens,
          .hidden = hidden};
}

void expect_right_by_tokens(const CallShape& shape, std::uint32_t iterations = 4) {
  FlatRanks ranks(layout_for(shape));
  INFO(name_of(shape.algorithm) << " " << name_of(shape.pattern) << " " << name_of(shape.dtype) << " "
                                << shape.world_size << " ranks, " << shape.tokens << " x " << shape.hidden);
  std::uint64_t first = 0;
  for (const InputKind kind : {InputKind::exact, InputKind::random}) {
    const auto reports = run_and_check(ranks, shape, kind, iterations, first);
    REQUIRE(ranks.give_up(0).tag == 0);
    CHECK(all_right(reports, shape, iterations));
    first += iterations;
  }
  CHECK(ranks.unaccounted_words() == 0);
}

}  // namespace

TEST_CASE("Over mnnvl every type sums over every number of ranks, with fewer and with more tokens than ranks") {
  const int ranks = GENERATE(1, 2, 3, 4, 5, 8, 16);
  for (const auto algorithm : kTokenAlgorithms) {
    for (const auto dtype : kTokenTypes) {
      for (const std::uint64_t tokens : {1, 3, 17}) {
        expect_right_by_tokens(token_shape(algorithm, Pattern::allreduce, dtype, ranks, tokens, 40), 3);
      }
    }
  }
}

TEST_CASE("Over mnnvl rows of every type are normalised") {
  const int ranks = GENERATE(2, 4, 8, 16);
  for (const auto algorithm : kTokenAlgorithms) {
    for (const auto dtype : kTokenTypes) {
      for (const std::uint64_t tokens : {1, 3, 17}) {
        expect_right_by_tokens(token_shape(algorithm, Pattern::residual_rmsnorm, dtype, ranks, tokens, 72), 3);
      }
    }
  }
}

TEST_CASE("Over mnnvl the largest domain of 72 ranks sums") {
  for (const auto algorithm : kTokenAlgorithms) {
    expect_right_by_tokens(token_shape(algorithm, Pattern::allreduce, DType::bf16, 72, 5, 64), 2);
  }
}

TEST_CASE("Over mnnvl plain allreduce works in place, and blocks do not change the result") {
  const std::uint32_t blocks = GENERATE(1, 2, 7);
  for (const auto algorithm : kTokenAlgorithms) {
    CallShape shape = token_shape(algorithm, Pattern::allreduce, DType::bf16, 4, 5, 64);
    shape.in_place = true;
    shape.blocks = blocks;
    expect_right_by_tokens(shape);
  }
}

TEST_CASE("Over mnnvl sizes, algorithms and patterns may change from call to call in one workspace") {
  const int ranks = GENERATE(2, 3, 4, 8);
  FlatRanks world(layout_for(token_shape(Algorithm::one_shot, Pattern::allreduce, DType::fp32, ranks, 16, 512)));
  std::uint64_t random = 12345;
  const auto draw = [&](std::uint64_t below) {
    random = random * 6364136223846793005ull + 1442695040888963407ull;
    return (random >> 33) % below;
  };
  std::uint64_t iteration = 0;
  for (int batch = 0; batch < 60; ++batch) {
    const bool fused = ranks != 3 && draw(3) == 0;
    CallShape shape = token_shape(kTokenAlgorithms[draw(2)], fused ? Pattern::residual_rmsnorm : Pattern::allreduce,
                                  kTokenTypes[draw(3)], ranks, 1 + draw(16), 8 * (1 + draw(64)));
    shape.blocks = static_cast<std::uint32_t>(draw(4));
    const auto iterations = static_cast<std::uint32_t>(1 + draw(4));
    INFO("batch " << batch << " " << name_of(shape.algorithm) << " " << shape.tokens << " x " << shape.hidden);
    const auto kind = draw(2) == 0 ? InputKind::exact : InputKind::random;
    REQUIRE(all_right(run_and_check(world, shape, kind, iterations, iteration), shape, iterations));
    REQUIRE(world.unaccounted_words() == 0);
    iteration += iterations;
  }
  CHECK(world.control(0).calls == iteration);
}

TEST_CASE("Both workspaces give the same bits") {
  std::vector<std::uint64_t> digests;
  for (const auto workspace : {WorkspaceKind::trtllm_fusion, WorkspaceKind::mnnvl}) {
    for (const auto algorithm : kTokenAlgorithms) {
      CallShape shape = token_shape(algorithm, Pattern::residual_rmsnorm, DType::fp16, 4, 6, 640);
      shape.workspace = workspace;
      FlatRanks ranks(layout_for(shape));
      digests.push_back(run_and_check(ranks, shape, InputKind::random, 3)[0].digest);
    }
  }
  for (const auto digest : digests) CHECK(digest == digests[0]);
}

TEST_CASE("A slot of an mnnvl workspace holds the rows of a token side by side, one of each rank but the own") {
  constexpr int kRanks = 4;
  constexpr std::uint64_t kTokens = 3, kRowPackets = 2;
  const auto algorithm = GENERATE(Algorithm::one_shot, Algorithm::two_shot);
  const auto shape = token_shape(algorithm, Pattern::allreduce, DType::fp32, kRanks, kTokens, kRowPackets * 4);
  FlatRanks ranks(layout_for(shape));
  run_and_check(ranks, shape, InputKind::exact, 1);
  for (int me = 0; me < kRanks; ++me) {
    for (std::uint64_t row = 0; row < 4 * kTokens; ++row) {
      const auto rank = static_cast<int>(row % kRanks);
      // One-shot: row t * W + r is rank r's token t. Two-shot: rows 0 ... 3 are what the owner of token `me` is sent, rows
      // 4 + t the sum of token t.
      const bool wanted = algorithm == Algorithm::one_shot ? true
                          : row < kRanks                   ? me < static_cast<int>(kTokens)
                                                           : row < kRanks + kTokens;
      for (std::uint64_t word = 0; word < 4 * kRowPackets; ++word) {
        INFO("rank " << me << " row " << row << " word " << word);
        const bool written = ranks.lamport(me).word(row * 4 * kRowPackets + word) != kSentinel;
        CHECK(written == (wanted && rank != me));
      }
    }
  }
}
