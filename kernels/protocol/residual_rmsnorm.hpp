#pragma once
#include "kernels/protocol/norm_sink.hpp"

namespace symmbench {

/// r = round_T(sum + residual) -> residual_out; with q = sum of fp32(r)^2 over the row,
/// n = round_T(r * (weight_bias + gamma) * rsqrt(q/hidden + epsilon)), of which NormSink makes the other outputs
/// (norm_sink.hpp). The largest |n| of a row or group does not wait for q: rounding is monotonic, so it is that of the
/// largest |r * (weight_bias + gamma)|. A row's travels with q; a group's is found while the parts of q travel.
template <class T, class NormSink = StoreNorm<T>>
struct ResidualRmsNorm {
  static constexpr bool kRows = true;
  static constexpr int kGroupPackets = NormSink::kMostGroupPackets;
  static constexpr NormScope kScope = NormSink::kScope;
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
    typename Partition::template Retained<float> largest_of_group;  // |r * (weight_bias + gamma)|; groups only
    float squares, largest;                                         // of what the thread has of the row
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
    row.largest = 0.0f;
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
    if constexpr (kScope == NormScope::row) {
      weigh(ops, row, lane, ref, lanes);
      row.largest = larger_of(row.largest, largest_of(lanes));
    }
  }

  template <class Ops, class Row, class Tile>
  SYMMBENCH_FN bool finish(Ops& ops, Row& row, const Tile& tile, bool alive) const {
    const auto weighted = [&](auto lane, const PacketRef& ref) {
      Weighted result;
      Ops::Numbers::template unpack<T>(
          row.value.get_or(lane, [&] { return ops.load_local(residual_out + ref.packet * kPacketBytes); }),
          result.element);
      weigh(ops, row, lane, ref, result.element);
      return result;
    };
    const auto keep = [&](auto lane, const PacketRef& ref) {
      const Weighted result = weighted(lane, ref);
      row.weighted.set(lane, result);
      row.loaded.set(lane, sink.load(ops, ref));
      return result;
    };
    const auto largest_of_group = [&](const auto& group, const auto& weighted_of) {
      float mine = 0.0f;
      group.for_each(
          [&](auto lane, const PacketRef& ref) { mine = larger_of(mine, largest_of(weighted_of(lane, ref).element)); });
      return group.largest(mine);
    };
    const auto overlap = [&] {
      if constexpr (kScope == NormScope::group) {
        // All threads of a group come, those without hope too: they compare together.
        tile.for_each_group(sink.group_packets(),
                            [&](const auto& group) { row.largest_of_group.set(0, largest_of_group(group, keep)); });
      } else if (alive) {
        tile.for_each(keep);
      }
    };
    float total = row.squares;
    bool summed;
    if constexpr (kScope == NormScope::row) {
      summed = tile.row_sum_and_largest(total, row.largest, alive, overlap);
    } else {
      summed = tile.row_sum(total, alive, overlap);
    }
    if constexpr (kScope != NormScope::group) {
      if (!summed) return false;  // the threads of a group go on together: what they store is of no use, but harmless
    }
    const float scale = ops.reciprocal_sqrt(total * inverse_hidden + epsilon);
    const auto norm = [&](auto lane, const PacketRef& ref) {
      Weighted out = row.weighted.get_or(lane, [&] { return weighted(lane, ref); });
      SYMMBENCH_UNROLL
      for (int i = 0; i < kLanes<T>; ++i) out.element[i] *= scale;
      return out;
    };
    const auto store = [&](auto lane, const PacketRef& ref, const auto&... largest) {
      const Weighted out = norm(lane, ref);
      const auto loaded = row.loaded.get_or(lane, [&] { return sink.load(ops, ref); });
      if constexpr (kScope == NormScope::packet) {
        sink.store(ops, loaded, ref, out.element);
      } else {
        sink.store(ops, loaded, ref, Ops::Numbers::template pack<T>(out.element), largest...);
      }
    };
    const auto rounded = [&](float largest_weighted) { return to_float(round_to<T>(largest_weighted * scale)); };
    if constexpr (kScope == NormScope::packet) {
      tile.for_each(store);
    } else if constexpr (kScope == NormScope::row) {
      const float largest = rounded(row.largest);
      tile.for_each([&](auto lane, const PacketRef& ref) { store(lane, ref, largest); });
    } else {
      tile.for_each_group(sink.group_packets(), [&](const auto& group) {
        const float largest =
            rounded(row.largest_of_group.get_or(0, [&] { return largest_of_group(group, weighted); }));
        group.for_each([&](auto lane, const PacketRef& ref) { store(lane, ref, largest); });
      });
    }
    return summed;
  }

 private:
  /// r * (weight_bias + gamma)
  template <class Ops, class Row, class Lane>
  SYMMBENCH_FN void weigh(Ops& ops, Row& row, Lane lane, const PacketRef& ref, float (&lanes)[kLanes<T>]) const {
    float weight[kLanes<T>];
    Ops::Numbers::template unpack<T>(row.gamma.get_or(lane, [&] { return load_gamma(ops, ref); }), weight);
    SYMMBENCH_UNROLL
    for (int i = 0; i < kLanes<T>; ++i) lanes[i] *= weight_bias + weight[i];
  }
  SYMMBENCH_FN static float largest_of(const float (&lanes)[kLanes<T>]) {
    float largest = 0.0f;
    SYMMBENCH_UNROLL
    for (int i = 0; i < kLanes<T>; ++i) largest = larger_of(largest, absolute_of(lanes[i]));
    return largest;
  }
};
static_assert(PacketEpilogue<ResidualRmsNorm<float>>);

}  // namespace symmbench
