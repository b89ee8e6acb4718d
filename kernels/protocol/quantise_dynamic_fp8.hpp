#pragma once
#include "kernels/protocol/residual_rmsnorm.hpp"

namespace symmbench {

/// The scale of a row of zeros.
inline constexpr float kLeastRowScale = 1.0f / (448.0f * 512.0f);

/// y = max(largest |n| of the row / 448, kLeastRowScale) -> scale_out, fp32, one per row; n / y to E4M3 -> quant_out; n
/// rounded to T, and itself -> norm_out where there is one. Quotients are rounded to nearest.
template <class T>
struct QuantiseDynamicFp8 {
  static constexpr NormScope kScope = NormScope::row;
  static constexpr int kMostGroupPackets = 1;
  struct Loaded {};

  QuantisedOutputs to;

  template <class Ops>
  SYMMBENCH_FN Loaded load(Ops&, const PacketRef&) const {
    return {};
  }
  template <class Ops>
  SYMMBENCH_FN void store(Ops& ops, const Loaded&, const PacketRef& ref, const Packet& rounded, float largest) const {
    const float scale = larger_of(ops.quotient(largest, kE4m3Largest), kLeastRowScale);
    float lanes[kLanes<T>];
    to.scaled_lanes<T>(ops, ref, rounded, 1.0f, lanes);
    SYMMBENCH_UNROLL
    for (int i = 0; i < kLanes<T>; ++i) lanes[i] = ops.quotient(lanes[i], scale);
    to.store_e4m3<T>(ops, ref, lanes);
    if (ref.column == 0) ops.store_word(to.scale_out + ref.row * 4, bits_of(scale));
  }
};
static_assert(PacketEpilogue<ResidualRmsNorm<float, QuantiseDynamicFp8<float>>>);

}  // namespace symmbench
