#pragma once
#include "kernels/protocol/verify.hpp"

namespace symmbench {

/// Exact inputs: integers, so the sum is exact, and the residual adds one rounding that is recomputed here. Equal means
/// equal.
template <class T>
SYMMBENCH_HD void expect_exact(const CheckArgs& args, const std::uint64_t* keys, const InputStream& residual,
                               bool adds_residual, std::uint64_t packet, float (&value)[kLanes<T>]) {
  const int limit = exact_limit<T>(args.world_size);
  ExactFields sum{0, 0};
  for (int rank = 0; rank < args.world_size; ++rank) {
    const ExactFields fields = exact_fields<T>({keys[rank], InputKind::exact, false}, limit, packet);
    sum = {sum.even + fields.even, sum.odd + fields.odd};
  }
  const ExactFields added = adds_residual ? exact_fields<T>(residual, limit, packet) : ExactFields{0, 0};
  SYMMBENCH_UNROLL
  for (int i = 0; i < kLanes<T>; ++i) {
    std::int32_t number = exact_number<T>(sum, i, limit, args.world_size);
    if (adds_residual) number += exact_number<T>(added, i, limit, 1);
    value[i] = to_float(round_to<T>(static_cast<float>(number)));
  }
}

/// Random inputs: the sum in fp64, and a bound for fp32 accumulation in rank order: (W-1) additions, each with relative
/// error 2^-24 of a partial sum that is at most the sum of magnitudes; then one rounding to T. Where partial sums are
/// kept in T, each addition rounds to T as well: in rank order that leaves one result, the fp64 sum of two numbers (which
/// is exact) rounded to fp32 and to T, step by step; in whatever order, a bound. The residual: one fp32 addition and one
/// rounding to T more.
template <class T>
SYMMBENCH_FN void expect_random(const CheckArgs& args, const std::uint64_t* keys, const InputStream& residual,
                                bool adds_residual, std::uint64_t packet, Expected<T>& expected) {
  // Loops over lanes hold no choice: a host's compiler makes vectors of them.
  double sum[kLanes<T>] = {};
  double magnitude[kLanes<T>] = {};
  float lanes[kLanes<T>];
  for (int rank = 0; rank < args.world_size; ++rank) {
    PortableNumbers::unpack<T>(input_packet<T>({keys[rank], InputKind::random, true}, args.world_size, packet), lanes);
    SYMMBENCH_UNROLL
    for (int i = 0; i < kLanes<T>; ++i) {
      sum[i] += lanes[i];
      magnitude[i] += magnitude_of(lanes[i]);
    }
    if (args.partial_sums == PartialSums::rounded_in_order) {
      SYMMBENCH_UNROLL
      for (int i = 0; i < kLanes<T>; ++i) sum[i] = to_float(round_to<T>(static_cast<float>(sum[i])));
    }
  }
  SYMMBENCH_UNROLL
  for (int i = 0; i < kLanes<T>; ++i) {
    expected.value[i] = sum[i];
    expected.bound[i] = 0;
    if (args.partial_sums == PartialSums::rounded_in_order) continue;
    double accumulated = (args.world_size - 1) * 0x1p-24 * magnitude[i];
    if (args.partial_sums == PartialSums::rounded_any_order) {
      // Rounding each time lets a partial sum grow, but for 72 ranks not to twice the sum of magnitudes.
      accumulated += (args.world_size - 1) * rounding_bound<T>(2 * magnitude[i]);
    }
    expected.bound[i] = accumulated + rounding_bound<T>(magnitude_of(sum[i]) + accumulated);
  }
  if (!adds_residual) return;
  PortableNumbers::unpack<T>(input_packet<T>(residual, args.world_size, packet), lanes);
  SYMMBENCH_UNROLL
  for (int i = 0; i < kLanes<T>; ++i) {
    expected.value[i] += lanes[i];
    const double size = magnitude_of(expected.value[i]) + expected.bound[i];
    expected.bound[i] += size * 0x1p-24 + rounding_bound<T>(size * (1 + 0x1p-24));
  }
}

/// The sum over ranks, with the residual added or not, as it lies in one output.
struct SumCheck {
  OutputKind output;
  bool adds_residual;

  template <class T, ReportOps Ops, BlockGrid Partition>
  SYMMBENCH_FN void run(Ops& ops, const Partition& partition, const CheckArgs& args,
                        std::uint64_t first_iteration) const {
    Tally tally;
    const InputStream residual = residual_stream(args.batch.seed, args.batch.kind);
    for (std::uint64_t iteration = first_iteration; iteration < first_iteration + args.iterations; ++iteration) {
      std::uint64_t keys[kMaxRanks];
      for (int rank = 0; rank < args.world_size; ++rank) {
        keys[rank] = input_stream(args.batch.seed, args.batch.kind, rank, iteration).key;
      }
      const std::uint64_t address = args.batch.output(output, iteration);
      partition.for_each_index(args.packets, [&](std::uint64_t packet) {
        const Packet got = ops.load_local(address + packet * kPacketBytes);
        if (args.batch.kind == InputKind::exact) {
          float value[kLanes<T>];
          expect_exact<T>(args, keys, residual, adds_residual, packet, value);
          compare_exact<T>(ops, args, got, value, iteration, packet, output, tally);
        } else {
          Expected<T> expected;
          expect_random<T>(args, keys, residual, adds_residual, packet, expected);
          compare_packet<T>(ops, args, got, expected, iteration, packet, output, tally);
        }
      });
    }
    add_to_report(ops, args.batch, tally);
  }
};

}  // namespace symmbench
