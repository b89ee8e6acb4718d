// Protocols of a trtllm workspace: flags and two comm buffers for plain sums, three Lamport buffers for rows.
#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <set>

#include "kernels/call_rules.hpp"
#include "support/flat_ranks.hpp"

using namespace symmbench;
using namespace symmbench::test;

namespace {

constexpr Algorithm kFlagAlgorithms[] = {Algorithm::one_shot, Algorithm::one_shot_pull, Algorithm::two_shot_barrier};
constexpr DType kAllTypes[] = {DType::fp16, DType::bf16, DType::fp32};

CallShape flag_shape(Algorithm algorithm, DType dtype, int ranks, std::uint64_t tokens, std::uint64_t hidden) {
  return {.workspace = WorkspaceKind::trtllm,
          .algorithm = algorithm,
          .dtype = dtype,
          .world_size = ranks,
          .tokens = tokens,
          .hidden = hidden};
}
CallShape lamport_shape(DType dtype, int ranks, std::uint64_t tokens, std::uint64_t hidden) {
  CallShape shape = flag_shape(Algorithm::one_shot, dtype, ranks, tokens, hidden);
  shape.pattern = Pattern::residual_rmsnorm;
  return shape;
}

void expect_right_over_trtllm(const CallShape& shape, std::uint32_t iterations = 4) {
  const auto ranks = flat_ranks_for(shape);
  INFO(name_of(shape.algorithm) << " " << name_of(shape.pattern) << " " << name_of(shape.dtype) << " "
                                << shape.world_size << " ranks, " << shape.tokens << " x " << shape.hidden << ", "
                                << shape.blocks << " blocks");
  std::uint64_t first = 0;
  for (const InputKind kind : {InputKind::exact, InputKind::random}) {
    const auto reports = run_and_check(*ranks, shape, kind, iterations, first);
    REQUIRE(ranks->give_up(0).tag == 0);
    CHECK(all_right(reports, shape, iterations));
    first += iterations;
  }
  CHECK(ranks->unaccounted_words() == 0);
}

}  // namespace

TEST_CASE("Sizes of a trtllm workspace are upstream's") {
  struct Row {
    int ranks;
    std::uint64_t tokens, hidden, comm, flags, lamport;
  };
  const Row rows[] = {{2, 128, 4096, 4194304, 400, 524288},
                      {4, 128, 4096, 8388608, 800, 2097152},
                      {8, 128, 8192, 33554432, 1600, 16777216}};
  for (const auto& row : rows) {
    const TrtllmLayout layout{row.ranks, row.tokens * row.hidden, row.hidden};
    CHECK(layout.comm_bytes() == row.comm);
    CHECK(layout.flag_bytes() == row.flags);
    CHECK(layout.lamport_bytes() == row.lamport);
  }
}

TEST_CASE(
    "Every block has a row of flags of its own in every call and its next, and the last one is the last there is") {
  for (const int ranks : kTrtllmWorldSizes) {
    const TrtllmLayout layout{ranks};
    std::set<std::uint64_t> rows;
    for (std::uint32_t block = 0; block < kTrtllmBlocks; ++block) {
      for (const std::uint32_t flag : {7u, 8u}) {
        const FlagCall call = flag_call(ranks, block, flag, 4096);
        CHECK(call.buffer == (flag == 7 ? 4096 : 0));
        CHECK(call.out_row == layout.flag_bytes() + call.in_row);
        CHECK(call.in_row >= static_cast<std::uint64_t>(ranks) * 4);
        rows.insert(call.in_row);
      }
    }
    CHECK(rows.size() == 2 * kTrtllmBlocks);
    CHECK(*rows.rbegin() + static_cast<std::uint64_t>(ranks) * 4 == layout.flag_bytes());  // word 50 W - 1
  }
}

TEST_CASE("Over trtllm every type sums by flags over every number of ranks, to the same bits on all of them") {
  const int ranks = GENERATE(2, 4, 6, 8, 16);
  for (const auto algorithm : kFlagAlgorithms) {
    for (const auto dtype : kAllTypes) {
      for (const std::uint64_t tokens : {1, 3, 17}) {
        if (ranks > 4 && tokens != 3) continue;  // more ranks than cores: their barriers take long here
        if (ranks > 8 && dtype != DType::bf16) continue;
        expect_right_over_trtllm(flag_shape(algorithm, dtype, ranks, tokens, 48 * 16), ranks > 8 ? 1 : 2);
      }
    }
  }
}

TEST_CASE("Over trtllm plain sums work in place and with any number of blocks that there are flags for") {
  for (const auto algorithm : kFlagAlgorithms) {
    for (const std::uint32_t blocks : {1, 2, 7, 24}) {
      CallShape shape = flag_shape(algorithm, DType::bf16, 4, 5, 256);
      shape.in_place = true;
      shape.blocks = blocks;
      expect_right_over_trtllm(shape);
    }
  }
}

TEST_CASE("Over trtllm rows are normalised by Lamport packets") {
  const int ranks = GENERATE(2, 4, 8, 16);
  for (const auto dtype : {DType::fp16, DType::bf16}) {
    for (const std::uint64_t tokens : {1, 3, 16}) expect_right_over_trtllm(lamport_shape(dtype, ranks, tokens, 512), 2);
  }
}

TEST_CASE("Over trtllm sums that round at each addition are what they should be") {
  for (const auto algorithm : kFlagAlgorithms) {
    CallShape shape = flag_shape(algorithm, DType::bf16, 8, 3, 512);
    shape.accumulation = Accumulation::storage;
    expect_right_over_trtllm(shape);
  }
}

TEST_CASE("Over trtllm all algorithms give the bits of trtllm_fusion") {
  std::vector<std::uint64_t> digests;
  const auto add = [&](const CallShape& shape) {
    digests.push_back(run_and_check(*flat_ranks_for(shape), shape, InputKind::random, 3)[0].digest);
  };
  CallShape fusion = flag_shape(Algorithm::two_shot, DType::fp16, 4, 6, 640);
  fusion.workspace = WorkspaceKind::trtllm_fusion;
  add(fusion);
  for (const auto algorithm : kFlagAlgorithms) add(flag_shape(algorithm, DType::fp16, 4, 6, 640));
  for (const auto digest : digests) CHECK(digest == digests[0]);
}

TEST_CASE("Over trtllm sizes, grids, algorithms and patterns may change from call to call in one workspace") {
  const int ranks = GENERATE(2, 4);
  FlatRanks world(TrtllmLayout{ranks, 16 * 512, 512});
  std::uint64_t random = 4711;
  const auto draw = [&](std::uint64_t below) {
    random = random * 6364136223846793005ull + 1442695040888963407ull;
    return (random >> 33) % below;
  };
  std::uint64_t iteration = 0;
  for (int batch = 0; batch < 60; ++batch) {
    CallShape shape = flag_shape(kFlagAlgorithms[draw(3)], kAllTypes[draw(3)], ranks, 1 + draw(16), 64 * (1 + draw(8)));
    if (draw(2) == 0) shape = lamport_shape(kAllTypes[draw(2)], ranks, 1 + draw(16), 256 * (1 + draw(2)));
    shape.blocks = static_cast<std::uint32_t>(draw(6));
    const auto iterations = static_cast<std::uint32_t>(1 + draw(4));
    INFO("batch " << batch << " " << name_of(shape.algorithm) << " " << name_of(shape.pattern) << " " << shape.tokens
                  << " x " << shape.hidden << ", " << shape.blocks << " blocks");
    const auto kind = draw(2) == 0 ? InputKind::exact : InputKind::random;
    REQUIRE(all_right(run_and_check(world, shape, kind, iterations, iteration), shape, iterations));
    REQUIRE(world.unaccounted_words() == 0);
    iteration += iterations;
  }
  CHECK(world.control(0).calls == iteration);
}

TEST_CASE(
    "Pushed messages lie in the parts of a comm buffer by rank, of even calls in the first and of odd ones in the "
    "second") {
  const CallShape shape = flag_shape(Algorithm::one_shot, DType::fp32, 4, 1, 8);
  const auto ranks = flat_ranks_for(shape);
  run_and_check(*ranks, shape, InputKind::exact, 1);
  const auto written = [&](int use, int rank, int part) {
    bool any = false;
    for (std::uint64_t word = 0; word < 8; ++word) any |= ranks->segment(rank, use).word(8 * part + word) != 0;
    return any;
  };
  for (int me = 0; me < 4; ++me) {
    for (int part = 0; part < 4; ++part) {
      INFO("rank " << me << " part " << part);
      CHECK_FALSE(written(WorkspaceView::kComm, me, part));  // the first call's flag is 1
      CHECK(written(WorkspaceView::kSecondComm, me, part) == (part != me));
    }
  }
}

TEST_CASE("What trtllm is not for is refused with the numbers") {
  const auto problem = [](const CallShape& shape) { return call_problem(shape).value_or(""); };
  CHECK(problem(flag_shape(Algorithm::one_shot, DType::bf16, 3, 4, 512)) ==
        "trtllm is for 2, 4, 6, 8 or 16 ranks, not for 3");
  CHECK(problem(flag_shape(Algorithm::two_shot_barrier, DType::bf16, 16, 3, 8)) ==
        "two_shot_barrier over trtllm cuts a message into a part of whole packets for each rank: 24 elements are no "
        "multiple of 128");
  CallShape wide = flag_shape(Algorithm::one_shot, DType::bf16, 4, 4, 512);
  wide.blocks = 25;
  CHECK(problem(wide) == "25 blocks, but trtllm has flags for 24");
  CHECK(problem(lamport_shape(DType::fp32, 4, 4, 512)) ==
        "residual_rmsnorm over trtllm has no form for fp32: fp16 or bf16");
  CHECK(problem(lamport_shape(DType::bf16, 4, 17, 512)) ==
        "residual_rmsnorm over trtllm is for up to 16 tokens, not 17");
  CHECK(problem(lamport_shape(DType::bf16, 4, 1, 2880)) ==
        "residual_rmsnorm over trtllm: hidden must be a multiple of 256, not 2880");
  CHECK(problem(lamport_shape(DType::bf16, 4, 1, 4608)) ==
        "residual_rmsnorm over trtllm: a row of 4608 is 18 warps, which upstream's cluster of 5 blocks does not "
        "divide: it "
        "left elements out");
  for (const std::uint64_t hidden : {256, 4096, 5120, 7168, 8192, 14336, 16384}) {
    CHECK(problem(lamport_shape(DType::bf16, 2, 16, hidden)).empty());
  }
  CallShape other = lamport_shape(DType::bf16, 4, 4, 512);
  other.algorithm = Algorithm::one_shot_pull;
  CHECK(problem(other) == "residual_rmsnorm over trtllm sends Lamport packets, as one_shot: it has no one_shot_pull");
  other.algorithm = Algorithm::one_shot;
  other.pattern = Pattern::residual_rmsnorm_fp8;
  CHECK(problem(other) == "trtllm is for allreduce and residual_rmsnorm, not for residual_rmsnorm_fp8");
}
