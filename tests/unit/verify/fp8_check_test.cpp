#include <catch2/catch_approx.hpp>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "kernels/protocol/e4m3.hpp"
#include "support/flat_ranks.hpp"
#include "verify/explain.hpp"

using namespace symmbench;
using namespace symmbench::test;

namespace {

constexpr std::uint64_t kQuantSeed = 11;

/// Rank 0's outputs of one right call on two ranks, to be damaged and checked again.
struct Quantised {
  explicit Quantised(Pattern pattern)
      : shape{.pattern = pattern, .dtype = DType::bf16, .world_size = 2, .tokens = 4, .hidden = 2880},
        ranks(layout_for(shape)) {
    for (int r = 0; r < 2; ++r) {
      auto& batch = batches.emplace_back(shape, InputKind::random, 1, kQuantSeed);
      const CheckCall mine{.shape = shape, .rank = r, .iterations = 1};
      ranks.kernels().fill_constants(ranks.stream(r), batch.view(), mine);
      ranks.kernels().fill_inputs(ranks.stream(r), batch.view(), mine);
      ranks.kernels().allreduce(ranks.stream(r), batch.call(shape, ranks.view(r), 0));
    }
    ranks.synchronize();
  }
  VerifyReport checked(float scale = PatternParameters{}.quant_scale) {
    *batches[0].report = {};
    CheckCall check{.shape = shape, .rank = 0, .iterations = 1};
    check.shape.parameters.quant_scale = scale;
    ranks.kernels().check(ranks.stream(0), batches[0].view(), check, 0);
    ranks.synchronize();
    return *batches[0].report;
  }
  template <class V>
  V* output(OutputKind kind) {
    return reinterpret_cast<V*>(batches[0].view().output(kind, 0));
  }
  std::uint8_t* codes() { return output<std::uint8_t>(OutputKind::quant); }
  Blame blame() {
    return explain(checked(), {.shape = shape, .seed = kQuantSeed, .kind = InputKind::random, .buffers = 1});
  }

  CallShape shape;
  FlatRanks ranks;
  std::vector<RankBatch> batches;
};

}  // namespace

TEST_CASE("A code is the stored norm over the scale, by hand") {
  Quantised run(Pattern::residual_rmsnorm_out_fp8);
  const auto* norm = run.output<std::uint16_t>(OutputKind::norm);
  for (const std::uint64_t element : {0u, 7u, 8u, 2879u, 2880u, 11519u}) {
    const float expected = to_float(Bf16{norm[element]}) * (1.0f / 0.01f);
    CHECK(run.codes()[element] == to_e4m3(expected));
    CHECK(from_e4m3(run.codes()[element]) == Catch::Approx(expected).epsilon(1.0 / 16).margin(0x1p-10));
  }
}

TEST_CASE("A code that is off by one step, a wrong scale and codes that were never written are found") {
  const auto pattern = GENERATE(Pattern::residual_rmsnorm_fp8, Pattern::residual_rmsnorm_out_fp8);
  Quantised run(pattern);
  REQUIRE(run.checked().wrong_elements == 0);

  SECTION("one code, by two steps") {
    run.codes()[3001] = static_cast<std::uint8_t>(run.codes()[3001] ^ 2);
    const VerifyReport report = run.checked();
    CHECK(report.wrong_elements == 1);
    CHECK(report.mismatch[0].output == static_cast<std::uint32_t>(OutputKind::quant));
    CHECK(report.mismatch[0].index == 3001);
    CHECK(run.blame().findings.at(0).kind == BlameKind::bit_flip);
  }
  SECTION("a NaN") {
    run.codes()[5] = 0x7F;
    CHECK(run.checked().wrong_elements == 1);
  }
  SECTION("another scale than the kernel had") { CHECK(run.checked(0.011f).wrong_elements > 4 * 2880 / 2); }
  SECTION("a row that was never written") {
    std::fill_n(reinterpret_cast<std::uint32_t*>(run.codes()) + 720, 720, kPoison);
    const VerifyReport report = run.checked();
    CHECK(report.unwritten_elements == report.wrong_elements);
    CHECK(report.wrong_elements > 2880 * 3 / 4);
    CHECK(run.blame().findings.at(0).kind == BlameKind::unwritten);
    CHECK(run.blame().findings.at(0).output == OutputKind::quant);
  }
}

TEST_CASE("Where the norm was stored, its neighbour's code is wrong as well") {
  Quantised run(Pattern::residual_rmsnorm_out_fp8);
  std::uint64_t changed = 0;
  for (std::uint64_t element = 0; element < 2880; ++element) {
    if ((run.codes()[element] & 0x7F) >= 0x7E || (run.codes()[element] & 0x7F) == 0) continue;
    ++run.codes()[element];
    ++changed;
  }
  CHECK(run.checked().wrong_elements == changed);
}
