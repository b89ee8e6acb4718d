#include "kernels/patterns.hpp"

#include <algorithm>
#include <cstdlib>

#include "core/round.hpp"

namespace symmbench {
namespace {

std::uint64_t whole_message(const CallShape& shape) { return shape.elements(); }
std::uint64_t one_row(const CallShape& shape) { return shape.hidden; }
std::uint64_t one(const CallShape&) { return 1; }

constexpr DType kAllTypes[] = {DType::fp16, DType::bf16, DType::fp32};
constexpr int kUnrolledWorlds[] = {2, 4, 8, 16};  // whose loops over ranks the row kernels unroll

constexpr OutputSpec kSum[] = {{OutputKind::allreduce, "allreduce", ElementType::as_message, whole_message}};
constexpr OutputSpec kNormAndResidual[] = {
    {OutputKind::norm, "norm_out", ElementType::as_message, whole_message},
    {OutputKind::residual, "residual_out", ElementType::as_message, whole_message}};
constexpr ConstantSpec kResidualAndGamma[] = {
    {ConstantKind::residual, "residual", ElementType::as_message, whole_message},
    {ConstantKind::gamma, "gamma", ElementType::as_message, one_row}};
constexpr std::string_view kNormParameters[] = {"weight_bias", "epsilon"};

constexpr OutputSpec kQuantAndResidual[] = {
    {OutputKind::quant, "quant_out", ElementType::e4m3, whole_message},
    {OutputKind::residual, "residual_out", ElementType::as_message, whole_message}};
constexpr OutputSpec kNormQuantAndResidual[] = {
    {OutputKind::norm, "norm_out", ElementType::as_message, whole_message},
    {OutputKind::quant, "quant_out", ElementType::e4m3, whole_message},
    {OutputKind::residual, "residual_out", ElementType::as_message, whole_message}};
constexpr ConstantSpec kResidualGammaAndScale[] = {
    {ConstantKind::residual, "residual", ElementType::as_message, whole_message},
    {ConstantKind::gamma, "gamma", ElementType::as_message, one_row},
    {ConstantKind::scale, "scale", ElementType::fp32, one}};
constexpr std::string_view kScaledNormParameters[] = {"weight_bias", "epsilon", "quant_scale"};

constexpr PatternSpec kSpecs[] = {
    {.pattern = Pattern::allreduce,
     .family = PatternFamily::plain,
     .constants = {},
     .outputs = kSum,
     .dtypes = kAllTypes,
     .world_sizes = {},
     .parameters = {},
     .in_place = true,
     .group_elements = 1},
    {.pattern = Pattern::residual_rmsnorm,
     .family = PatternFamily::rmsnorm,
     .constants = kResidualAndGamma,
     .outputs = kNormAndResidual,
     .dtypes = kAllTypes,
     .world_sizes = kUnrolledWorlds,
     .parameters = kNormParameters,
     .in_place = false,
     .group_elements = 1},
    {.pattern = Pattern::residual_rmsnorm_fp8,
     .family = PatternFamily::rmsnorm,
     .constants = kResidualGammaAndScale,
     .outputs = kQuantAndResidual,
     .dtypes = kAllTypes,
     .world_sizes = kUnrolledWorlds,
     .parameters = kScaledNormParameters,
     .in_place = false,
     .group_elements = 1},
    {.pattern = Pattern::residual_rmsnorm_out_fp8,
     .family = PatternFamily::rmsnorm,
     .constants = kResidualGammaAndScale,
     .outputs = kNormQuantAndResidual,
     .dtypes = kAllTypes,
     .world_sizes = kUnrolledWorlds,
     .parameters = kScaledNormParameters,
     .in_place = false,
     .group_elements = 1},
};

}  // namespace

std::uint64_t element_bytes(ElementType type, DType message) {
  switch (type) {
    case ElementType::as_message:
      return element_bytes(message);
    case ElementType::fp32:
      return 4;
    case ElementType::e4m3:
      return 1;
  }
  std::abort();
}

std::uint64_t OutputSpec::bytes(const CallShape& shape) const {
  return round_up(elements(shape) * element_bytes(type, shape.dtype), kPacketBytes);
}

std::uint64_t ConstantSpec::bytes(const CallShape& shape) const {
  return round_up(elements(shape) * element_bytes(type, shape.dtype), kPacketBytes);
}

bool PatternSpec::takes(std::string_view parameter) const {
  return std::find(parameters.begin(), parameters.end(), parameter) != parameters.end();
}

std::uint64_t PatternSpec::group_packets(DType dtype) const {
  return std::max<std::uint64_t>(group_elements * element_bytes(dtype) / kPacketBytes, 1);
}

std::span<const PatternSpec> pattern_specs() { return kSpecs; }

const PatternSpec& spec_of(Pattern pattern) {
  for (const PatternSpec& spec : kSpecs) {
    if (spec.pattern == pattern) return spec;
  }
  std::abort();  // a name of the catalogue's future got past the options
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
  std::uint64_t bytes = shape.message_bytes() + 2 * guard_bytes;
  for (const OutputSpec& output : spec_of(shape.pattern).outputs) bytes += output.bytes(shape) + 2 * guard_bytes;
  return bytes;
}

std::uint64_t constant_bytes(const CallShape& shape) {
  std::uint64_t bytes = 0;
  for (const ConstantSpec& constant : spec_of(shape.pattern).constants) bytes += constant.bytes(shape);
  return bytes;
}

AllreduceCall call_on(const BatchView& batch, std::uint64_t iteration, const CallShape& shape,
                      const WorkspaceView& workspace, const PatternParameters& parameters) {
  const PatternSpec& spec = spec_of(shape.pattern);
  AllreduceCall call{.shape = shape, .view = &workspace, .parameters = parameters};
  for (const OutputSpec& output : spec.outputs) call.outputs[output.kind] = batch.output(output.kind, iteration);
  for (const ConstantSpec& constant : spec.constants)
    call.constants[constant.kind] = batch.constants[constant.kind].base;
  call.input = shape.in_place ? call.outputs[spec.outputs[0].kind] : batch.input(iteration);
  return call;
}

}  // namespace symmbench
