#pragma once
#include "kernels/protocol/verify.hpp"

namespace symmbench {

/// What RMSNorm was told.
struct NormParameters {
  std::uint64_t hidden;  ///< elements of a row
  float epsilon, weight_bias;
};

/// Calls f(iteration, packet, expected) for each packet of a batch: n as it must be, from the residual_out that was
/// actually stored (and that SumCheck judges). Bound: the kernel sums fp32 squares packet by packet, so q has a relative
/// error of at most (row packets + 32) * 2^-24, which the root halves; the mean (1/hidden, its product, + epsilon) gives
/// 3 * 2^-24, halved too, the root 2^-22.4, two products and an addition 3 * 2^-24: 8 * 2^-24 at most; then one rounding
/// to T.
template <class T, ReportOps Ops, BlockGrid Partition, class F>
SYMMBENCH_FN void for_each_norm(Ops& ops, const Partition& partition, const CheckArgs& args,
                                std::uint64_t first_iteration, const NormParameters& parameters, F&& f) {
  const std::uint64_t row_packets = parameters.hidden / kLanes<T>;
  const InputStream gamma = gamma_stream(args.batch.seed);
  const double relative = (static_cast<double>(row_packets) / 2 + 16 + 8) * 0x1p-24;
  for (std::uint64_t iteration = first_iteration; iteration < first_iteration + args.iterations; ++iteration) {
    const std::uint64_t residual_output = args.batch.output(OutputKind::residual, iteration);
    partition.for_each_row(args.packets / row_packets, [&](const auto& row_part, std::uint64_t row) {
      double squares = 0;
      row_part.for_each_index(row_packets, [&](std::uint64_t column) {
        float lanes[kLanes<T>];
        PortableNumbers::unpack<T>(ops.load_local(residual_output + (row * row_packets + column) * kPacketBytes),
                                   lanes);
        for (int i = 0; i < kLanes<T>; ++i) squares += static_cast<double>(lanes[i]) * lanes[i];
      });
      squares = row_part.sum(squares);
      const double scale = 1.0 / ops.square_root(squares / static_cast<double>(parameters.hidden) + parameters.epsilon);
      row_part.for_each_index(row_packets, [&](std::uint64_t column) {
        const std::uint64_t packet = row * row_packets + column;
        float lanes[kLanes<T>], weight[kLanes<T>];
        PortableNumbers::unpack<T>(ops.load_local(residual_output + packet * kPacketBytes), lanes);
        PortableNumbers::unpack<T>(input_packet<T>(gamma, args.world_size, column), weight);
        Expected<T> expected;
        for (int i = 0; i < kLanes<T>; ++i) {
          expected.value[i] = lanes[i] * scale * (static_cast<double>(parameters.weight_bias) + weight[i]);
          const double size = magnitude_of(expected.value[i]);
          expected.bound[i] = size * relative + rounding_bound<T>(size * (1 + relative));
        }
        f(iteration, packet, expected);
      });
    });
  }
}

/// norm_out.
struct NormCheck {
  NormParameters parameters;

  template <class T, ReportOps Ops, BlockGrid Partition>
  SYMMBENCH_FN void run(Ops& ops, const Partition& partition, const CheckArgs& args,
                        std::uint64_t first_iteration) const {
    Tally tally;
    for_each_norm<T>(ops, partition, args, first_iteration, parameters,
                     [&](std::uint64_t iteration, std::uint64_t packet, const Expected<T>& expected) {
                       const std::uint64_t address = args.batch.output(OutputKind::norm, iteration);
                       compare_packet<T>(ops, args, ops.load_local(address + packet * kPacketBytes), expected,
                                         iteration, packet, OutputKind::norm, tally);
                     });
    add_to_report(ops, args.batch, tally);
  }
};

}  // namespace symmbench
