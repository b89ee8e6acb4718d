#pragma once
#include "kernels/protocol/residual_rmsnorm.hpp"

namespace symmbench {

/// n rounded to T, times 1/scale, to E4M3 -> quant_out, one byte per element in the order of the message; n itself
/// -> norm_out where there is one. The scale is one fp32 number in device memory, as serving has it.
template <class T>
struct QuantiseFp8 {
  struct Loaded {
    float inverse_scale;
  };

  std::uint64_t norm_out;  ///< 0: n is not stored
  std::uint64_t quant_out, scale;

  template <class Ops>
  SYMMBENCH_FN Loaded load(Ops& ops) const {
    return {ops.reciprocal(float_of(ops.load_local(scale).word[0]))};
  }
  template <class Ops>
  SYMMBENCH_FN void store(Ops& ops, const Loaded& loaded, const PacketRef& ref, const float (&norm)[kLanes<T>]) const {
    const Packet rounded = Ops::Numbers::template pack<T>(norm);
    if (norm_out != 0) ops.store_local(norm_out + ref.packet * kPacketBytes, rounded);
    float lanes[kLanes<T>];
    Ops::Numbers::template unpack<T>(rounded, lanes);
    SYMMBENCH_UNROLL
    for (int i = 0; i < kLanes<T>; ++i) lanes[i] *= loaded.inverse_scale;
    ops.store_codes(quant_out + ref.packet * kLanes<T>, ops.template e4m3<T>(lanes));
  }
};
static_assert(PacketEpilogue<ResidualRmsNorm<float, QuantiseFp8<float>>>);

}  // namespace symmbench
