#pragma once
#include "kernels/protocol/experts.hpp"
#include "kernels/protocol/verify.hpp"

namespace symmbench {

/// residual_out where a rank's contribution is a sum over experts. Exact inputs and a routed scaling factor of 1: two
/// integers per rank, equal means equal. Else in fp64: a contribution of s slots and one row more takes at most 2 s + 3
/// roundings to fp32, each of at most the sum of magnitudes, and one to T; then the sum over ranks as for plain inputs,
/// but that what a sum rounded at each addition is off by is a bound here too: of each partial sum, in rank order.
struct ExpertCheck {
  ExpertShape experts;
  bool by_index;  ///< permuted rows and scales of T, else rows in order and scales of fp32
  std::uint64_t row_packets;
  float routed_scaling;

  template <class T, ReportOps Ops, BlockGrid Partition>
  SYMMBENCH_FN void run(Ops& ops, const Partition& partition, const CheckArgs& args,
                        std::uint64_t first_iteration) const {
    Tally tally;
    const InputStream residual = residual_stream(args.batch.seed, args.batch.kind);
    for (std::uint64_t iteration = first_iteration; iteration < first_iteration + args.iterations; ++iteration) {
      const std::uint64_t address = args.batch.output(OutputKind::residual, iteration);
      partition.for_each_index(args.packets, [&](std::uint64_t packet) {
        compare_packet<T>(ops, args, ops.load_local(address + packet * kPacketBytes),
                          expected_of<T>(args, residual, iteration, packet), iteration, packet, OutputKind::residual,
                          tally);
      });
    }
    add_to_report(ops, args.batch, tally);
  }

 private:
  template <class T>
  struct Term {
    double value[kLanes<T>] = {}, magnitude[kLanes<T>] = {};
    SYMMBENCH_HD void add(const float (&lanes)[kLanes<T>], double weight) {
      for (int i = 0; i < kLanes<T>; ++i) {
        value[i] += lanes[i] * weight;
        magnitude[i] += magnitude_of(lanes[i] * weight);
      }
    }
  };

  template <class T>
  SYMMBENCH_FN Term<T> contribution_of(const CheckArgs& args, const InputStream& stream, std::uint64_t packet) const {
    const std::uint64_t token = packet / row_packets, column = packet % row_packets;
    float lanes[kLanes<T>];
    Term<T> term;
    for (std::uint32_t slot = 0; slot < experts.slots; ++slot) {
      std::uint64_t source = slot * args.packets + packet;
      double weight = 0;
      if (by_index) {
        const std::int32_t row = expert_row(args.batch.seed, experts, token, slot);
        if (row < 0) continue;
        source = static_cast<std::uint64_t>(row) * row_packets + column;
        weight = expert_scale<T>(args.batch.seed, stream.kind, experts, token, slot);
        weight *= routed_scaling;
      } else {
        weight = expert_scale<float>(args.batch.seed, stream.kind, experts, token, slot);
      }
      PortableNumbers::unpack<T>(input_packet<T>(stream, args.summands, source), lanes);
      term.add(lanes, weight);
    }
    PortableNumbers::unpack<T>(input_packet<T>(stream, args.summands, experts.slots * args.packets + packet), lanes);
    term.add(lanes, 1);
    return term;
  }

  template <class T>
  SYMMBENCH_FN Expected<T> expected_of(const CheckArgs& args, const InputStream& residual, std::uint64_t iteration,
                                       std::uint64_t packet) const {
    const bool exact = args.batch.kind == InputKind::exact && (!by_index || routed_scaling == 1.0f);
    const bool in_order = args.partial_sums == PartialSums::rounded_in_order;
    double error[kLanes<T>] = {}, size[kLanes<T>] = {};
    Expected<T> expected{};
    for (int rank = 0; rank < args.world_size; ++rank) {
      const Term<T> term =
          contribution_of<T>(args, input_stream(args.batch.seed, args.batch.kind, rank, iteration), packet);
      for (int i = 0; i < kLanes<T>; ++i) {
        const double own = (2 * experts.slots + 3) * 0x1p-24 * term.magnitude[i];
        const double rounded = own + rounding_bound<T>(magnitude_of(term.value[i]) + own);
        expected.value[i] += term.value[i];
        error[i] += rounded;
        size[i] += magnitude_of(term.value[i]) + rounded;
        if (!in_order || rank == 0) continue;
        const double most = magnitude_of(expected.value[i]) + error[i];
        error[i] += most * 0x1p-24 + rounding_bound<T>(most * (1 + 0x1p-24));
      }
    }
    float added[kLanes<T>];
    PortableNumbers::unpack<T>(input_packet<T>(residual, args.summands, packet), added);
    for (int i = 0; i < kLanes<T>; ++i) {
      double bound = error[i];
      if (!in_order) {
        bound += (args.world_size - 1) * 0x1p-24 * size[i];
        bound += rounding_bound<T>(magnitude_of(expected.value[i]) + bound);
      }
      expected.value[i] += added[i];
      const double most = magnitude_of(expected.value[i]) + bound;
      expected.bound[i] = exact ? 0 : bound + most * 0x1p-24 + rounding_bound<T>(most * (1 + 0x1p-24));
      if (exact) expected.value[i] = to_float(round_to<T>(static_cast<float>(expected.value[i])));
    }
    return expected;
  }
};

}  // namespace symmbench
