#include <catch2/catch_test_macros.hpp>

#include "memory/allocators.hpp"
#include "support/capacity_of.hpp"
#include "workspace/fusion_capacity.hpp"
#include "workspace/mnnvl_capacity.hpp"
#include "workspace/trtllm_capacity.hpp"
#include "workspace/workspaces.hpp"

namespace symmbench {
namespace {

using test::capacity_of;

MessageCapacity rows_of(int ranks, std::uint64_t tokens, std::uint64_t hidden, DType dtype = DType::bf16) {
  return MessageCapacity({.dtype = dtype, .world_size = ranks, .tokens = tokens, .hidden = hidden});
}

CallShape shape_of(const MessageCapacity& capacity, Algorithm algorithm, std::uint64_t message_bytes) {
  return {.algorithm = algorithm,
          .dtype = DType::bf16,
          .world_size = capacity.world_size(),
          .tokens = 1,
          .hidden = message_bytes / 2};
}

TEST_CASE("segments have upstream's sizes at 16 bits") {
  struct Row {
    int ranks;
    std::uint64_t tokens, hidden, comm, flags, slot;
  };
  // As FlashInfer sizes them (at fb28d7242). Its comm has W*M*H*2 bytes; the term that ours adds is never larger at 16 bits.
  const Row rows[] = {{2, 2048, 1024, 8388608, 2048, 8388608},
                      {4, 2048, 7168, 117440512, 4096, 117440512},
                      {8, 2048, 7168, 234881024, 8192, 234881024},
                      {8, 16384, 7168, 1879048192, 8192, 1879048192},
                      {16, 8192, 7168, 1879048192, 16384, 1879048192}};
  for (const auto& row : rows) {
    const auto segments = fusion_segments(rows_of(row.ranks, row.tokens, row.hidden));
    CHECK(segments[0].name == "comm");
    CHECK(segments[0].used_bytes == row.comm);
    CHECK(segments[1].used_bytes == row.flags);
    CHECK(segments[2].used_bytes == 3 * row.slot);
    CHECK(segments[2].requested_bytes() == 3 * row.slot + kCanaryBytes);
  }
}

TEST_CASE("two ranks in fp32 get a comm segment that a two-shot does not overflow") {
  const auto capacity = rows_of(2, 2048, 1024, DType::fp32);  // upstream has 8388608, two messages need 16777216
  CHECK(fusion_segments(capacity)[0].used_bytes == 16777216);
}

TEST_CASE("workspace bytes are what the allocator takes for the three segments") {
  const auto capacity = rows_of(4, 2048, 7168);
  constexpr std::uint64_t kGranule = 2ull << 20;
  const auto symm = make_allocator("symm_device_memory");
  CHECK(workspace_bytes(WorkspaceKind::trtllm_fusion, capacity, *symm, kGranule) == (57 + 1 + 169) * kGranule);
}

TEST_CASE("a message that fits is no problem for any algorithm") {
  const auto capacity = rows_of(4, 16, 8192);
  for (const auto algorithm : {Algorithm::one_shot, Algorithm::two_shot, Algorithm::two_shot_barrier}) {
    CHECK_FALSE(capacity_problem(capacity, shape_of(capacity, algorithm, capacity.message_bytes())));
  }
}

TEST_CASE("a call beyond the capacity is refused with the figures of its algorithm") {
  const auto capacity = rows_of(4, 16, 8192);  // 256 KiB: slot and comm have 1 MiB
  CHECK(capacity_problem(capacity, shape_of(capacity, Algorithm::one_shot, (256 << 10) + 16)));
  CHECK(capacity_problem(capacity, shape_of(capacity, Algorithm::one_shot, 512 << 10)) ==
        "one_shot needs 4 x 512 KiB = 2097152 bytes of a Lamport slot, which has 1048576");
  CHECK_FALSE(capacity_problem(capacity, shape_of(capacity, Algorithm::two_shot, 512 << 10)));
  CHECK(capacity_problem(capacity, shape_of(capacity, Algorithm::two_shot, 1 << 20)) ==
        "two_shot needs 2 x 1 MiB = 2097152 bytes of a Lamport slot, which has 1048576");
  CHECK(capacity_problem(capacity, shape_of(capacity, Algorithm::two_shot_barrier, 1 << 20)) ==
        "two_shot_barrier needs 2 x 1 MiB = 2097152 bytes of the comm segment, which has 1048576");
}

TEST_CASE("a one-shot above the largest Lamport slot is refused although the workspace was made for the message") {
  const auto capacity = capacity_of(8, 1ull << 30);
  const auto problem = capacity_problem(capacity, shape_of(capacity, Algorithm::one_shot, 1ull << 30));
  CHECK(problem == "one_shot needs 8 x 1 GiB = 8589934592 bytes of a Lamport slot, which has 2145386496");
}

TEST_CASE("a two-shot is refused by its padded size") {
  const auto capacity = capacity_of(4, 64);                   // slot: 4 x 64 bytes
  auto shape = shape_of(capacity, Algorithm::two_shot, 112);  // 7 packets, padded to 8: 2 x 128 = 256 fits
  CHECK_FALSE(capacity_problem(capacity, shape));
  shape.hidden = 136 / 2;  // no whole packets
  CHECK(capacity_problem(capacity, shape)->find("multiple of 16") != std::string::npos);
  shape.hidden = 144 / 2;  // 9 packets, padded to 12: 384
  CHECK(capacity_problem(capacity, shape));
}

TEST_CASE("calls of another group size or of nothing are refused") {
  const auto capacity = rows_of(4, 16, 8192);
  auto shape = shape_of(capacity, Algorithm::two_shot_barrier, 4096);
  CHECK_FALSE(capacity_problem(capacity, shape));
  shape.world_size = 8;
  CHECK(capacity_problem(capacity, shape)->find("8 ranks") != std::string::npos);
  shape.world_size = 4;
  shape.tokens = 0;
  CHECK(capacity_problem(capacity, shape));
}

TEST_CASE("a reference takes nothing of a workspace") {
  const auto capacity = rows_of(4, 16, 8192);
  CHECK_FALSE(capacity_problem(capacity, shape_of(capacity, Algorithm::nccl, 1 << 30)));
}

TEST_CASE("a capacity keeps the longest of calls that differ in tokens, and forgets how they are launched") {
  MessageCapacity capacity;
  CHECK(capacity.empty());
  CHECK(capacity.message_bytes() == 0);
  CallShape shape{.dtype = DType::fp32, .world_size = 4, .tokens = 3, .hidden = 64, .in_place = true, .blocks = 8};
  capacity.add(shape);
  shape.tokens = 9;
  shape.in_place = false;
  shape.pdl = false;
  capacity.add(shape);
  shape.tokens = 2;
  shape.threads = 256;
  capacity.add(shape);
  REQUIRE(capacity.shapes().size() == 1);
  CHECK(capacity.shapes()[0].tokens == 9);
  CHECK(capacity.shapes()[0].blocks == 0);
  CHECK(capacity.world_size() == 4);
  CHECK(capacity.element_bytes() == 4);

  MessageCapacity other({.dtype = DType::bf16, .world_size = 4, .tokens = 1, .hidden = 64});
  other.add(capacity);
  CHECK(other.shapes().size() == 2);
  CHECK(other.message_bytes() == 9 * 64 * 4);
  CHECK(other.element_bytes() == 2);
}

TEST_CASE("buffers of an mnnvl workspace have upstream's sizes") {
  const auto bytes = [](int ranks, std::uint64_t tokens, std::uint64_t hidden, Algorithm algorithm) {
    return mnnvl_buffer_bytes(MessageCapacity({.workspace = WorkspaceKind::mnnvl,
                                               .algorithm = algorithm,
                                               .dtype = DType::bf16,
                                               .world_size = ranks,
                                               .tokens = tokens,
                                               .hidden = hidden}));
  };
  // A two-shot of 2048 tokens, which is more than a one-shot of 1 MiB.
  CHECK(bytes(4, 2048, 7168, Algorithm::two_shot) == 2 * 2048 * 7168 * 2);
  CHECK(bytes(8, 17, 8192, Algorithm::two_shot) == 8 * 8 * 8192 * 2);  // a one-shot of 8 tokens: 1 MiB; two-shot 24 x 2
  CHECK(bytes(16, 2, 8192, Algorithm::two_shot) == 16 * 2 * 8192 * 2);
  CHECK(bytes(4, 2048, 7168, Algorithm::one_shot) == 4ull * 2048 * 7168 * 2);  // asked for: the whole message
  CHECK(bytes(2, 1, 8, Algorithm::two_shot) == 2 * 2 * 16);
  CHECK(bytes(3, 1, 8, Algorithm::one_shot) == 96);
  CHECK(bytes(8, 65536, 8192, Algorithm::one_shot) == 4294967264);  // cut off below 4 GiB, a multiple of 32
}

TEST_CASE(
    "a call beyond an mnnvl buffer is refused with the figures, and one that it has no kernels for with the names") {
  CallShape shape{.workspace = WorkspaceKind::mnnvl,
                  .algorithm = Algorithm::two_shot,
                  .dtype = DType::bf16,
                  .world_size = 4,
                  .tokens = 64,
                  .hidden = 8192};
  const MessageCapacity capacity(shape);  // 2 x 64 tokens x 16 KiB = 2 MiB
  CHECK_FALSE(capacity_problem(capacity, shape));
  shape.tokens = 65;
  CHECK(capacity_problem(capacity, shape) ==
        "two_shot needs 2 x 68 tokens x 16 KiB = 2228224 bytes of a Lamport buffer, which has 2097152");
  shape.algorithm = Algorithm::one_shot;
  shape.tokens = 32;
  CHECK_FALSE(capacity_problem(capacity, shape));
  shape.tokens = 33;
  CHECK(capacity_problem(capacity, shape) ==
        "one_shot needs 4 x 33 tokens x 16 KiB = 2162688 bytes of a Lamport buffer, which has 2097152");
  shape.algorithm = Algorithm::two_shot_barrier;
  CHECK(capacity_problem(capacity, shape) ==
        "two_shot_barrier has no room in an mnnvl workspace, which is for one_shot and two_shot");
}

TEST_CASE("segments of a trtllm workspace have upstream's sizes, whatever the type") {
  struct Row {
    int ranks;
    std::uint64_t tokens, hidden, comm, flags, lamport;
  };
  const Row rows[] = {{2, 128, 4096, 4194304, 400, 524288},
                      {4, 128, 4096, 8388608, 800, 2097152},
                      {8, 128, 8192, 33554432, 1600, 16777216}};
  for (const auto& row : rows) {
    for (const auto dtype : {DType::bf16, DType::fp32}) {
      const auto segments = trtllm_segments(rows_of(row.ranks, row.tokens, row.hidden, dtype));
      REQUIRE(segments.size() == 7);
      for (int i = 0; i < 2; ++i) CHECK((segments[i].used_bytes == row.comm && !segments[i].pattern));
      for (int i = 2; i < 4; ++i) CHECK((segments[i].used_bytes == row.flags && segments[i].pattern == 0u));
      for (int i = 4; i < 7; ++i) CHECK((segments[i].used_bytes == row.lamport && segments[i].pattern == kSentinel));
    }
  }
}

TEST_CASE(
    "a trtllm workspace of several shapes has comm buffers of the largest message and Lamport buffers of the widest "
    "row") {
  MessageCapacity capacity({.dtype = DType::bf16, .world_size = 2, .tokens = 128, .hidden = 1024});
  capacity.add({.dtype = DType::bf16, .world_size = 2, .tokens = 4, .hidden = 4096});
  CHECK(trtllm_segments(capacity)[0].used_bytes == 2 * 128 * 1024 * 4);
  CHECK(trtllm_segments(capacity)[6].used_bytes == 524288);
}

TEST_CASE(
    "a call beyond a trtllm buffer is refused with the figures, and one that it has no kernels for with the names") {
  CallShape shape{
      .workspace = WorkspaceKind::trtllm, .dtype = DType::bf16, .world_size = 4, .tokens = 64, .hidden = 8192};
  const MessageCapacity capacity(shape);  // comm: 4 x 64 x 8192 x 4 = 8 MiB; Lamport: 4 x 16 x 4 x 8192 x 2 = 4 MiB
  for (const auto algorithm : {Algorithm::one_shot, Algorithm::one_shot_pull, Algorithm::two_shot_barrier}) {
    shape.algorithm = algorithm;
    CHECK_FALSE(capacity_problem(capacity, shape));
  }
  shape.tokens = 576;
  CHECK(capacity_problem(capacity, shape) ==
        "two_shot_barrier needs 1 x 9 MiB = 9437184 bytes of a comm buffer, which has 8388608");
  shape.algorithm = Algorithm::one_shot;
  shape.tokens = 192;
  CHECK(capacity_problem(capacity, shape) ==
        "one_shot needs 4 x 3 MiB = 12582912 bytes of a comm buffer, which has 8388608");
  shape.pattern = Pattern::residual_rmsnorm;
  shape.hidden = 8192 * 8;
  shape.tokens = 16;
  CHECK(capacity_problem(capacity, shape) ==
        "one_shot needs 4 x 2 MiB = 8388608 bytes of a Lamport buffer, which has 4194304");
  shape.algorithm = Algorithm::two_shot;
  CHECK(capacity_problem(capacity, shape) ==
        "two_shot has no room in a trtllm workspace, which is for one_shot, one_shot_pull and two_shot_barrier");
}

TEST_CASE("capacities that no workspace can have are refused with what is allowed") {
  CHECK_FALSE(capacity_of(4, 4096).problem());
  CHECK_FALSE(capacity_of(72, 16, DType::fp32).problem());
  CHECK(MessageCapacity().problem());
  CHECK(capacity_of(73, 4096).problem()->find("72") != std::string::npos);
  CHECK(capacity_of(4, 0).problem());
  CHECK(capacity_of(4, 4098).problem()->find("16") != std::string::npos);
}

}  // namespace
}  // namespace symmbench
