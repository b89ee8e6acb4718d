#pragma once
#include <concepts>
#include <cstdint>

#include "kernels/protocol/inputs.hpp"
#include "kernels/protocol/partition.hpp"

namespace symmbench {

// The check kernels: recompute what a batch must have given and compare. They share no text with the protocols but the
// number types; sums are fp64 or integers, not fp32 in rank order.

/// What the check kernels do to the report, beside loads: atomic, since many threads add.
template <class Ops>
concept ReportOps = requires(Ops ops, std::uint64_t* count, std::uint32_t* word, std::uint64_t value,
                             std::uint32_t bits, double number) {
  {ops.load_local(value)};
  { ops.add64(count, value) } -> std::same_as<std::uint64_t>;  // the old value
  { ops.add32(word, bits) } -> std::same_as<std::uint32_t>;
  ops.max32(word, bits);
  { ops.square_root(number) } -> std::same_as<double>;
};

struct CheckArgs {
  BatchView batch;
  std::uint64_t first_iteration;
  std::uint32_t iterations;
  std::int32_t world_size;
  std::uint64_t packets;  ///< of the message
  std::uint64_t hidden;   ///< elements of a row; fused patterns only
  bool fused;
  bool rounds_partial_sums;  ///< the sum may be kept in T between additions, in any order; else in fp32, in rank order
  float epsilon, weight_bias;
};

/// What one thread found, added to the report once at its end.
struct Tally {
  std::uint64_t checked = 0, wrong = 0, unwritten = 0, guard_words = 0, digest = 0;
  std::uint32_t max_error_bits = 0;
};

template <ReportOps Ops>
SYMMBENCH_FN void add_to_report(Ops& ops, const BatchView& batch, const Tally& tally) {
  auto* report = reinterpret_cast<VerifyReport*>(batch.report);
  ops.add64(&report->checked_elements, tally.checked);
  ops.add64(&report->digest, tally.digest);
  ops.max32(&report->max_error_bits, tally.max_error_bits);
  if (tally.wrong != 0) ops.add64(&report->wrong_elements, tally.wrong);
  if (tally.unwritten != 0) ops.add64(&report->unwritten_elements, tally.unwritten);
  if (tally.guard_words != 0) ops.add64(&report->guard_words_overwritten, tally.guard_words);
}

/// Hash of a packet's bits at its place; adding these up is independent of order.
SYMMBENCH_HD std::uint64_t packet_digest(const Packet& packet, std::uint64_t iteration, std::uint64_t index,
                                         OutputKind kind) {
  const std::uint64_t low = packet.word[0] | static_cast<std::uint64_t>(packet.word[1]) << 32;
  const std::uint64_t high = packet.word[2] | static_cast<std::uint64_t>(packet.word[3]) << 32;
  const std::uint64_t position =
      index + iteration * 0x9E3779B97F4A7C15ull + static_cast<std::uint64_t>(kind) * 0xD1B54A32ull;
  return mix64(low ^ mix64(high ^ mix64(position)));
}

/// Largest error of one rounding of `magnitude` to T: half a unit in the last place, subnormal steps included.
template <class T>
SYMMBENCH_HD double rounding_bound(double magnitude) {
  constexpr double kRelative = 1.0 / (1 << kPrecision<T>);
  constexpr double kSmallest = sizeof(T) == 2 && kPrecision<T> == 11 ? 0x1p-25 : 0.0;
  return magnitude * kRelative + kSmallest;
}

/// What one packet of an output must hold, and how far it may be off: |got - value[i]| <= bound[i].
template <class T>
struct Expected {
  double value[kLanes<T>];
  double bound[kLanes<T>];
};

SYMMBENCH_HD double magnitude_of(double value) { return value < 0 ? -value : value; }

/// Exact inputs: integers, so the sum is exact, and the residual adds one rounding that is recomputed here. Equal means
/// equal.
template <class T>
SYMMBENCH_HD void expect_exact(const CheckArgs& args, const std::uint64_t* keys, const InputStream& residual,
                               std::uint64_t packet, float (&value)[kLanes<T>]) {
  const int limit = exact_limit<T>(args.world_size);
  ExactFields sum{0, 0};
  for (int rank = 0; rank < args.world_size; ++rank) {
    const ExactFields fields = exact_fields<T>({keys[rank], InputKind::exact, false}, limit, packet);
    sum = {sum.even + fields.even, sum.odd + fields.odd};
  }
  const ExactFields added = args.fused ? exact_fields<T>(residual, limit, packet) : ExactFields{0, 0};
  SYMMBENCH_UNROLL
  for (int i = 0; i < kLanes<T>; ++i) {
    std::int32_t number = exact_number<T>(sum, i, limit, args.world_size);
    if (args.fused) number += exact_number<T>(added, i, limit, 1);
    value[i] = to_float(round_to<T>(static_cast<float>(number)));
  }
}

/// Random inputs: the sum in fp64, and a bound for fp32 accumulation in rank order: (W-1) additions, each with relative
/// error 2^-24 of a partial sum that is at most the sum of magnitudes; then one rounding to T. Where partial sums are
/// kept in T, each addition rounds to T as well, in whatever order. The residual: one fp32 addition and one rounding to
/// T more.
template <class T>
SYMMBENCH_FN void expect_random(const CheckArgs& args, const std::uint64_t* keys, const InputStream& residual,
                                std::uint64_t packet, Expected<T>& expected) {
  double magnitude[kLanes<T>] = {};
  float lanes[kLanes<T>];
  SYMMBENCH_UNROLL
  for (int i = 0; i < kLanes<T>; ++i) expected.value[i] = 0.0;
  for (int rank = 0; rank < args.world_size; ++rank) {
    PortableNumbers::unpack<T>(input_packet<T>({keys[rank], InputKind::random, true}, args.world_size, packet), lanes);
    SYMMBENCH_UNROLL
    for (int i = 0; i < kLanes<T>; ++i) {
      expected.value[i] += lanes[i];
      magnitude[i] += magnitude_of(lanes[i]);
    }
  }
  SYMMBENCH_UNROLL
  for (int i = 0; i < kLanes<T>; ++i) {
    double accumulated = (args.world_size - 1) * 0x1p-24 * magnitude[i];
    if (args.rounds_partial_sums) {
      // Rounding each time lets a partial sum grow, but for 72 ranks not to twice the sum of magnitudes.
      accumulated += (args.world_size - 1) * rounding_bound<T>(2 * magnitude[i]);
    }
    expected.bound[i] = accumulated + rounding_bound<T>(magnitude_of(expected.value[i]) + accumulated);
  }
  if (!args.fused) return;
  PortableNumbers::unpack<T>(input_packet<T>(residual, args.world_size, packet), lanes);
  SYMMBENCH_UNROLL
  for (int i = 0; i < kLanes<T>; ++i) {
    expected.value[i] += lanes[i];
    const double size = magnitude_of(expected.value[i]) + expected.bound[i];
    expected.bound[i] += size * 0x1p-24 + rounding_bound<T>(size * (1 + 0x1p-24));
  }
}

/// Compares one packet, counts, and records up to kMaxMismatches / kBlameBlocks mismatches per sixteenth of the
/// message.
template <class T, ReportOps Ops>
SYMMBENCH_FN void compare_packet(Ops& ops, const CheckArgs& args, const Packet& got, const Expected<T>& expected,
                                 std::uint64_t iteration, std::uint64_t packet, OutputKind kind, Tally& tally) {
  tally.checked += kLanes<T>;
  tally.digest += packet_digest(got, iteration, packet, kind);
  float lanes[kLanes<T>];
  PortableNumbers::unpack<T>(got, lanes);
  bool all_right = true;
  double worst = 0;
  SYMMBENCH_UNROLL
  for (int i = 0; i < kLanes<T>; ++i) {
    const double error = magnitude_of(lanes[i] - expected.value[i]);
    all_right = all_right && error <= expected.bound[i];  // false for a NaN
    worst = error > worst ? error : worst;
  }
  const std::uint32_t bits = bits_of(static_cast<float>(worst));
  tally.max_error_bits = bits > tally.max_error_bits ? bits : tally.max_error_bits;
  if (all_right) return;

  auto* report = reinterpret_cast<VerifyReport*>(args.batch.report);
  for (int i = 0; i < kLanes<T>; ++i) {
    const double error = magnitude_of(lanes[i] - expected.value[i]);
    if (error <= expected.bound[i]) continue;
    if (error != error) tally.max_error_bits = 0x7F800000u;
    ++tally.wrong;
    if (got.word[i * static_cast<int>(sizeof(T)) / 4] == kPoison) ++tally.unwritten;
    const std::uint64_t element = packet * kLanes<T> + i;
    const int block = blame_block(element, args.packets * kLanes<T>);
    if (ops.add64(&report->wrong_in_block[block], 1) >= kMaxMismatches / kBlameBlocks) continue;
    Mismatch& mismatch = report->mismatch[ops.add32(&report->mismatches, 1)];
    mismatch.iteration = iteration;
    mismatch.index = element;
    mismatch.got = lanes[i];
    mismatch.expected = static_cast<float>(expected.value[i]);
    mismatch.output = static_cast<std::uint32_t>(kind);
  }
}

/// The same where every value is exact: the common case, all equal, takes no fp64.
template <class T, ReportOps Ops>
SYMMBENCH_FN void compare_exact(Ops& ops, const CheckArgs& args, const Packet& got, const float (&value)[kLanes<T>],
                                std::uint64_t iteration, std::uint64_t packet, OutputKind kind, Tally& tally) {
  float lanes[kLanes<T>];
  PortableNumbers::unpack<T>(got, lanes);
  int differing = 0;
  SYMMBENCH_UNROLL
  for (int i = 0; i < kLanes<T>; ++i) differing += lanes[i] == value[i] ? 0 : 1;
  if (differing == 0) {
    tally.checked += kLanes<T>;
    tally.digest += packet_digest(got, iteration, packet, kind);
    return;
  }
  Expected<T> expected;
  for (int i = 0; i < kLanes<T>; ++i) {
    expected.value[i] = value[i];
    expected.bound[i] = 0.0;
  }
  compare_packet<T>(ops, args, got, expected, iteration, packet, kind, tally);
}

/// allreduce: the output. residual_rmsnorm: residual_out.
template <class T, ReportOps Ops, class Partition>
SYMMBENCH_FN void check_sums(Ops& ops, const Partition& partition, const CheckArgs& args) {
  Tally tally;
  const OutputKind kind = args.fused ? OutputKind::residual : OutputKind::allreduce;
  const InputStream residual = residual_stream(args.batch.seed, args.batch.kind);
  for (std::uint64_t iteration = args.first_iteration; iteration < args.first_iteration + args.iterations;
       ++iteration) {
    std::uint64_t keys[kMaxRanks];
    for (int rank = 0; rank < args.world_size; ++rank) {
      keys[rank] = input_stream(args.batch.seed, args.batch.kind, rank, iteration).key;
    }
    const std::uint64_t output = args.fused ? args.batch.residual_output(iteration) : args.batch.output(iteration);
    partition.for_each_index(args.packets, [&](std::uint64_t packet) {
      const Packet got = ops.load_local(output + packet * kPacketBytes);
      if (args.batch.kind == InputKind::exact) {
        float value[kLanes<T>];
        expect_exact<T>(args, keys, residual, packet, value);
        compare_exact<T>(ops, args, got, value, iteration, packet, kind, tally);
      } else {
        Expected<T> expected;
        expect_random<T>(args, keys, residual, packet, expected);
        compare_packet<T>(ops, args, got, expected, iteration, packet, kind, tally);
      }
    });
  }
  add_to_report(ops, args.batch, tally);
}

/// norm_out, from the residual_out that was actually stored (and that check_sums judges). Bound: the kernel sums fp32
/// squares packet by packet, so q has a relative error of at most (row packets + 32) * 2^-24, which the root halves;
/// the mean (1/hidden, its product, + epsilon) gives 3 * 2^-24, halved too, the root 2^-22.4, two products and an
/// addition 3 * 2^-24: 8 * 2^-24 at most; then one rounding to T.
template <class T, ReportOps Ops, class Partition>
SYMMBENCH_FN void check_norms(Ops& ops, const Partition& partition, const CheckArgs& args) {
  Tally tally;
  const std::uint64_t row_packets = args.hidden / kLanes<T>;
  const InputStream gamma = gamma_stream(args.batch.seed);
  const double relative = (static_cast<double>(row_packets) / 2 + 16 + 8) * 0x1p-24;
  for (std::uint64_t iteration = args.first_iteration; iteration < args.first_iteration + args.iterations;
       ++iteration) {
    const std::uint64_t residual_output = args.batch.residual_output(iteration);
    const std::uint64_t norm_output = args.batch.output(iteration);
    partition.for_each_row(args.packets / row_packets, [&](const auto& row_part, std::uint64_t row) {
      double squares = 0;
      row_part.for_each_index(row_packets, [&](std::uint64_t column) {
        float lanes[kLanes<T>];
        PortableNumbers::unpack<T>(ops.load_local(residual_output + (row * row_packets + column) * kPacketBytes),
                                   lanes);
        for (int i = 0; i < kLanes<T>; ++i) squares += static_cast<double>(lanes[i]) * lanes[i];
      });
      squares = row_part.sum(squares);
      const double scale = 1.0 / ops.square_root(squares / static_cast<double>(args.hidden) + args.epsilon);
      row_part.for_each_index(row_packets, [&](std::uint64_t column) {
        const std::uint64_t packet = row * row_packets + column;
        float lanes[kLanes<T>], weight[kLanes<T>];
        PortableNumbers::unpack<T>(ops.load_local(residual_output + packet * kPacketBytes), lanes);
        PortableNumbers::unpack<T>(input_packet<T>(gamma, args.world_size, column), weight);
        Expected<T> expected;
        for (int i = 0; i < kLanes<T>; ++i) {
          expected.value[i] = lanes[i] * scale * (static_cast<double>(args.weight_bias) + weight[i]);
          const double size = magnitude_of(expected.value[i]);
          expected.bound[i] = size * relative + rounding_bound<T>(size * (1 + relative));
        }
        compare_packet<T>(ops, args, ops.load_local(norm_output + packet * kPacketBytes), expected, iteration, packet,
                          OutputKind::norm, tally);
      });
    });
  }
  add_to_report(ops, args.batch, tally);
}

/// The zones before and after every output slot.
template <ReportOps Ops, class Partition>
SYMMBENCH_FN void check_guards(Ops& ops, const Partition& partition, const CheckArgs& args) {
  Tally tally;
  const std::uint64_t zone = args.batch.guard_bytes / kPacketBytes;
  const auto check = [&](std::uint64_t address) {
    const Packet packet = ops.load_local(address);
    SYMMBENCH_UNROLL
    for (int i = 0; i < 4; ++i) tally.guard_words += packet.word[i] != kGuard ? 1 : 0;
  };
  for (std::uint64_t iteration = args.first_iteration; iteration < args.first_iteration + args.iterations;
       ++iteration) {
    partition.for_each_index(2 * zone, [&](std::uint64_t i) {
      const std::uint64_t offset = i * kPacketBytes + (i < zone ? 0 : args.batch.message_bytes);
      check(args.batch.output(iteration) - args.batch.guard_bytes + offset);
      if (args.fused) check(args.batch.residual_output(iteration) - args.batch.guard_bytes + offset);
    });
  }
  add_to_report(ops, args.batch, tally);
}

}  // namespace symmbench
