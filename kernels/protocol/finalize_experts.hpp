#pragma once
#include "kernels/protocol/contribution.hpp"

namespace symmbench {

/// What a rank adds to the sum after its experts' second product: for each token the sum over its top_k slots of permuted
/// row * scale, times the routed scaling factor, plus the shared expert's row. In fp32, in the order of slots; one rounding
/// to T at the end. A negative index: another rank has that expert.
///   input   [tokens * top_k][hidden] permuted rows, then [tokens][hidden] of the shared expert, of T
///   scale   [tokens][top_k] of T
///   index   [tokens][top_k], 32-bit signed
template <class T>
struct FinalizeExperts {
  std::uint64_t input, scale, index;
  std::uint64_t shared;  ///< address of the shared expert's rows
  std::uint64_t row_bytes;
  std::uint32_t top_k;
  float routed_scaling;

  /// Which rows it will be is in memory that an earlier kernel may still write.
  template <class Ops>
  SYMMBENCH_FN void prefetch(Ops& ops, const PacketRef& ref) const {
    ops.prefetch(shared + ref.packet * kPacketBytes);
  }
  template <class Ops>
  SYMMBENCH_FN Packet load(Ops& ops, const PacketRef& ref) const {
    float sum[kLanes<T>] = {}, lanes[kLanes<T>];
    for (std::uint32_t slot = 0; slot < top_k; ++slot) {
      const std::uint64_t at = ref.row * top_k + slot;
      const auto row = static_cast<std::int32_t>(ops.load_word(index + at * 4));
      if (row < 0) continue;
      const float weight = load_scale(ops, at);
      Ops::Numbers::template unpack<T>(
          ops.load_local(input + static_cast<std::uint64_t>(row) * row_bytes + ref.column * kPacketBytes), lanes);
      SYMMBENCH_UNROLL
      for (int i = 0; i < kLanes<T>; ++i) sum[i] += lanes[i] * weight;
    }
    Ops::Numbers::template unpack<T>(ops.load_local(shared + ref.packet * kPacketBytes), lanes);
    SYMMBENCH_UNROLL
    for (int i = 0; i < kLanes<T>; ++i) sum[i] = sum[i] * routed_scaling + lanes[i];
    return Ops::Numbers::template pack<T>(sum);
  }

 private:
  template <class Ops>
  SYMMBENCH_FN float load_scale(Ops& ops, std::uint64_t at) const {
    const std::uint64_t address = scale + at * sizeof(T);
    const std::uint32_t word = ops.load_word(address / 4 * 4);
    if constexpr (sizeof(T) == 4) {
      return float_of(word);
    } else {
      return to_float(T{static_cast<std::uint16_t>(word >> address % 4 * 8)});
    }
  }
};
static_assert(PacketContribution<FinalizeExperts<Bf16>>);

}  // namespace symmbench
