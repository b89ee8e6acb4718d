#pragma once
#include "kernels/protocol/verify.hpp"

namespace symmbench {

/// What RMSNorm was told.
struct NormParameters {
  std::uint64_t hidden;  ///< elements of a row
  float epsilon, weight_bias;
};

/// Calls f(iteration, row, row_part, norm_of) for each row of a batch; norm_of(column) is n of the elements of a packet of
/// the row. Where norm_out is stored (and NormCheck judges it) that is n, exactly. Else n as it must be, from the
/// residual_out that was actually stored (and that SumCheck judges). Bound: the kernel sums fp32 squares packet by packet,
/// so q has a relative error of at most (row packets + 32) * 2^-24, which the root halves; the mean (1/hidden, its product,
/// + epsilon) gives 3 * 2^-24, halved too, the root 2^-22.4, two products and an addition 3 * 2^-24: 8 * 2^-24 at most;
/// then one rounding to T.
template <class T, ReportOps Ops, BlockGrid Partition, class F>
SYMMBENCH_FN void for_each_norm_row(Ops& ops, const Partition& partition, const CheckArgs& args,
                                    std::uint64_t first_iteration, const NormParameters& parameters,
                                    bool norm_is_stored, F&& f) {
  const std::uint64_t row_packets = parameters.hidden / kLanes<T>;
  const InputStream gamma = gamma_stream(args.batch.seed);
  const double relative = (static_cast<double>(row_packets) / 2 + 16 + 8) * 0x1p-24;
  for (std::uint64_t iteration = first_iteration; iteration < first_iteration + args.iterations; ++iteration) {
    const std::uint64_t source = args.batch.output(norm_is_stored ? OutputKind::norm : OutputKind::residual, iteration);
    partition.for_each_row(args.packets / row_packets, [&](const auto& row_part, std::uint64_t row) {
      const auto load = [&](std::uint64_t column, float(&lanes)[kLanes<T>]) {
        PortableNumbers::unpack<T>(ops.load_local(source + (row * row_packets + column) * kPacketBytes), lanes);
      };
      double scale = 1;
      if (!norm_is_stored) {
        double squares = 0;
        row_part.for_each_index(row_packets, [&](std::uint64_t column) {
          float lanes[kLanes<T>];
          load(column, lanes);
          for (int i = 0; i < kLanes<T>; ++i) squares += static_cast<double>(lanes[i]) * lanes[i];
        });
        squares = row_part.sum(squares);
        scale = 1.0 / ops.square_root(squares / static_cast<double>(parameters.hidden) + parameters.epsilon);
      }
      f(iteration, row, row_part, [&](std::uint64_t column) {
        float lanes[kLanes<T>];
        load(column, lanes);
        Expected<T> norm;
        for (int i = 0; i < kLanes<T>; ++i) {
          norm.value[i] = lanes[i];
          norm.bound[i] = 0;
        }
        if (norm_is_stored) return norm;
        PortableNumbers::unpack<T>(input_packet<T>(gamma, args.world_size, column), lanes);
        for (int i = 0; i < kLanes<T>; ++i) {
          norm.value[i] *= scale * (static_cast<double>(parameters.weight_bias) + lanes[i]);
          const double size = magnitude_of(norm.value[i]);
          norm.bound[i] = size * relative + rounding_bound<T>(size * (1 + relative));
        }
        return norm;
      });
    });
  }
}

/// The same packet by packet: f(iteration, packet, norm).
template <class T, ReportOps Ops, BlockGrid Partition, class F>
SYMMBENCH_FN void for_each_norm(Ops& ops, const Partition& partition, const CheckArgs& args,
                                std::uint64_t first_iteration, const NormParameters& parameters, bool norm_is_stored,
                                F&& f) {
  const std::uint64_t row_packets = parameters.hidden / kLanes<T>;
  for_each_norm_row<T>(ops, partition, args, first_iteration, parameters, norm_is_stored,
                       [&](std::uint64_t iteration, std::uint64_t row, const auto& row_part, const auto& norm_of) {
                         row_part.for_each_index(row_packets, [&](std::uint64_t column) {
                           f(iteration, row * row_packets + column, norm_of(column));
                         });
                       });
}

/// norm_out.
struct NormCheck {
  NormParameters parameters;

  template <class T, ReportOps Ops, BlockGrid Partition>
  SYMMBENCH_FN void run(Ops& ops, const Partition& partition, const CheckArgs& args,
                        std::uint64_t first_iteration) const {
    Tally tally;
    for_each_norm<T>(ops, partition, args, first_iteration, parameters, false,
                     [&](std::uint64_t iteration, std::uint64_t packet, const Expected<T>& expected) {
                       const std::uint64_t address = args.batch.output(OutputKind::norm, iteration);
                       compare_packet<T>(ops, args, ops.load_local(address + packet * kPacketBytes), expected,
                                         iteration, packet, OutputKind::norm, tally);
                     });
    add_to_report(ops, args.batch, tally);
  }
};

}  // namespace symmbench
