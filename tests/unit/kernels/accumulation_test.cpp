#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "kernels/call_rules.hpp"
#include "kernels/launch_rows.hpp"
#include "support/contains.hpp"
#include "support/flat_ranks.hpp"

using namespace symmbench;
using namespace symmbench::test;

namespace {

constexpr Algorithm kEachAlgorithm[] = {Algorithm::one_shot, Algorithm::two_shot, Algorithm::two_shot_barrier};

/// Wrong elements where `ran` is how the sums were made and `asked` how they are checked.
std::uint64_t wrong_where(Accumulation ran, Accumulation asked, Algorithm algorithm, Pattern pattern, DType dtype) {
  const CallShape shape{.algorithm = algorithm,
                        .pattern = pattern,
                        .dtype = dtype,
                        .world_size = 8,
                        .tokens = 3,
                        .hidden = 512,
                        .accumulation = asked};
  FlatRanks ranks(layout_for(shape));
  const Launch launch = [&](FlatRanks& of, int rank, AllreduceCall call) {
    call.shape.accumulation = ran;
    launch_as_shipped(of, rank, call);
  };
  return wrong_elements(run_and_check(ranks, shape, InputKind::random, 2, 0, launch));
}

}  // namespace

TEST_CASE("Sums that are rounded at each addition are right in every algorithm, type and pattern") {
  const int world_size = GENERATE(2, 4, 16);
  for (const PatternSpec& spec : pattern_specs()) {
    for (const auto algorithm : kEachAlgorithm) {
      for (const auto dtype : spec.dtypes) {
        if (world_size == 16 && dtype != DType::bf16) continue;
        const CallShape shape{.algorithm = algorithm,
                              .pattern = spec.pattern,
                              .dtype = dtype,
                              .world_size = world_size,
                              .tokens = 3,
                              .hidden = 384,
                              .accumulation = Accumulation::storage,
                              .parameters = {.routed_scaling = 2.5f}};
        FlatRanks ranks(layout_for(shape));
        for (const InputKind kind : {InputKind::exact, InputKind::random}) {
          INFO(name_of(algorithm) << " " << name_of(spec.pattern) << " " << name_of(dtype) << " " << world_size);
          CHECK(all_right(run_and_check(ranks, shape, kind, 2, kind == InputKind::exact ? 0 : 2), shape, 2));
        }
      }
    }
  }
}

TEST_CASE("A check sees the rounding that was not asked for, whichever it is") {
  const auto algorithm = GENERATE(Algorithm::one_shot, Algorithm::two_shot, Algorithm::two_shot_barrier);
  const auto dtype = GENERATE(DType::fp16, DType::bf16);
  for (const auto pattern : {Pattern::allreduce, Pattern::residual_rmsnorm}) {
    CAPTURE(name_of(algorithm), name_of(dtype), name_of(pattern));
    CHECK(wrong_where(Accumulation::fp32, Accumulation::fp32, algorithm, pattern, dtype) == 0);
    CHECK(wrong_where(Accumulation::storage, Accumulation::fp32, algorithm, pattern, dtype) > 0);
  }
  CHECK(wrong_where(Accumulation::fp32, Accumulation::storage, algorithm, Pattern::allreduce, dtype) > 0);
}

TEST_CASE("Messages of fp32 have nothing to round: both ways are one") {
  CHECK(wrong_where(Accumulation::storage, Accumulation::fp32, Algorithm::one_shot, Pattern::allreduce, DType::fp32) ==
        0);
  CHECK(wrong_where(Accumulation::fp32, Accumulation::storage, Algorithm::one_shot, Pattern::allreduce, DType::fp32) ==
        0);
}

TEST_CASE("256 + 1 + 1 + 1 in bf16: 260 of one rounding, 256 of one at each addition, where the ones are too small") {
  constexpr std::uint16_t k256 = 0x4380, k260 = 0x4382, kOne = 0x3F80;
  const auto accumulation = GENERATE(Accumulation::fp32, Accumulation::storage);
  for (const auto algorithm : kEachAlgorithm) {
    const CallShape shape{.algorithm = algorithm,
                          .dtype = DType::bf16,
                          .world_size = 4,
                          .tokens = 1,
                          .hidden = 8,
                          .accumulation = accumulation};
    FlatRanks ranks(layout_for(shape));
    std::deque<DeviceBytes> inputs, outputs;
    for (int rank = 0; rank < 4; ++rank) {
      DeviceBytes& input = inputs.emplace_back(16);
      for (std::uint64_t i = 0; i < 8; ++i) input.half(i) = rank == 0 ? k256 : kOne;
      AllreduceCall call{.shape = shape, .view = &ranks.view(rank), .input = input.address()};
      call.outputs[OutputKind::allreduce] = outputs.emplace_back(16).address();
      launch_as_shipped(ranks, rank, call);
    }
    ranks.synchronize();
    for (auto& output : outputs) CHECK(output.half(7) == (accumulation == Accumulation::fp32 ? k260 : k256));
  }
}

TEST_CASE("What a workspace or a device has no form of is refused with the reason, before any launch") {
  CallShape shape{.workspace = WorkspaceKind::mnnvl, .world_size = 4, .tokens = 4, .hidden = 512};
  CHECK_FALSE(call_problem(shape));
  shape.accumulation = Accumulation::storage;
  CHECK(contains(call_problem(shape).value_or(""), "mnnvl adds in fp32"));
  shape.accumulation = Accumulation::fp32;
  shape.trigger = TriggerPoint::end;
  CHECK(contains(call_problem(shape).value_or(""), "mnnvl has no form for trigger end"));

  shape.workspace = WorkspaceKind::trtllm_fusion;
  CHECK_FALSE(call_problem(shape));
  CHECK(contains(make_host_kernels()->unsupported(shape).value_or(""),
                 "the emulated device has no programmatic dependent launch"));
}

TEST_CASE("A fixed kernel serves what it does, a configurable one serves all") {
  LaunchKey key{WorkspaceKind::trtllm_fusion,
                TransportKind::unicast,
                Algorithm::one_shot,
                Pattern::allreduce,
                DType::bf16,
                {1, kMaxRanks}};
  CallShape shape{.world_size = 4, .tokens = 1, .hidden = 512};
  CallShape storage = shape, end = shape;
  storage.accumulation = Accumulation::storage;
  end.trigger = TriggerPoint::end;
  CHECK(key.serves(shape));
  CHECK_FALSE(key.serves(storage));
  CHECK_FALSE(key.serves(end));
  CHECK(contains(no_kernel_for(storage), "accumulate storage and trigger early"));
  key.form = KernelForm::configurable;
  CHECK(key.serves(shape));
  CHECK(key.serves(storage));
  CHECK(key.serves(end));
  key.form = KernelForm::fixed;
  key.dtype = storage.dtype = DType::fp32;
  CHECK(key.serves(storage));
}
