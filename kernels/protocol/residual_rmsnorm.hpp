#pragma once
#include "kernels/protocol/epilogue.hpp"

namespace symmbench {

/// The norm as it is: -> norm_out.
template <class T>
struct StoreNorm {
  struct Loaded {};

  std::uint64_t norm_out;

  template <class Ops>
  SYMMBENCH_FN Loaded load(Ops&) const {
    return {};
  }
  template <class Ops>
  SYMMBENCH_FN void store(Ops& ops, const Loaded&, const PacketRef& ref, const float (&norm)[kLanes<T>]) const {
    ops.store_local(norm_out + ref.packet * kPacketBytes, Ops::Numbers::template pack<T>(norm));
  }
};

/// r = round_T(sum + residual) -> residual_out; with q = sum of fp32(r)^2 over the row,
/// n = round_T(r * (weight_bias + gamma) * rsqrt(q/hidden + epsilon)), of which NormSink makes the other outputs:
///   load(ops)                       what it reads beside, while parts of the sum travel
///   store(ops, loaded, ref, lanes)  the lanes of n of one packet, not yet rounded
template <class T, class NormSink = StoreNorm<T>>
struct ResidualRmsNorm {
  static constexpr bool kRows = true;
  static constexpr int kGroupPackets = 1;
  using Pending = AllShares;
  /// r * (weight_bias + gamma): the output but for the scale, which the whole row has in common.
  struct Weighted {
    float element[kLanes<T>];
  };
  template <class Partition>
  struct Row {
    typename Partition::template Retained<Packet> gamma, residual, value;
    typename Partition::template Retained<Weighted> weighted;
    typename Partition::template Retained<typename NormSink::Loaded> loaded;
    float squares;
  };

  std::uint64_t residual, gamma, residual_out;
  NormSink sink;
  std::uint64_t hidden;
  float inverse_hidden, epsilon, weight_bias;

  template <class Ops>
  SYMMBENCH_FN Packet load_gamma(Ops& ops, const PacketRef& ref) const {
    return ops.load_local(gamma + ref.column * kPacketBytes);
  }
  template <class Ops>
  SYMMBENCH_FN Packet load_residual_packet(Ops& ops, const PacketRef& ref) const {
    return ops.load_local(residual + ref.packet * kPacketBytes);
  }

  template <class Ops, class Row, class Lane>
  SYMMBENCH_FN void prepare(Ops& ops, Row& row, Lane lane, const PacketRef& ref) const {
    if constexpr (!Ops::kLateConstants) row.gamma.set(lane, load_gamma(ops, ref));
    ops.prefetch(residual + ref.packet * kPacketBytes);
  }
  template <class Ops, class Row, class Lane>
  SYMMBENCH_FN void load_residual(Ops& ops, Row& row, Lane lane, const PacketRef& ref) const {
    row.residual.set(lane, load_residual_packet(ops, ref));
  }
  template <class Row>
  SYMMBENCH_FN void begin(Row& row) const {
    row.squares = 0.0f;
  }

  template <class Ops, class Row, class Lane>
  SYMMBENCH_FN void take(Ops& ops, Row& row, Lane lane, const PacketRef& ref, const Packet& sum) const {
    float lanes[kLanes<T>], added[kLanes<T>];
    Ops::Numbers::template unpack<T>(sum, lanes);
    Ops::Numbers::template unpack<T>(row.residual.get_or(lane, [&] { return load_residual_packet(ops, ref); }), added);
    SYMMBENCH_UNROLL
    for (int i = 0; i < kLanes<T>; ++i) lanes[i] += added[i];
    const Packet value = Ops::Numbers::template pack<T>(lanes);
    row.value.set(lane, value);
    ops.store_local(residual_out + ref.packet * kPacketBytes, value);
    if constexpr (Ops::kLateConstants) row.gamma.set(lane, load_gamma(ops, ref));
    Ops::Numbers::template unpack<T>(value, lanes);
    float squares = 0.0f;
    SYMMBENCH_UNROLL
    for (int i = 0; i < kLanes<T>; ++i) squares += lanes[i] * lanes[i];
    row.squares += squares;
  }

  template <class Ops, class Row, class Tile>
  SYMMBENCH_FN bool finish(Ops& ops, Row& row, const Tile& tile, bool alive) const {
    const auto weighted = [&](auto lane, const PacketRef& ref) {
      float weight[kLanes<T>];
      Weighted result;
      Ops::Numbers::template unpack<T>(
          row.value.get_or(lane, [&] { return ops.load_local(residual_out + ref.packet * kPacketBytes); }),
          result.element);
      Ops::Numbers::template unpack<T>(row.gamma.get_or(lane, [&] { return load_gamma(ops, ref); }), weight);
      SYMMBENCH_UNROLL
      for (int i = 0; i < kLanes<T>; ++i) result.element[i] *= weight_bias + weight[i];
      return result;
    };
    const auto overlap = [&] {
      tile.for_each([&](auto lane, const PacketRef& ref) {
        row.loaded.set(lane, sink.load(ops));
        row.weighted.set(lane, weighted(lane, ref));
      });
    };
    float total = row.squares;
    if (!tile.row_sum(total, alive, overlap)) return false;
    const float scale = ops.reciprocal_sqrt(total * inverse_hidden + epsilon);
    tile.for_each([&](auto lane, const PacketRef& ref) {
      Weighted out = row.weighted.get_or(lane, [&] { return weighted(lane, ref); });
      SYMMBENCH_UNROLL
      for (int i = 0; i < kLanes<T>; ++i) out.element[i] *= scale;
      sink.store(ops, row.loaded.get_or(lane, [&] { return sink.load(ops); }), ref, out.element);
    });
    return true;
  }
};
static_assert(PacketEpilogue<ResidualRmsNorm<float>>);

}  // namespace symmbench
