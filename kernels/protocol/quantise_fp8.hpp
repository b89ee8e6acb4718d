#pragma once
#include "kernels/protocol/residual_rmsnorm.hpp"

namespace symmbench {

/// n rounded to T, times 1/scale, to E4M3 -> quant_out, one byte per element in the order of the message; n itself
/// -> norm_out where there is one. The scale is one fp32 number in device memory, as serving has it.
template <class T>
struct QuantiseFp8 {
  static constexpr NormScope kScope = NormScope::packet;
  static constexpr int kMostGroupPackets = 1;
  struct Loaded {
    float inverse_scale;
  };

  QuantisedOutputs to;
  std::uint64_t scale;

  template <class Ops>
  SYMMBENCH_FN Loaded load(Ops& ops, const PacketRef&) const {
    return {ops.reciprocal(float_of(ops.load_local(scale).word[0]))};
  }
  template <class Ops>
  SYMMBENCH_FN void store(Ops& ops, const Loaded& loaded, const PacketRef& ref, const float (&norm)[kLanes<T>]) const {
    float lanes[kLanes<T>];
    to.scaled_lanes<T>(ops, ref, Ops::Numbers::template pack<T>(norm), loaded.inverse_scale, lanes);
    to.store_e4m3<T>(ops, ref, lanes);
  }
};
static_assert(PacketEpilogue<ResidualRmsNorm<float, QuantiseFp8<float>>>);

}  // namespace symmbench
