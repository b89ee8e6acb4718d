#include "kernels/patterns.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <set>

#include "kernels/call_rules.hpp"
#include "kernels/host/host_kernels.hpp"
#include "kernels/host/launch_table.hpp"

using namespace symmbench;

namespace {

constexpr Algorithm kOurs[] = {Algorithm::one_shot, Algorithm::two_shot, Algorithm::two_shot_barrier};

CallShape shape_of(Pattern pattern, int ranks = 4) {
  return {.pattern = pattern, .dtype = DType::bf16, .world_size = ranks, .tokens = 3, .hidden = 40};
}

}  // namespace

TEST_CASE("Every pattern of the catalogue that runs now has one spec, and no other has") {
  std::set<Pattern> specified;
  for (const PatternSpec& spec : pattern_specs()) CHECK(specified.insert(spec.pattern).second);
  for (const PatternRow& row : kPatterns) CHECK(specified.contains(row.value) == row.now);
}

TEST_CASE("Outputs of a pattern have different kinds, and only patterns in place give up their input") {
  for (const PatternSpec& spec : pattern_specs()) {
    REQUIRE_FALSE(spec.outputs.empty());
    std::set<OutputKind> kinds;
    for (const OutputSpec& output : spec.outputs) {
      CHECK(kinds.insert(output.kind).second);
      CHECK(name_of(output.kind) == output.name);
    }
    if (spec.in_place) CHECK(spec.outputs[0].bytes(shape_of(spec.pattern)) == shape_of(spec.pattern).message_bytes());
  }
}

TEST_CASE("An output of a type of its own takes that type's bytes, in whole packets") {
  const OutputSpec row_scales{OutputKind::norm, "scale", ElementType::fp32,
                              [](const CallShape& shape) { return shape.tokens; }};
  CHECK(row_scales.bytes(shape_of(Pattern::allreduce)) == 16);
  CallShape many = shape_of(Pattern::allreduce);
  many.tokens = 5;
  CHECK(row_scales.bytes(many) == 32);
}

TEST_CASE("Rings, constants and checks count what the pattern has") {
  const CallShape plain = shape_of(Pattern::allreduce), fused = shape_of(Pattern::residual_rmsnorm);
  CHECK(buffer_set_bytes(plain, 64) == 2 * (240 + 128));
  CHECK(buffer_set_bytes(fused, 64) == 3 * (240 + 128));
  CHECK(constant_bytes(plain) == 0);
  CHECK(constant_bytes(fused) == 240 + 80);
  CHECK(elements_to_check(plain) == 120);
  CHECK(elements_to_check(fused) == 240);
  // FP8: a byte per element in place of two, and one scale in a packet of its own.
  const CallShape fp8 = shape_of(Pattern::residual_rmsnorm_fp8), out_fp8 = shape_of(Pattern::residual_rmsnorm_out_fp8);
  CHECK(buffer_set_bytes(fp8, 64) == 2 * (240 + 128) + 128 + 128);
  CHECK(buffer_set_bytes(out_fp8, 64) == 3 * (240 + 128) + 128 + 128);
  CHECK(constant_bytes(fp8) == 240 + 80 + 16);
  CHECK(elements_to_check(out_fp8) == 360);
}

TEST_CASE("Parameters reach case ids and keys by their names") {
  std::vector<std::string_view> names;
  PatternParameters::visit([&](std::string_view name, std::string_view, auto) { names.push_back(name); });
  CHECK(names == std::vector<std::string_view>{"weight_bias", "epsilon", "quant_scale", "global_scale", "quant_group",
                                               "scale_layout", "experts", "top_k", "routed_scaling"});
  for (const PatternSpec& spec : pattern_specs()) {
    for (const auto name : spec.parameters) CHECK(std::find(names.begin(), names.end(), name) != names.end());
  }
  CHECK(spec_of(Pattern::residual_rmsnorm).takes("epsilon"));
  CHECK_FALSE(spec_of(Pattern::allreduce).takes("epsilon"));
  CHECK(spec_of(Pattern::residual_rmsnorm_fp8).takes("quant_scale"));
  CHECK_FALSE(spec_of(Pattern::residual_rmsnorm).takes("quant_scale"));
}

TEST_CASE("Every call that breaks no rule has a kernel on the emulated device, and the other way round") {
  const auto kernels = make_host_kernels();
  for (const PatternSpec& spec : pattern_specs()) {
    for (const auto algorithm : kOurs) {
      for (const auto dtype : {DType::fp16, DType::bf16, DType::fp32}) {
        for (int ranks = 1; ranks <= kMaxRanks; ++ranks) {
          CallShape shape = shape_of(spec.pattern, ranks);
          shape.hidden = 384;
          shape.algorithm = algorithm;
          shape.dtype = dtype;
          INFO(name_of(spec.pattern) << " on " << ranks);
          CHECK(call_problem(shape).has_value() == (row_for(host::launch_table(), shape) == nullptr));
          CHECK(call_problem(shape) == kernels->unsupported(shape));
        }
      }
    }
  }
}

TEST_CASE("A call is refused by the rule that it breaks") {
  CallShape shape = shape_of(Pattern::residual_rmsnorm, 3);
  CHECK(call_problem(shape) == "residual_rmsnorm runs on 2, 4, 8 or 16 ranks, not on 3");
  shape.world_size = 4;
  CHECK_FALSE(call_problem(shape));
  shape.in_place = true;
  CHECK(call_problem(shape) == "residual_rmsnorm has no in-place form");
  shape.in_place = false;
  shape.hidden = 100;
  CHECK(call_problem(shape) ==
        "rows of 100 x bf16 are 200 bytes, no whole 16-byte packets: hidden must be a multiple of 8");
  shape = shape_of(Pattern::allreduce);
  shape.hidden = 0;
  CHECK(call_problem(shape));
  shape = shape_of(Pattern::allreduce);
  shape.algorithm = Algorithm::two_shot_barrier;
  shape.blocks = 257;
  CHECK(call_problem(shape) == "257 blocks, but a barrier has flags for 256");
}

TEST_CASE("Over an mnnvl workspace plain messages are whole rows of packets too") {
  CallShape shape = shape_of(Pattern::allreduce);
  shape.tokens = 4;
  shape.hidden = 100;
  CHECK_FALSE(call_problem(shape));
  shape.workspace = WorkspaceKind::mnnvl;
  CHECK(call_problem(shape) ==
        "rows of 100 x bf16 are 200 bytes, no whole 16-byte packets: hidden must be a multiple of 8");
}

TEST_CASE("A quantised call is refused with the number that is wrong and what is allowed") {
  const auto problem = [](Pattern pattern, std::uint64_t hidden, DType dtype, const PatternParameters& parameters) {
    CallShape shape = shape_of(pattern);
    shape.hidden = hidden;
    shape.dtype = dtype;
    shape.tokens = 33;
    shape.parameters = parameters;
    return call_problem(shape).value_or("");
  };
  CHECK(problem(Pattern::residual_rmsnorm_nvfp4, 64, DType::fp32, {}) ==
        "residual_rmsnorm_nvfp4 has no form for fp32: fp16 or bf16");
  CHECK(problem(Pattern::residual_rmsnorm_nvfp4, 40, DType::bf16, {}) ==
        "residual_rmsnorm_nvfp4 works on groups of 16 elements: hidden must be a multiple of 16, not 40");
  CHECK(problem(Pattern::residual_rmsnorm_out_mxfp8, 80, DType::bf16, {}) ==
        "residual_rmsnorm_out_mxfp8 works on groups of 32 elements: hidden must be a multiple of 32, not 80");
  CHECK(problem(Pattern::residual_rmsnorm_mxfp8, 64, DType::bf16, {.scale_layout = ScaleLayout::tiles_8x4}) ==
        "residual_rmsnorm_mxfp8 has no scale layout 8x4: linear or 128x4");
  CHECK(problem(Pattern::residual_rmsnorm_nvfp4, 64, DType::bf16, {.scale_layout = ScaleLayout::tiles_8x4}) ==
        "residual_rmsnorm_nvfp4: scale layout 8x4 is for up to 32 tokens, not 33: linear and 128x4 take any number");
  CHECK(problem(Pattern::residual_rmsnorm_group_fp8, 64, DType::bf16, {}) ==
        "residual_rmsnorm_group_fp8 works on groups of 128 elements: hidden must be a multiple of 128, not 64");
  CHECK(problem(Pattern::residual_rmsnorm_group_fp8, 96, DType::bf16, {.quant_group = 48}) ==
        "residual_rmsnorm_group_fp8: groups of 48 elements: must be a power of two from 8 to 256 for bf16");
  CHECK(problem(Pattern::residual_rmsnorm_group_fp8, 128, DType::bf16, {}).empty());
}

TEST_CASE("A kernel set refuses references, workspaces and transports that it has no kernel for") {
  const auto kernels = make_host_kernels();
  CallShape shape = shape_of(Pattern::allreduce);
  shape.algorithm = Algorithm::nccl;
  CHECK(kernels->unsupported(shape) ==
        "no kernel here for nccl allreduce bf16 on 4 ranks over a trtllm_fusion workspace by unicast");
  shape = shape_of(Pattern::allreduce);
  shape.workspace = WorkspaceKind::trtllm;
  shape.algorithm = Algorithm::two_shot;
  CHECK(kernels->unsupported(shape) ==
        "no kernel here for two_shot allreduce bf16 on 4 ranks over a trtllm workspace by unicast");
  shape.workspace = WorkspaceKind::mnnvl;
  shape.algorithm = Algorithm::two_shot_barrier;
  CHECK(kernels->unsupported(shape) ==
        "no kernel here for two_shot_barrier allreduce bf16 on 4 ranks over a mnnvl workspace by unicast");
  shape = shape_of(Pattern::allreduce);
  shape.transport = TransportKind::multicast;
  CHECK(kernels->unsupported(shape));
}

TEST_CASE("Of several kernels that serve a call the first of the table runs it") {
  struct Row {
    LaunchKey key;
    int number;
  };
  const auto key = [](WorldRange worlds, std::uint64_t from_bytes) {
    return LaunchKey{WorkspaceKind::trtllm_fusion,
                     TransportKind::unicast,
                     Algorithm::one_shot,
                     Pattern::allreduce,
                     DType::bf16,
                     worlds,
                     from_bytes};
  };
  const Row rows[] = {{key({2, 2}, 1024), 1}, {key({2, 2}, 0), 2}, {key({1, 72}, 0), 3}};
  const auto number = [&](int ranks, std::uint64_t hidden) {
    return row_for(std::span<const Row>(rows), {.world_size = ranks, .tokens = 1, .hidden = hidden})->number;
  };
  CHECK(number(2, 512) == 1);
  CHECK(number(2, 504) == 2);
  CHECK(number(3, 512) == 3);
}
