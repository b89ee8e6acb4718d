#pragma once
#include "kernels/protocol/residual_rmsnorm.hpp"
#include "kernels/protocol/scale_grid.hpp"

namespace symmbench {

/// Below it a group counts as so large.
inline constexpr float kLeastGroupScale = 1e-10f;

/// For each group of neighbours in a row: y = max(largest |n| / 448, kLeastGroupScale), up to a power of two; its
/// exponent -> scale_out, UE8M0, packed words; n / y to E4M3 -> quant_out; n rounded to T, and itself -> norm_out where
/// there is one.
template <class T>
struct QuantiseGroupFp8 {
  static constexpr NormScope kScope = NormScope::group;
  static constexpr int kMostGroupPackets = 32;
  struct Loaded {
    std::uint64_t place;  ///< of the scale
  };

  QuantisedOutputs to;
  ScaleGrid grid;
  std::uint32_t shift;  ///< a group has 2^shift packets

  SYMMBENCH_HD std::uint32_t group_shift() const { return shift; }
  SYMMBENCH_HD std::uint32_t group_packets() const { return 1u << shift; }
  template <class Ops>
  SYMMBENCH_FN Loaded load(Ops&, const PacketRef& ref) const {
    return {scale_place(to.scale_out, grid, ref, group_shift())};
  }
  template <class Ops>
  SYMMBENCH_FN void store(Ops& ops, const Loaded& loaded, const PacketRef& ref, const Packet& rounded,
                          float largest) const {
    const float least = larger_of(ops.quotient(largest, kE4m3Largest), kLeastGroupScale);
    const std::uint32_t code = Ops::Codecs::ue8m0(least);
    float lanes[kLanes<T>];
    to.scaled_lanes<T>(ops, ref, rounded, inverse_ue8m0(code), lanes);
    to.store_e4m3<T>(ops, ref, lanes);
    store_scale(ops, loaded.place, grid, ref, group_shift(), code);
  }
};
static_assert(PacketEpilogue<ResidualRmsNorm<float, QuantiseGroupFp8<float>>>);

}  // namespace symmbench
