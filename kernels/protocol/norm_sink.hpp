#pragma once
#include "kernels/protocol/epilogue.hpp"

namespace symmbench {

/// Over what a norm sink needs the largest |n| before it can store anything.
enum class NormScope {
  packet,  ///< over nothing
  group,   ///< the packets of a group of neighbours in a row
  row,     ///< the row
};

// What becomes of n, the output of ResidualRmsNorm, beside residual_out. A sink has:
//   kScope             what it must know
//   kMostGroupPackets  the most packets of one of its groups; 1 where it has none
//   group_packets()    packets of a group of this call: a power of two up to that; where it has groups
//   Loaded, load(ops, ref)  what it reads of memory or knows of the packet beforehand, while parts of the row's sum travel
//   NormScope::packet  store(ops, loaded, ref, lanes)             the lanes of n of one packet, not yet rounded
//   otherwise          store(ops, loaded, ref, rounded, largest)  n rounded to T, and the largest |n| over the scope

SYMMBENCH_HD float larger_of(float a, float b) { return a > b ? a : b; }
SYMMBENCH_HD float absolute_of(float value) { return float_of(bits_of(value) & 0x7FFFFFFFu); }

/// The norm as it is: -> norm_out.
template <class T>
struct StoreNorm {
  static constexpr NormScope kScope = NormScope::packet;
  static constexpr int kMostGroupPackets = 1;
  struct Loaded {};

  std::uint64_t norm_out;

  template <class Ops>
  SYMMBENCH_FN Loaded load(Ops&, const PacketRef&) const {
    return {};
  }
  template <class Ops>
  SYMMBENCH_FN void store(Ops& ops, const Loaded&, const PacketRef& ref, const float (&norm)[kLanes<T>]) const {
    ops.store_local(norm_out + ref.packet * kPacketBytes, Ops::Numbers::template pack<T>(norm));
  }
};

/// Where a quantised norm goes. 0: the pattern has no such output.
struct QuantisedOutputs {
  std::uint64_t norm_out;  ///< n itself
  std::uint64_t quant_out, scale_out;

  /// n -> norm_out where there is one; its lanes times `factor`.
  template <class T, class Ops>
  SYMMBENCH_FN void scaled_lanes(Ops& ops, const PacketRef& ref, const Packet& rounded, float factor,
                                 float (&lanes)[kLanes<T>]) const {
    if (norm_out != 0) ops.store_local(norm_out + ref.packet * kPacketBytes, rounded);
    Ops::Numbers::template unpack<T>(rounded, lanes);
    SYMMBENCH_UNROLL
    for (int i = 0; i < kLanes<T>; ++i) lanes[i] *= factor;
  }
  template <class T, class Ops>
  SYMMBENCH_FN void store_e4m3(Ops& ops, const PacketRef& ref, const float (&lanes)[kLanes<T>]) const {
    ops.store_codes(quant_out + ref.packet * kLanes<T>, Ops::Codecs::template e4m3<T>(lanes));
  }
};

}  // namespace symmbench
