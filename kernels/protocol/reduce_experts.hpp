#pragma once
#include "kernels/protocol/contribution.hpp"

namespace symmbench {

/// What a rank adds to the sum where it holds experts: for each token the sum over its experts of row * scale, and one row
/// more. In fp32, in the order of experts; one rounding to T at the end.
///   input   [experts][tokens][hidden], then [tokens][hidden] of T
///   scale   [experts][tokens], fp32
template <class T>
struct ReduceExperts {
  std::uint64_t input, scale;
  std::uint64_t message_bytes;
  std::uint64_t tokens;
  std::uint32_t experts;

  template <class Ops>
  SYMMBENCH_FN void prefetch(Ops& ops, const PacketRef& ref) const {
    for (std::uint32_t part = 0; part <= experts; ++part) ops.prefetch(address(part, ref));
  }
  template <class Ops>
  SYMMBENCH_FN Packet load(Ops& ops, const PacketRef& ref) const {
    float sum[kLanes<T>] = {}, lanes[kLanes<T>];
    for (std::uint32_t expert = 0; expert < experts; ++expert) {
      const float weight = float_of(ops.load_word(scale + (expert * tokens + ref.row) * 4));
      Ops::Numbers::template unpack<T>(ops.load_local(address(expert, ref)), lanes);
      SYMMBENCH_UNROLL
      for (int i = 0; i < kLanes<T>; ++i) sum[i] += lanes[i] * weight;
    }
    Ops::Numbers::template unpack<T>(ops.load_local(address(experts, ref)), lanes);
    SYMMBENCH_UNROLL
    for (int i = 0; i < kLanes<T>; ++i) sum[i] += lanes[i];
    return Ops::Numbers::template pack<T>(sum);
  }

 private:
  SYMMBENCH_HD std::uint64_t address(std::uint32_t part, const PacketRef& ref) const {
    return input + part * message_bytes + ref.packet * kPacketBytes;
  }
};
static_assert(PacketContribution<ReduceExperts<Bf16>>);

}  // namespace symmbench
