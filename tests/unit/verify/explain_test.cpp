#include "verify/explain.hpp"

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/generators/catch_generators_range.hpp>

#include "unit/verify/computed_outputs.hpp"

using namespace symmbench;
using namespace symmbench::test;

TEST_CASE("A missing contribution is blamed on its rank, where it is missing") {
  const auto dtype = GENERATE(DType::fp16, DType::bf16, DType::fp32);
  const auto kind = GENERATE(InputKind::exact, InputKind::random);
  Outputs outputs(shape_of(dtype), kind);
  for (std::uint64_t e = 1024; e < 2048; ++e) {
    float total = 0;
    for (int rank = 0; rank < 8; ++rank) total += rank == 5 ? 0 : outputs.input(rank, kFirst + 2, e);
    outputs.set(kFirst + 2, e, total);
  }
  const Blame blame = outputs.blame();
  INFO(blame.summary);
  REQUIRE(blame.wrong_elements > 900);
  REQUIRE_FALSE(blame.findings.empty());
  const BlameFinding& first = blame.findings[0];
  CHECK(first.kind == BlameKind::missing);
  CHECK(first.source_rank == 5);
  CHECK(first.first_iteration == kFirst + 2);
  CHECK(first.first_offset_bytes >= 1024 * element_bytes(dtype));
  CHECK(first.end_offset_bytes <= 2048 * element_bytes(dtype));
  CHECK(first.mismatches >= blame.recorded * 9 / 10);
  CHECK(blame.matrix[5][4] > 0);
  CHECK(blame.matrix[5][7] > 0);
  CHECK(blame.matrix[5][8] == 0);
  CHECK(blame.summary.find("rank 5's data missing") != std::string::npos);
}

TEST_CASE("A doubled contribution is blamed on its rank") {
  Outputs outputs(shape_of());
  for (std::uint64_t e = 64; e < 128; ++e) outputs.set(kFirst, e, outputs.sum(kFirst, e) + outputs.input(3, kFirst, e));
  const Blame blame = outputs.blame();
  INFO(blame.summary);
  CHECK(blame.findings.at(0).kind == BlameKind::doubled);
  CHECK(blame.findings.at(0).source_rank == 3);
}

TEST_CASE("A stale contribution is blamed on its rank and its age") {
  const int age = GENERATE(1, 3, 4, 6);
  Outputs outputs(shape_of());
  const std::uint64_t now = kFirst + 4;
  for (std::uint64_t e = 0; e < 64; ++e) {
    outputs.set(now, e,
                outputs.sum(now, e) - outputs.input(6, now, e) + outputs.input(6, now - static_cast<unsigned>(age), e));
  }
  const Blame blame = outputs.blame();
  INFO(blame.summary);
  CHECK(blame.findings.at(0).kind == BlameKind::stale);
  CHECK(blame.findings.at(0).source_rank == 6);
  CHECK(blame.findings.at(0).age == age);
}

TEST_CASE("A contribution that is stale across the end of the ring is recognised") {
  Outputs outputs(shape_of());
  // The call before the one that used slot 0 used the last slot.
  for (std::uint64_t e = 0; e < 64; ++e) {
    outputs.set(kFirst, e,
                outputs.sum(kFirst, e) - outputs.input(1, kFirst, e) + outputs.input(1, kFirst + kBuffers - 3, e));
  }
  const Blame blame = outputs.blame();
  INFO(blame.summary);
  CHECK(blame.findings.at(0).kind == BlameKind::stale);
  CHECK(blame.findings.at(0).source_rank == 1);
  CHECK(blame.findings.at(0).age == 3);
}

TEST_CASE("An output that belongs to another share is foreign") {
  Outputs outputs(shape_of());
  constexpr std::int64_t kShare = 4096 / 8;
  for (std::uint64_t e = 0; e < 64; ++e) outputs.set(kFirst, e, outputs.sum(kFirst, e + 2 * kShare));
  const Blame blame = outputs.blame();
  INFO(blame.summary);
  CHECK(blame.findings.at(0).kind == BlameKind::foreign);
  CHECK_FALSE(blame.findings.at(0).source_rank);
  CHECK(blame.findings.at(0).index_shift == 2 * kShare);
}

TEST_CASE("A single flipped bit is called that, wherever it is") {
  const int bit = GENERATE(range(0, 16));
  Outputs outputs(shape_of(DType::bf16, 4));
  outputs.half(kFirst + 1, 1001) ^= static_cast<std::uint16_t>(1 << bit);
  const Blame blame = outputs.blame();
  INFO(blame.summary);
  CHECK(blame.wrong_elements == 1);
  CHECK(count_of(blame, BlameKind::bit_flip) == 1);
  CHECK(blame.findings.at(0).first_offset_bytes == 2002);
}

TEST_CASE("Poison that stayed is called unwritten and counted") {
  Outputs outputs(shape_of(GENERATE(DType::fp16, DType::bf16, DType::fp32)));
  const std::uint64_t bytes = element_bytes(outputs.shape.dtype);
  auto* word = reinterpret_cast<std::uint32_t*>(outputs.batch.view().output(OutputKind::allreduce, kFirst + 3));
  std::fill_n(word + 8, 100, kPoison);
  const Blame blame = outputs.blame();
  INFO(blame.summary);
  CHECK(blame.unwritten_elements == 400 / bytes);
  CHECK(blame.wrong_elements == 400 / bytes);
  CHECK(count_of(blame, BlameKind::unwritten) == blame.recorded);
  CHECK(blame.findings.at(0).first_offset_bytes == 32);
}

TEST_CASE("Noise is not given a cause") {
  Outputs outputs(shape_of(DType::fp32));
  for (std::uint64_t e = 0; e < 64; ++e) outputs.set(kFirst, e, 0.37f + static_cast<float>(e));
  const Blame blame = outputs.blame();
  CHECK(count_of(blame, BlameKind::unexplained) == blame.recorded);
}

TEST_CASE("Noise in a type of few values is put down to nobody, though some of it equals what a mistake would give") {
  Outputs outputs(shape_of(DType::bf16, 4));
  const int elements = GENERATE(1, 8, 64, 4096);
  for (int e = 0; e < elements; ++e) {
    const auto noise = static_cast<float>(static_cast<int>(mix64(static_cast<std::uint64_t>(e) + 1) % 255) - 127);
    outputs.set(kFirst, static_cast<std::uint64_t>(e), noise);
  }
  const Blame blame = outputs.blame();
  INFO(blame.summary);
  REQUIRE(blame.recorded > 0);
  CHECK_FALSE(blamed_source(to_json(blame)));
  CHECK(blame.findings.at(0).kind == BlameKind::unexplained);
}

TEST_CASE("One lost packet is enough to name its rank, beside much noise too") {
  Outputs outputs(shape_of(DType::bf16, 4));
  const bool noisy = GENERATE(false, true);
  for (std::uint64_t e = 64; e < 72; ++e) outputs.set(kFirst, e, outputs.sum(kFirst, e) - outputs.input(2, kFirst, e));
  for (std::uint64_t e = 0; noisy && e < 16; ++e) outputs.set(kFirst, 1024 + e, static_cast<float>(mix64(e) % 255));
  const Blame blame = outputs.blame();
  INFO(blame.summary);
  CHECK(blamed_source(to_json(blame)) == 2);
  CHECK(count_of(blame, BlameKind::missing) >= 7);
}
