#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "support/flat_ranks.hpp"

using namespace symmbench;
using namespace symmbench::test;

namespace {

constexpr Algorithm kOurAlgorithms[] = {Algorithm::one_shot, Algorithm::two_shot, Algorithm::two_shot_barrier};
constexpr DType kTypes[] = {DType::fp16, DType::bf16, DType::fp32};

void expect_right(const CallShape& shape, std::uint32_t iterations = 4) {
  FlatRanks ranks(layout_for(shape));
  for (const InputKind kind : {InputKind::exact, InputKind::random}) {
    const std::uint64_t first = kind == InputKind::exact ? 0 : iterations;
    INFO(name_of(shape.algorithm) << " " << name_of(shape.pattern) << " " << name_of(shape.dtype) << " "
                                  << shape.world_size << " ranks, " << shape.tokens << " x " << shape.hidden
                                  << (kind == InputKind::exact ? " exact" : " random"));
    const auto reports = run_and_check(ranks, shape, kind, iterations, first);
    REQUIRE(ranks.give_up(0).tag == 0);
    CHECK(all_right(reports, shape, iterations));
  }
  CHECK(ranks.unaccounted_words() == 0);
}

}  // namespace

TEST_CASE("Every algorithm sums every type over every number of ranks") {
  const int world_size = GENERATE(1, 2, 3, 4, 5, 8, 16);
  for (const auto algorithm : kOurAlgorithms) {
    for (const auto dtype : kTypes) {
      // 67 packets: more than one block, and no number of ranks divides it but 1.
      const std::uint64_t hidden = 67 * kPacketBytes / element_bytes(dtype);
      expect_right({.algorithm = algorithm, .dtype = dtype, .world_size = world_size, .tokens = 1, .hidden = hidden});
    }
  }
}

TEST_CASE("A message of one packet and a message smaller than the ranks arrive whole") {
  const std::uint64_t packets = GENERATE(1, 2, 3);
  for (const auto algorithm : kOurAlgorithms) {
    for (const int world_size : {2, 4, 7, 8}) {
      expect_right(
          {.algorithm = algorithm, .dtype = DType::bf16, .world_size = world_size, .tokens = 1, .hidden = packets * 8});
    }
  }
}

TEST_CASE("Every algorithm normalises and quantises rows of every type") {
  const int world_size = GENERATE(2, 4, 8, 16);
  const auto pattern =
      GENERATE(Pattern::residual_rmsnorm, Pattern::residual_rmsnorm_fp8, Pattern::residual_rmsnorm_out_fp8);
  for (const auto algorithm : kOurAlgorithms) {
    for (const auto dtype : kTypes) {
      for (const std::uint64_t tokens : {1, 3, 8}) {  // fewer rows than ranks, rows cut by shares, whole rows
        expect_right({.algorithm = algorithm,
                      .pattern = pattern,
                      .dtype = dtype,
                      .world_size = world_size,
                      .tokens = tokens,
                      .hidden = 72});
      }
    }
  }
}

/// One pattern and layout of those that quantise in one section; every algorithm, type and number of tokens in each.
static void expect_quantised_right(int world_size) {
  const auto pattern = GENERATE(Pattern::residual_rmsnorm_dynamic_fp8, Pattern::residual_rmsnorm_out_dynamic_fp8,
                                Pattern::residual_rmsnorm_nvfp4, Pattern::residual_rmsnorm_out_nvfp4,
                                Pattern::residual_rmsnorm_group_fp8, Pattern::residual_rmsnorm_out_group_fp8,
                                Pattern::residual_rmsnorm_mxfp8, Pattern::residual_rmsnorm_out_mxfp8);
  const auto layout = GENERATE(ScaleLayout::linear, ScaleLayout::tiles_128x4, ScaleLayout::tiles_8x4);
  const PatternSpec& spec = spec_of(pattern);
  if (spec.layouts.empty() ? layout != ScaleLayout::linear
                           : std::find(spec.layouts.begin(), spec.layouts.end(), layout) == spec.layouts.end()) {
    return;
  }
  for (const auto algorithm : kOurAlgorithms) {
    for (const auto dtype : spec.dtypes) {
      for (const std::uint64_t tokens : {1, 17}) {
        if (world_size == 16 && (dtype != DType::bf16 || tokens == 1)) continue;  // the same kernels, many threads
        // 11 groups of 32, 22 of 16: no whole words of four scales.
        CallShape shape{.algorithm = algorithm,
                        .pattern = pattern,
                        .dtype = dtype,
                        .world_size = world_size,
                        .tokens = tokens,
                        .hidden = 352,
                        .parameters = {.quant_group = 32, .scale_layout = layout}};
        expect_right(shape, 2);
      }
    }
  }
}

TEST_CASE("Every algorithm quantises rows by rows and groups on 2 ranks, with every layout of scales") {
  expect_quantised_right(2);
}

TEST_CASE("Every algorithm quantises rows by rows and groups on 4 ranks, with every layout of scales") {
  expect_quantised_right(4);
}

TEST_CASE("Every algorithm quantises rows by rows and groups on 16 ranks, with every layout of scales") {
  expect_quantised_right(16);
}

TEST_CASE("Every algorithm sums over experts, however many, before it sums over ranks") {
  const int world_size = GENERATE(2, 4, 16);
  const std::uint32_t slots = GENERATE(1, 8);
  const auto pattern = GENERATE(Pattern::moe_reduction_residual_rmsnorm, Pattern::moe_finalize_residual_rmsnorm);
  const float routed_scaling = GENERATE(1.0f, 2.5f);
  if (pattern == Pattern::moe_reduction_residual_rmsnorm && routed_scaling != 1.0f) return;
  for (const auto algorithm : kOurAlgorithms) {
    for (const auto dtype : kTypes) {
      if (world_size == 16 && dtype != DType::bf16) continue;
      expect_right({.algorithm = algorithm,
                    .pattern = pattern,
                    .dtype = dtype,
                    .world_size = world_size,
                    .tokens = 5,
                    .hidden = 72,
                    .parameters = {.experts = slots, .top_k = slots, .routed_scaling = routed_scaling}},
                   2);
    }
  }
}

TEST_CASE("Plain allreduce works in place") {
  for (const auto algorithm : kOurAlgorithms) {
    for (const int world_size : {2, 3, 4}) {
      expect_right({.algorithm = algorithm,
                    .dtype = DType::bf16,
                    .world_size = world_size,
                    .tokens = 5,
                    .hidden = 1000,
                    .in_place = true});
    }
  }
}

TEST_CASE("The largest domain of 72 ranks sums") {
  for (const auto algorithm : kOurAlgorithms) {
    expect_right({.algorithm = algorithm, .dtype = DType::bf16, .world_size = 72, .tokens = 1, .hidden = 8 * 100}, 2);
  }
}

TEST_CASE("The number of blocks does not change the result") {
  const std::uint32_t blocks = GENERATE(1, 2, 3, 7, 256);
  for (const auto algorithm : kOurAlgorithms) {
    for (const auto pattern : {Pattern::allreduce, Pattern::residual_rmsnorm}) {
      expect_right({.algorithm = algorithm,
                    .pattern = pattern,
                    .dtype = DType::bf16,
                    .world_size = 4,
                    .tokens = 10,
                    .hidden = 64,
                    .blocks = blocks});
    }
  }
}

TEST_CASE("Sizes, grids, algorithms and patterns may change from call to call in one workspace") {
  const int world_size = GENERATE(2, 3, 4, 8);
  const CallShape largest{.dtype = DType::fp32, .world_size = world_size, .tokens = 16, .hidden = 512};
  FlatRanks ranks(layout_for(largest));
  std::uint64_t random = 12345;
  const auto draw = [&](std::uint64_t below) {
    random = random * 6364136223846793005ull + 1442695040888963407ull;
    return (random >> 33) % below;
  };
  std::uint64_t iteration = 0;
  for (int batch = 0; batch < 60; ++batch) {
    CallShape shape{.algorithm = kOurAlgorithms[draw(3)], .dtype = kTypes[draw(3)], .world_size = world_size};
    shape.tokens = 1 + draw(16);
    shape.hidden = 32 * (1 + draw(16));
    shape.blocks = static_cast<std::uint32_t>(draw(4));
    if (world_size != 3 && draw(2) == 0) {
      constexpr Pattern kFused[] = {Pattern::residual_rmsnorm, Pattern::residual_rmsnorm_out_fp8,
                                    Pattern::residual_rmsnorm_dynamic_fp8, Pattern::residual_rmsnorm_mxfp8};
      shape.pattern = kFused[draw(4)];
    }
    shape.in_place = spec_of(shape.pattern).in_place && draw(4) == 0;
    const auto iterations = static_cast<std::uint32_t>(1 + draw(4));
    INFO("batch " << batch << " " << name_of(shape.algorithm) << " " << shape.tokens << " x " << shape.hidden);
    const auto kind = draw(2) == 0 ? InputKind::exact : InputKind::random;
    REQUIRE(all_right(run_and_check(ranks, shape, kind, iterations, iteration), shape, iterations));
    REQUIRE(ranks.unaccounted_words() == 0);
    iteration += iterations;
  }
  CHECK(ranks.control(0).calls == iteration);
}

TEST_CASE("Ranks get the same bits from all three algorithms") {
  std::vector<std::uint64_t> digests;
  for (const auto algorithm : kOurAlgorithms) {
    const CallShape shape{.algorithm = algorithm, .dtype = DType::fp16, .world_size = 4, .tokens = 3, .hidden = 640};
    FlatRanks ranks(layout_for(shape));
    digests.push_back(run_and_check(ranks, shape, InputKind::exact, 3)[0].digest);
  }
  CHECK(digests[0] == digests[1]);
  CHECK(digests[0] == digests[2]);
}

TEST_CASE("Sentinels, negative zeros, subnormals, infinities and NaNs travel without a hang") {
  const auto algorithm = GENERATE(Algorithm::one_shot, Algorithm::two_shot, Algorithm::two_shot_barrier);
  // Bf16 pairs. Negative subnormals look like the sentinel to a compare by value under flush-to-zero.
  const std::uint32_t words[] = {0x80000000, 0x80008000, 0x00008000, 0x80010000, 0x807F807F, 0x00018001,
                                 0x7F80FF80, 0x7FC07FF7, 0xFFFFFFFF, 0x00000000, 0x80000001, 0xFF80FF80};
  const CallShape shape{.algorithm = algorithm, .dtype = DType::bf16, .world_size = 4, .tokens = 1, .hidden = 24 * 4};
  FlatRanks ranks(layout_for(shape));
  std::vector<RankBatch> batches;
  for (int r = 0; r < 4; ++r) {
    auto& batch = batches.emplace_back(shape, InputKind::random, 1, 1);
    for (std::uint64_t w = 0; w < shape.message_bytes() / 4; ++w)
      reinterpret_cast<std::uint32_t*>(batch.view().input(0))[w] = r == 1 ? words[w % 12] : 0x80000000;
  }
  for (int call = 0; call < 4; ++call) {
    for (int r = 0; r < 4; ++r) {
      launch_as_shipped(ranks, r, batches[static_cast<std::size_t>(r)].call(shape, ranks.view(r), 0));
    }
  }
  ranks.synchronize();
  for (auto& batch : batches) {
    for (std::uint64_t element = 0; element < shape.hidden; ++element) {
      const std::uint32_t input = words[element / 2 % 12] >> (element % 2 * 16) & 0xFFFF;
      // Adding zeros changes nothing but the sign of a zero and the payload of a NaN.
      const std::uint32_t got =
          reinterpret_cast<std::uint16_t*>(batch.view().output(OutputKind::allreduce, 0))[element];
      INFO("element " << element << " input " << std::hex << input << " got " << got);
      if ((input & 0x7FFF) > 0x7F80) {
        CHECK(got == 0x7FFF);
      } else if ((input & 0x7FFF) == 0) {
        CHECK((got & 0x7FFF) == 0);
      } else {
        CHECK(got == input);
      }
    }
  }
}
