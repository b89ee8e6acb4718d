#pragma once
#include "kernels/protocol/ops.hpp"
#include "kernels/protocol/work.hpp"

namespace symmbench {

// What is done with each packet of the sum. A protocol calls prepare before the wait for the previous kernel,
// load_residual after it has sent its own packets, then for each tile begin, take for every packet, finish. kRows:
// needs whole rows, so a two-shot must give it the own share together with the rest (Pending = All) instead of at once
// (Pending = Others).

/// Stores the sum.
template <class T>
struct StoreSum {
  static constexpr bool kRows = false;
  using Pending = Others;
  template <class Work>
  struct Row {};

  std::uint64_t output;

  template <class Ops, class Row, class Lane>
  SYMMBENCH_FN void prepare(Ops&, Row&, Lane, const Place&) const {}
  template <class Ops, class Row, class Lane>
  SYMMBENCH_FN void load_residual(Ops&, Row&, Lane, const Place&) const {}
  template <class Row>
  SYMMBENCH_FN void begin(Row&) const {}
  template <class Ops, class Row, class Lane>
  SYMMBENCH_FN void take(Ops& ops, Row&, Lane, const Place& place, const Packet& sum) const {
    ops.store_local(output + place.packet * kPacketBytes, sum);
  }
  template <class Ops, class Row, class Tile>
  SYMMBENCH_FN bool finish(Ops&, Row&, const Tile&, bool alive) const {
    return alive;
  }
};

/// r = round_T(sum + residual) -> residual_out; with q = sum of fp32(r)^2 over the row,
/// norm_out = round_T(r * (weight_bias + gamma) * rsqrt(q/hidden + epsilon)). (FI 10.6)
template <class T>
struct ResidualRmsNorm {
  static constexpr bool kRows = true;
  using Pending = All;
  /// r * (weight_bias + gamma): the output but for the scale, which the whole row has in common.
  struct Weighted {
    float element[kLanes<T>];
  };
  template <class Work>
  struct Row {
    typename Work::template Kept<Packet> gamma, residual, value;
    typename Work::template Kept<Weighted> weighted;
    float squares;
  };

  std::uint64_t residual, gamma, residual_out, norm_out;
  std::uint64_t hidden;
  float inverse_hidden, epsilon, weight_bias;

  template <class Ops>
  SYMMBENCH_FN Packet load_gamma(Ops& ops, const Place& place) const {
    return ops.load_local(gamma + place.column * kPacketBytes);
  }
  template <class Ops>
  SYMMBENCH_FN Packet load_residual_packet(Ops& ops, const Place& place) const {
    return ops.load_local(residual + place.packet * kPacketBytes);
  }

  template <class Ops, class Row, class Lane>
  SYMMBENCH_FN void prepare(Ops& ops, Row& row, Lane lane, const Place& place) const {
    if constexpr (!Ops::kLateConstants) row.gamma.keep(lane, load_gamma(ops, place));
    ops.prefetch(residual + place.packet * kPacketBytes);
  }
  template <class Ops, class Row, class Lane>
  SYMMBENCH_FN void load_residual(Ops& ops, Row& row, Lane lane, const Place& place) const {
    row.residual.keep(lane, load_residual_packet(ops, place));
  }
  template <class Row>
  SYMMBENCH_FN void begin(Row& row) const {
    row.squares = 0.0f;
  }

  template <class Ops, class Row, class Lane>
  SYMMBENCH_FN void take(Ops& ops, Row& row, Lane lane, const Place& place, const Packet& sum) const {
    float lanes[kLanes<T>], added[kLanes<T>];
    Ops::Numbers::template unpack<T>(sum, lanes);
    Ops::Numbers::template unpack<T>(row.residual.get(lane, [&] { return load_residual_packet(ops, place); }), added);
    SYMMBENCH_UNROLL
    for (int i = 0; i < kLanes<T>; ++i) lanes[i] += added[i];
    const Packet value = Ops::Numbers::template pack<T>(lanes);
    row.value.keep(lane, value);
    ops.store_local(residual_out + place.packet * kPacketBytes, value);
    if constexpr (Ops::kLateConstants) row.gamma.keep(lane, load_gamma(ops, place));
    Ops::Numbers::template unpack<T>(value, lanes);
    float squares = 0.0f;
    SYMMBENCH_UNROLL
    for (int i = 0; i < kLanes<T>; ++i) squares += lanes[i] * lanes[i];
    row.squares += squares;
  }

  template <class Ops, class Row, class Tile>
  SYMMBENCH_FN bool finish(Ops& ops, Row& row, const Tile& tile, bool alive) const {
    const auto weighted = [&](auto lane, const Place& place) {
      float weight[kLanes<T>];
      Weighted result;
      Ops::Numbers::template unpack<T>(
          row.value.get(lane, [&] { return ops.load_local(residual_out + place.packet * kPacketBytes); }),
          result.element);
      Ops::Numbers::template unpack<T>(row.gamma.get(lane, [&] { return load_gamma(ops, place); }), weight);
      SYMMBENCH_UNROLL
      for (int i = 0; i < kLanes<T>; ++i) result.element[i] *= weight_bias + weight[i];
      return result;
    };
    const auto meanwhile = [&] {
      tile.for_each([&](auto lane, const Place& place) { row.weighted.keep(lane, weighted(lane, place)); });
    };
    float total = row.squares;
    if (!tile.row_sum(total, alive, meanwhile)) return false;
    const float scale = ops.reciprocal_sqrt(total * inverse_hidden + epsilon);
    tile.for_each([&](auto lane, const Place& place) {
      Weighted out = row.weighted.get(lane, [&] { return weighted(lane, place); });
      SYMMBENCH_UNROLL
      for (int i = 0; i < kLanes<T>; ++i) out.element[i] *= scale;
      ops.store_local(norm_out + place.packet * kPacketBytes, Ops::Numbers::template pack<T>(out.element));
    });
    return true;
  }
};

}  // namespace symmbench
