#pragma once
#include "kernels/protocol/residual_rmsnorm.hpp"
#include "kernels/protocol/scale_grid.hpp"

namespace symmbench {

inline constexpr int kNvfp4Group = 16;  ///< elements

/// With one fp32 number S in device memory, and for each group of 16 neighbours in a row: sf = E4M3(S * (largest |n| *
/// (1/6))) -> scale_out; n * (S / sf) to E2M1 -> quant_out, two elements to a byte, the first in its low half; 0 where sf
/// is 0; n rounded to T, and itself -> norm_out where there is one. Each product and quotient is rounded to fp32.
template <class T>
struct QuantiseNvfp4 {
  static constexpr NormScope kScope = NormScope::group;
  static constexpr int kMostGroupPackets = kNvfp4Group / kLanes<T>;
  static constexpr std::uint32_t kShift = shift_of(kMostGroupPackets);
  struct Loaded {
    float global_scale;
    std::uint64_t place;  ///< of the scale
  };

  QuantisedOutputs to;
  std::uint64_t scale;
  ScaleGrid grid;

  SYMMBENCH_HD static constexpr std::uint32_t group_shift() { return kShift; }
  SYMMBENCH_HD static constexpr std::uint32_t group_packets() { return kMostGroupPackets; }
  template <class Ops>
  SYMMBENCH_FN Loaded load(Ops& ops, const PacketRef& ref) const {
    return {float_of(ops.load_local(scale).word[0]), scale_place(to.scale_out, grid, ref, group_shift())};
  }
  template <class Ops>
  SYMMBENCH_FN void store(Ops& ops, const Loaded& loaded, const PacketRef& ref, const Packet& rounded,
                          float largest) const {
    const std::uint32_t code = Ops::Codecs::e4m3(loaded.global_scale * (largest * (1.0f / 6.0f)));
    const float factor = code == 0 ? 0.0f : ops.quotient(loaded.global_scale, Ops::Codecs::from_e4m3(code));
    float lanes[kLanes<T>];
    to.scaled_lanes<T>(ops, ref, rounded, factor, lanes);
    ops.store_word(to.quant_out + ref.packet * (kLanes<T> / 2), Ops::Codecs::template e2m1<T>(lanes));
    store_scale(ops, loaded.place, grid, ref, group_shift(), code);
  }
};
static_assert(PacketEpilogue<ResidualRmsNorm<Bf16, QuantiseNvfp4<Bf16>>>);

}  // namespace symmbench
