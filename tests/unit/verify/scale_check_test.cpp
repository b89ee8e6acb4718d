#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "kernels/protocol/check_scales.hpp"
#include "support/flat_ranks.hpp"
#include "verify/explain.hpp"

using namespace symmbench;
using namespace symmbench::test;

namespace {

constexpr std::uint64_t kScaleSeed = 13;

/// Rank 0's outputs of one right call on two ranks, to be damaged and checked again.
struct ScaledCall {
  explicit ScaledCall(Pattern pattern, const PatternParameters& parameters = {})
      : shape{.pattern = pattern,
              .dtype = DType::bf16,
              .world_size = 2,
              .tokens = 5,
              .hidden = 352,
              .parameters = parameters},
        ranks(layout_for(shape)) {
    for (int r = 0; r < 2; ++r) {
      auto& batch = batches.emplace_back(shape, InputKind::random, 1, kScaleSeed);
      const CheckCall mine{.shape = shape, .rank = r, .iterations = 1};
      ranks.kernels().fill_constants(ranks.stream(r), batch.view(), mine);
      ranks.kernels().fill_inputs(ranks.stream(r), batch.view(), mine);
      ranks.kernels().allreduce(ranks.stream(r), batch.call(shape, ranks.view(r), 0));
    }
    ranks.synchronize();
    REQUIRE(checked().wrong_elements == 0);
  }
  VerifyReport checked() {
    *batches[0].report = {};
    ranks.kernels().check(ranks.stream(0), batches[0].view(), {.shape = shape, .rank = 0, .iterations = 1}, 0);
    ranks.synchronize();
    return *batches[0].report;
  }
  Blame blame() {
    return explain(checked(), {.shape = shape, .seed = kScaleSeed, .kind = InputKind::random, .buffers = 1});
  }
  std::uint8_t& byte(OutputKind kind, std::uint64_t offset) {
    return *reinterpret_cast<std::uint8_t*>(batches[0].view().output(kind, 0) + offset);
  }
  float norm(std::uint64_t element) {
    return to_float(*reinterpret_cast<Bf16*>(batches[0].view().output(OutputKind::norm, 0) + 2 * element));
  }
  float largest(std::uint64_t first, std::uint64_t count) {
    float most = 0;
    for (std::uint64_t i = first; i < first + count; ++i) most = std::max(most, std::abs(norm(i)));
    return most;
  }

  CallShape shape;
  FlatRanks ranks;
  std::vector<RankBatch> batches;
};

}  // namespace

TEST_CASE("Scales and codes of stored norms are what the formats say, by hand") {
  SECTION("a scale per token") {
    ScaledCall run(Pattern::residual_rmsnorm_out_dynamic_fp8);
    for (const std::uint64_t row : {0, 4}) {
      const float scale = *reinterpret_cast<float*>(&run.byte(OutputKind::scale, row * 4));
      CHECK(scale == run.largest(row * 352, 352) / 448.0f);
      CHECK(run.byte(OutputKind::quant, row * 352 + 7) == to_e4m3(run.norm(row * 352 + 7) / scale));
    }
  }
  SECTION("NVFP4") {
    ScaledCall run(Pattern::residual_rmsnorm_out_nvfp4, {.global_scale = 100, .scale_layout = ScaleLayout::linear});
    const std::uint8_t scale = run.byte(OutputKind::scale, 22 + 3);
    CHECK(scale == to_e4m3(100.0f * (run.largest(352 + 48, 16) * (1.0f / 6.0f))));
    const float factor = 100.0f / from_e4m3(scale);
    const std::uint8_t pair = run.byte(OutputKind::quant, (352 + 48) / 2);
    CHECK((pair & 15) == to_e2m1(run.norm(352 + 48) * factor));
    CHECK(pair >> 4 == to_e2m1(run.norm(352 + 49) * factor));
  }
  SECTION("MXFP8, with the row filled up by zeros and nothing written behind the rows") {
    ScaledCall run(Pattern::residual_rmsnorm_out_mxfp8);
    const std::uint8_t scale = run.byte(OutputKind::scale, 16 + 1);
    CHECK(scale == to_ue8m0(run.largest(352 + 32, 32) * (1.0f / 448.0f)));
    CHECK(run.byte(OutputKind::quant, 352 + 32) == to_e4m3(run.norm(352 + 32) * inverse_ue8m0(scale)));
    CHECK(run.byte(OutputKind::scale, 1024 + 3) == 0);
    CHECK(run.byte(OutputKind::scale, 5 * 16) == 0xAD);
  }
  SECTION("packed words, filled up by zeros but behind the last rows of the last words") {
    ScaledCall run(Pattern::residual_rmsnorm_out_group_fp8, {.quant_group = 32});
    const std::uint8_t scale = run.byte(OutputKind::scale, (1 * 8 + 2) * 4 + 1);
    CHECK(scale == to_ue8m0(run.largest(2 * 352 + 5 * 32, 32) / 448.0f));
    CHECK(run.byte(OutputKind::scale, (0 * 8 + 5) * 4) == 0);
    CHECK(run.byte(OutputKind::scale, (2 * 8 + 4) * 4 + 3) == 0);
    CHECK(run.byte(OutputKind::scale, (2 * 8 + 5) * 4) == 0xAD);
  }
}

TEST_CASE("A wrong scale, a wrong code and padding that was touched are found") {
  const auto pattern = GENERATE(Pattern::residual_rmsnorm_nvfp4, Pattern::residual_rmsnorm_out_nvfp4,
                                Pattern::residual_rmsnorm_mxfp8, Pattern::residual_rmsnorm_out_mxfp8,
                                Pattern::residual_rmsnorm_group_fp8, Pattern::residual_rmsnorm_out_group_fp8);
  ScaledCall run(pattern, {.quant_group = 32});
  const ScaleGrid grid = scale_grid(run.shape);

  SECTION("a scale twice as large") {
    std::uint8_t& scale = run.byte(OutputKind::scale, grid.offset(3, 2));
    scale = static_cast<std::uint8_t>(scale + (grid.zero_padding ? 1 : 8));
    const VerifyReport report = run.checked();
    CHECK(report.mismatch[0].output == static_cast<std::uint32_t>(OutputKind::scale));
    CHECK(report.mismatch[0].index == 3 * grid.groups + 2);
    CHECK(report.wrong_elements > 1);  // its codes are judged by it
  }
  SECTION("a code") {
    run.byte(OutputKind::quant, 401) ^= 0x44;
    CHECK(run.checked().wrong_elements >= 1);
    CHECK(run.blame().findings.at(0).output == OutputKind::quant);
  }
  SECTION("a scale that was never written") {
    for (int i = 0; i < 4; ++i) {
      const std::uint64_t offset = grid.offset(1, 4) / 4 * 4 + static_cast<std::uint64_t>(i);
      run.byte(OutputKind::scale, offset) = static_cast<std::uint8_t>(kPoison >> 8 * i);
    }
    const Blame blame = run.blame();
    CHECK(blame.by_kind[static_cast<std::size_t>(BlameKind::unwritten)] >= 1);
  }
  SECTION("padding of a row, and behind the last row") {
    run.byte(OutputKind::scale, grid.offset(0, grid.groups)) ^= 1;
    CHECK(run.checked().wrong_elements == 1);
    run.byte(OutputKind::scale, grid.offset(grid.rows, 0)) ^= 1;
    CHECK(run.checked().wrong_elements == 2);
  }
}

TEST_CASE("A row's scale that is off by one bit is found, and its codes are judged by it") {
  const auto pattern = GENERATE(Pattern::residual_rmsnorm_dynamic_fp8, Pattern::residual_rmsnorm_out_dynamic_fp8);
  ScaledCall run(pattern);
  run.byte(OutputKind::scale, 2 * 4 + 2) ^= 0x10;
  const VerifyReport report = run.checked();
  CHECK(report.mismatch[0].output == static_cast<std::uint32_t>(OutputKind::scale));
  CHECK(report.mismatch[0].index == 2);
}

TEST_CASE("The least scale of a format is that of zeros, and NVFP4 has the scale 1 for a largest of 6") {
  CHECK(Mxfp8Rule::code_of(0) == 0);
  CHECK(Mxfp8Rule::factor_of(0) == 0);
  CHECK(GroupFp8Rule::code_of(0) == 94);
  CHECK(Nvfp4Rule{1.0f}.code_of(0) == 0);
  CHECK(Nvfp4Rule{1.0f}.factor_of(0) == 0);
  CHECK(Nvfp4Rule{1.0f}.code_of(6) == 0x38);
  CHECK(Nvfp4Rule{1.0f}.factor_of(0x38) == 1);
}
