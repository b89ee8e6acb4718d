#pragma once
#include "kernels/protocol/epilogue.hpp"

namespace symmbench {

/// Stores the sum.
template <class T>
struct StoreSum {
  static constexpr bool kRows = false;
  static constexpr int kGroupPackets = 1;
  using Pending = RemoteShares;
  template <class Partition>
  struct Row {};

  std::uint64_t output;

  template <class Ops, class Row, class Lane>
  SYMMBENCH_FN void prepare(Ops&, Row&, Lane, const PacketRef&) const {}
  template <class Ops, class Row, class Lane>
  SYMMBENCH_FN void load_residual(Ops&, Row&, Lane, const PacketRef&) const {}
  template <class Row>
  SYMMBENCH_FN void begin(Row&) const {}
  template <class Ops, class Row, class Lane>
  SYMMBENCH_FN void take(Ops& ops, Row&, Lane, const PacketRef& ref, const Packet& sum) const {
    ops.store_local(output + ref.packet * kPacketBytes, sum);
  }
  template <class Ops, class Row, class Tile>
  SYMMBENCH_FN bool finish(Ops&, Row&, const Tile&, bool alive) const {
    return alive;
  }
};
static_assert(PacketEpilogue<StoreSum<float>>);

}  // namespace symmbench
