#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "kernels/call_shape.hpp"
#include "kernels/kernel_set.hpp"
#include "kernels/protocol/fill.hpp"
#include "kernels/protocol/scale_grid.hpp"

namespace symmbench {

// Patterns as data: what plan, ring, checks and reports need to know about one. Its code, an epilogue and the passes of
// a check, stands in pattern_code.hpp.

/// How the work of a pattern is cut.
enum class PatternFamily : std::uint8_t {
  plain,    ///< packet by packet: the message may have any number of whole packets
  rmsnorm,  ///< row by row: a row is whole packets and belongs to one block, or one cluster of blocks
};

/// What the elements of an output or a constant are.
enum class ElementType : std::uint8_t { as_message, fp32, e4m3, e2m1, ue8m0, int32 };
std::uint64_t element_bits(ElementType type, DType message);

struct OutputSpec {
  OutputKind kind;
  std::string_view name;  ///< "norm_out"
  ElementType type;
  std::uint64_t (*elements)(const CallShape& shape);  ///< of one call: what a check must have looked at
  /// Bytes that these lie in, where there are others between them; nullptr: they lie side by side.
  std::uint64_t (*padded_bytes)(const CallShape& shape) = nullptr;

  std::uint64_t bytes(const CallShape& shape) const;
};

struct ConstantSpec {
  ConstantKind kind;
  std::string_view name;
  ElementType type;
  std::uint64_t (*elements)(const CallShape& shape);
  float (*value)(const PatternParameters& parameters) = nullptr;  ///< of a scale: the parameter that it holds

  std::uint64_t bytes(const CallShape& shape) const;
};

struct PatternSpec {
  Pattern pattern;
  PatternFamily family;
  std::span<const ConstantSpec> constants;  ///< read beside the input
  std::span<const OutputSpec> outputs;      ///< the first is the one that may take the place of the input
  std::span<const DType> dtypes;
  std::span<const int> world_sizes;              ///< empty: any
  std::span<const std::string_view> parameters;  ///< of PatternParameters, by name
  bool in_place;
  std::uint32_t group_elements;  ///< neighbours in a row that share a scale; divides hidden; 0: quant_group says it
  std::span<const ScaleLayout> layouts = {};  ///< of scale_out, to choose from; empty: no choice
  bool zero_padding = true;                   ///< ScaleGrid's
  /// Of the patterns that sum over experts: of a call; nullptr: the input is the message.
  ExpertShape (*experts)(const CallShape& shape) = nullptr;

  bool by_rows() const { return family != PatternFamily::plain; }
  bool takes(std::string_view parameter) const;
  /// Elements of a group of this call.
  std::uint32_t group_of(const CallShape& shape) const;
  /// The packets that one warp must handle together, whatever the parameters: a power of two up to 32.
  std::uint64_t group_packets(DType dtype) const;
};

/// One rank's input: of patterns that sum over experts, a message per slot and one more.
std::uint64_t input_bytes(const CallShape& shape);
/// What the checks' CheckArgs and the fill of constants need.
int exact_summands(const CallShape& shape);
ConstantValues constant_values(const CallShape& shape);

/// Where the scales of groups lie. @pre the pattern of `shape` has some
ScaleGrid scale_grid(const CallShape& shape);

/// One per pattern that this version runs.
std::span<const PatternSpec> pattern_specs();
/// @pre a pattern that this version runs
const PatternSpec& spec_of(Pattern pattern);
inline bool by_rows(const CallShape& shape) { return spec_of(shape.pattern).by_rows(); }
/// Whether its rows must be whole packets: by its pattern or by its workspace.
inline bool needs_whole_rows(const CallShape& shape) {
  return by_rows(shape) || row_of(kWorkspaceKinds, shape.workspace).by_tokens;
}

/// @pre an output of the pattern
const OutputSpec& output_of(Pattern pattern, OutputKind kind);
/// "norm_out": the same in every pattern that has such an output. @pre a kind of some pattern
std::string_view name_of(OutputKind kind);

/// The elements that a check of one call must have looked at, over all outputs.
std::uint64_t elements_to_check(const CallShape& shape);

/// Bytes of one iteration's buffers, input and guarded outputs, and of the constants beside them.
std::uint64_t buffer_set_bytes(const CallShape& shape, std::uint64_t guard_bytes);
std::uint64_t constant_bytes(const CallShape& shape);

/// A view with `buffers` buffers for each iteration's input and outputs, and the constants. take(bytes) allocates and
/// returns an address that is aligned to a packet. State, report, seed and kind are left to the caller.
template <class Take>
BatchView lay_out_batch(const CallShape& shape, std::uint32_t buffers, std::uint64_t guard_bytes, Take&& take) {
  BatchView view;
  view.buffers = buffers;
  view.input_bytes = input_bytes(shape);
  view.guard_bytes = guard_bytes;
  view.inputs = take(buffers * view.input_bytes);
  const PatternSpec& spec = spec_of(shape.pattern);
  for (const OutputSpec& output : spec.outputs) {
    const std::uint64_t bytes = output.bytes(shape);
    view.outputs[output.kind] = {take(buffers * (bytes + 2 * guard_bytes)), bytes};
  }
  for (const ConstantSpec& constant : spec.constants) {
    const std::uint64_t bytes = constant.bytes(shape);
    view.constants[constant.kind] = {take(bytes), bytes};
  }
  return view;
}

/// The call of one iteration on the buffers of a batch; in place, the output that takes the place of the input must hold
/// it already.
AllreduceCall call_on(const BatchView& batch, std::uint64_t iteration, const CallShape& shape,
                      const WorkspaceView& workspace);

}  // namespace symmbench
