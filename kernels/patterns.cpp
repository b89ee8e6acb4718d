#include "kernels/patterns.hpp"

#include <algorithm>
#include <cstdlib>

#include "catalog/parameters_of_patterns.hpp"
#include "core/round.hpp"

namespace symmbench {
namespace {

std::uint64_t whole_message(const CallShape& shape) { return shape.elements(); }
std::uint64_t one_row(const CallShape& shape) { return shape.hidden; }
std::uint64_t one_per_row(const CallShape& shape) { return shape.tokens; }
std::uint64_t one(const CallShape&) { return 1; }
std::uint64_t scales(const CallShape& shape) {
  const ScaleGrid grid = scale_grid(shape);
  return grid.rows * grid.groups;
}
std::uint64_t scale_bytes(const CallShape& shape) { return scale_grid(shape).bytes(); }
ExpertShape experts_of_rank(const CallShape& shape) { return {shape.tokens, shape.parameters.experts}; }
ExpertShape experts_of_token(const CallShape& shape) { return {shape.tokens, shape.parameters.top_k}; }
std::uint64_t one_per_slot(const CallShape& shape) {
  const ExpertShape experts = spec_of(shape.pattern).experts(shape);
  return experts.tokens * experts.slots;
}
float quant_scale(const PatternParameters& parameters) { return parameters.quant_scale; }
float global_scale(const PatternParameters& parameters) { return parameters.global_scale; }

constexpr DType kAllTypes[] = {DType::fp16, DType::bf16, DType::fp32};
constexpr DType kShortTypes[] = {DType::fp16, DType::bf16};
constexpr int kUnrolledWorlds[] = {2, 4, 8, 16};  // whose loops over ranks the row kernels unroll

constexpr OutputSpec kAllreduce{OutputKind::allreduce, "allreduce", ElementType::as_message, whole_message};
constexpr OutputSpec kNorm{OutputKind::norm, "norm_out", ElementType::as_message, whole_message};
constexpr OutputSpec kResidual{OutputKind::residual, "residual_out", ElementType::as_message, whole_message};
constexpr OutputSpec kE4m3{OutputKind::quant, "quant_out", ElementType::e4m3, whole_message};
constexpr OutputSpec kE2m1{OutputKind::quant, "quant_out", ElementType::e2m1, whole_message};
constexpr OutputSpec kRowScales{OutputKind::scale, "scale_out", ElementType::fp32, one_per_row};
constexpr OutputSpec kE4m3Scales{OutputKind::scale, "scale_out", ElementType::e4m3, scales, scale_bytes};
constexpr OutputSpec kUe8m0Scales{OutputKind::scale, "scale_out", ElementType::ue8m0, scales, scale_bytes};

constexpr OutputSpec kSum[] = {kAllreduce};
constexpr OutputSpec kOfNorm[] = {kNorm, kResidual};
constexpr OutputSpec kOfFp8[] = {kE4m3, kResidual}, kOfOutFp8[] = {kNorm, kE4m3, kResidual};
constexpr OutputSpec kOfDynamic[] = {kE4m3, kRowScales, kResidual};
constexpr OutputSpec kOfOutDynamic[] = {kNorm, kE4m3, kRowScales, kResidual};
constexpr OutputSpec kOfNvfp4[] = {kE2m1, kE4m3Scales, kResidual};
constexpr OutputSpec kOfOutNvfp4[] = {kNorm, kE2m1, kE4m3Scales, kResidual};
constexpr OutputSpec kOfUe8m0[] = {kE4m3, kUe8m0Scales, kResidual};
constexpr OutputSpec kOfOutUe8m0[] = {kNorm, kE4m3, kUe8m0Scales, kResidual};

constexpr ConstantSpec kResidualIn{ConstantKind::residual, "residual", ElementType::as_message, whole_message};
constexpr ConstantSpec kGamma{ConstantKind::gamma, "gamma", ElementType::as_message, one_row};
constexpr ConstantSpec kNormInputs[] = {kResidualIn, kGamma};
constexpr ConstantSpec kFp8Inputs[] = {
    kResidualIn, kGamma, {ConstantKind::scale, "scale", ElementType::fp32, one, quant_scale}};
constexpr ConstantSpec kNvfp4Inputs[] = {
    kResidualIn, kGamma, {ConstantKind::scale, "scale", ElementType::fp32, one, global_scale}};

constexpr ConstantSpec kReductionInputs[] = {
    kResidualIn, kGamma, {ConstantKind::expert_scale, "expert scale", ElementType::fp32, one_per_slot}};
constexpr ConstantSpec kFinalizeInputs[] = {
    kResidualIn,
    kGamma,
    {ConstantKind::expert_scale, "expert scale", ElementType::as_message, one_per_slot},
    {ConstantKind::expert_index, "expert index", ElementType::int32, one_per_slot}};

constexpr ScaleLayout kNvfp4Layouts[] = {ScaleLayout::linear, ScaleLayout::tiles_128x4, ScaleLayout::tiles_8x4};
constexpr ScaleLayout kMxfp8Layouts[] = {ScaleLayout::linear, ScaleLayout::tiles_128x4};

/// Row by row on 2, 4, 8 and 16 ranks: what every pattern of RMSNorm has in common.
constexpr PatternSpec rmsnorm(Pattern pattern, std::span<const OutputSpec> outputs) {
  return {.pattern = pattern,
          .family = PatternFamily::rmsnorm,
          .constants = kNormInputs,
          .outputs = outputs,
          .dtypes = kAllTypes,
          .world_sizes = kUnrolledWorlds,
          .parameters = parameters_of(pattern),
          .in_place = false,
          .group_elements = 1};
}
constexpr PatternSpec experts(Pattern pattern, std::span<const ConstantSpec> constants,
                              ExpertShape (*shape)(const CallShape&)) {
  PatternSpec spec = rmsnorm(pattern, kOfNorm);
  spec.constants = constants;
  spec.experts = shape;
  return spec;
}
constexpr PatternSpec fp8(Pattern pattern, std::span<const OutputSpec> outputs) {
  PatternSpec spec = rmsnorm(pattern, outputs);
  spec.constants = kFp8Inputs;
  return spec;
}
constexpr PatternSpec nvfp4(Pattern pattern, std::span<const OutputSpec> outputs) {
  PatternSpec spec = rmsnorm(pattern, outputs);
  spec.constants = kNvfp4Inputs;
  spec.dtypes = kShortTypes;
  spec.group_elements = 16;
  spec.layouts = kNvfp4Layouts;
  spec.zero_padding = false;
  return spec;
}
constexpr PatternSpec mxfp8(Pattern pattern, std::span<const OutputSpec> outputs) {
  PatternSpec spec = rmsnorm(pattern, outputs);
  spec.group_elements = 32;
  spec.layouts = kMxfp8Layouts;
  return spec;
}
constexpr PatternSpec group_fp8(Pattern pattern, std::span<const OutputSpec> outputs) {
  PatternSpec spec = rmsnorm(pattern, outputs);
  spec.group_elements = 0;
  return spec;
}

constexpr PatternSpec kSpecs[] = {
    {.pattern = Pattern::allreduce,
     .family = PatternFamily::plain,
     .constants = {},
     .outputs = kSum,
     .dtypes = kAllTypes,
     .world_sizes = {},
     .parameters = parameters_of(Pattern::allreduce),
     .in_place = true,
     .group_elements = 1},
    rmsnorm(Pattern::residual_rmsnorm, kOfNorm),
    fp8(Pattern::residual_rmsnorm_fp8, kOfFp8),
    fp8(Pattern::residual_rmsnorm_out_fp8, kOfOutFp8),
    nvfp4(Pattern::residual_rmsnorm_nvfp4, kOfNvfp4),
    nvfp4(Pattern::residual_rmsnorm_out_nvfp4, kOfOutNvfp4),
    rmsnorm(Pattern::residual_rmsnorm_dynamic_fp8, kOfDynamic),
    rmsnorm(Pattern::residual_rmsnorm_out_dynamic_fp8, kOfOutDynamic),
    group_fp8(Pattern::residual_rmsnorm_group_fp8, kOfUe8m0),
    group_fp8(Pattern::residual_rmsnorm_out_group_fp8, kOfOutUe8m0),
    experts(Pattern::moe_reduction_residual_rmsnorm, kReductionInputs, experts_of_rank),
    experts(Pattern::moe_finalize_residual_rmsnorm, kFinalizeInputs, experts_of_token),
    mxfp8(Pattern::residual_rmsnorm_mxfp8, kOfUe8m0),
    mxfp8(Pattern::residual_rmsnorm_out_mxfp8, kOfOutUe8m0),
};

}  // namespace

std::uint64_t element_bits(ElementType type, DType message) {
  switch (type) {
    case ElementType::as_message:
      return element_bytes(message) * 8;
    case ElementType::fp32:
    case ElementType::int32:
      return 32;
    case ElementType::e4m3:
    case ElementType::ue8m0:
      return 8;
    case ElementType::e2m1:
      return 4;
  }
  std::abort();
}

std::uint64_t OutputSpec::bytes(const CallShape& shape) const {
  const std::uint64_t wanted =
      padded_bytes != nullptr ? padded_bytes(shape) : ceil_div(elements(shape) * element_bits(type, shape.dtype), 8);
  return round_up(wanted, kPacketBytes);
}

std::uint64_t ConstantSpec::bytes(const CallShape& shape) const {
  return round_up(elements(shape) * element_bits(type, shape.dtype) / 8, kPacketBytes);
}

bool PatternSpec::takes(std::string_view parameter) const {
  return std::find(parameters.begin(), parameters.end(), parameter) != parameters.end();
}

std::uint32_t PatternSpec::group_of(const CallShape& shape) const {
  return group_elements != 0 ? group_elements : shape.parameters.quant_group;
}

std::uint64_t PatternSpec::group_packets(DType dtype) const {
  if (group_elements == 0) return 32;
  return std::max<std::uint64_t>(group_elements * element_bytes(dtype) / kPacketBytes, 1);
}

namespace {
ScaleOrder order_of(ScaleLayout layout) {
  switch (layout) {
    case ScaleLayout::linear:
      return ScaleOrder::linear;
    case ScaleLayout::tiles_128x4:
      return ScaleOrder::tiles_128x4;
    case ScaleLayout::tiles_8x4:
      return ScaleOrder::tiles_8x4;
  }
  std::abort();
}
}  // namespace

ScaleGrid scale_grid(const CallShape& shape) {
  const PatternSpec& spec = spec_of(shape.pattern);
  const std::uint64_t groups = shape.hidden / std::max<std::uint32_t>(spec.group_of(shape), 1);
  return {spec.layouts.empty() ? ScaleOrder::packed_words : order_of(shape.parameters.scale_layout), shape.tokens,
          groups, spec.zero_padding};
}

std::uint64_t input_bytes(const CallShape& shape) {
  const PatternSpec& spec = spec_of(shape.pattern);
  return shape.message_bytes() * (spec.experts == nullptr ? 1 : spec.experts(shape).slots + 1);
}

int exact_summands(const CallShape& shape) {
  return shape.world_size * (spec_of(shape.pattern).experts == nullptr ? 1 : 2);
}

ConstantValues constant_values(const CallShape& shape) {
  const PatternSpec& spec = spec_of(shape.pattern);
  ConstantValues values{.summands = exact_summands(shape)};
  if (spec.experts != nullptr) values.experts = spec.experts(shape);
  for (const ConstantSpec& constant : spec.constants) {
    if (constant.value != nullptr) values.scale_value = constant.value(shape.parameters);
    if (constant.kind == ConstantKind::expert_index) values.experts_by_index = true;
  }
  return values;
}

std::span<const PatternSpec> pattern_specs() { return kSpecs; }

const PatternSpec& spec_of(Pattern pattern) {
  for (const PatternSpec& spec : kSpecs) {
    if (spec.pattern == pattern) return spec;
  }
  std::abort();  // a name of the catalogue's future got past the options
}

const OutputSpec& output_of(Pattern pattern, OutputKind kind) {
  for (const OutputSpec& output : spec_of(pattern).outputs) {
    if (output.kind == kind) return output;
  }
  std::abort();
}

std::string_view name_of(OutputKind kind) {
  for (const PatternSpec& spec : kSpecs) {
    for (const OutputSpec& output : spec.outputs) {
      if (output.kind == kind) return output.name;
    }
  }
  std::abort();
}

std::uint64_t elements_to_check(const CallShape& shape) {
  std::uint64_t elements = 0;
  for (const OutputSpec& output : spec_of(shape.pattern).outputs) elements += output.elements(shape);
  return elements;
}

std::uint64_t buffer_set_bytes(const CallShape& shape, std::uint64_t guard_bytes) {
  std::uint64_t bytes = input_bytes(shape) + 2 * guard_bytes;
  for (const OutputSpec& output : spec_of(shape.pattern).outputs) bytes += output.bytes(shape) + 2 * guard_bytes;
  return bytes;
}

std::uint64_t constant_bytes(const CallShape& shape) {
  std::uint64_t bytes = 0;
  for (const ConstantSpec& constant : spec_of(shape.pattern).constants) bytes += constant.bytes(shape);
  return bytes;
}

AllreduceCall call_on(const BatchView& batch, std::uint64_t iteration, const CallShape& shape,
                      const WorkspaceView& workspace) {
  const PatternSpec& spec = spec_of(shape.pattern);
  AllreduceCall call{.shape = shape, .view = &workspace};
  for (const OutputSpec& output : spec.outputs) call.outputs[output.kind] = batch.output(output.kind, iteration);
  for (const ConstantSpec& constant : spec.constants)
    call.constants[constant.kind] = batch.constants[constant.kind].base;
  call.input = shape.in_place ? call.outputs[spec.outputs[0].kind] : batch.input(iteration);
  return call;
}

}  // namespace symmbench
