#pragma once
#include "kernels/protocol/residual_rmsnorm.hpp"
#include "kernels/protocol/scale_grid.hpp"

namespace symmbench {

inline constexpr int kMxfp8Group = 32;  ///< elements

/// For each group of 32 neighbours in a row: largest |n| * (1/448), up to a power of two; its exponent -> scale_out,
/// UE8M0 (0 for a group of zeros); n over it to E4M3 -> quant_out, 0 where that exponent is 0; n rounded to T, and
/// itself -> norm_out where there is one.
template <class T>
struct QuantiseMxfp8 {
  static constexpr NormScope kScope = NormScope::group;
  static constexpr int kMostGroupPackets = kMxfp8Group / kLanes<T>;
  static constexpr std::uint32_t kShift = shift_of(kMostGroupPackets);
  struct Loaded {
    std::uint64_t place;  ///< of the scale
  };

  QuantisedOutputs to;
  ScaleGrid grid;

  SYMMBENCH_HD static constexpr std::uint32_t group_shift() { return kShift; }
  SYMMBENCH_HD static constexpr std::uint32_t group_packets() { return kMostGroupPackets; }
  template <class Ops>
  SYMMBENCH_FN Loaded load(Ops&, const PacketRef& ref) const {
    return {scale_place(to.scale_out, grid, ref, group_shift())};
  }
  template <class Ops>
  SYMMBENCH_FN void store(Ops& ops, const Loaded& loaded, const PacketRef& ref, const Packet& rounded,
                          float largest) const {
    const std::uint32_t code = Ops::Codecs::ue8m0(largest * (1.0f / kE4m3Largest));
    float lanes[kLanes<T>];
    to.scaled_lanes<T>(ops, ref, rounded, code == 0 ? 0.0f : inverse_ue8m0(code), lanes);
    to.store_e4m3<T>(ops, ref, lanes);
    store_scale(ops, loaded.place, grid, ref, group_shift(), code);
  }
};
static_assert(PacketEpilogue<ResidualRmsNorm<float, QuantiseMxfp8<float>>>);

}  // namespace symmbench
