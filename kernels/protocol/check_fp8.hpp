#pragma once
#include "kernels/protocol/check_norms.hpp"
#include "kernels/protocol/e4m3.hpp"

namespace symmbench {

/// quant_out. Where norm_out was stored (and NormCheck judges it), n is known and there is one right code: equal means
/// equal. Where not, n is known within the bound of a norm; quantising is monotonic, so the code must be one of those
/// from the least n to the largest. The error counts in units of the codes.
struct Fp8Check {
  NormParameters parameters;
  float inverse_scale;  ///< 1/scale, rounded to nearest
  bool norm_is_stored;

  template <class T, ReportOps Ops, BlockGrid Partition>
  SYMMBENCH_FN void run(Ops& ops, const Partition& partition, const CheckArgs& args,
                        std::uint64_t first_iteration) const {
    Tally tally;
    if (norm_is_stored) {
      for (std::uint64_t iteration = first_iteration; iteration < first_iteration + args.iterations; ++iteration) {
        const std::uint64_t address = args.batch.output(OutputKind::norm, iteration);
        partition.for_each_index(args.packets, [&](std::uint64_t packet) {
          float norm[kLanes<T>];
          PortableNumbers::unpack<T>(ops.load_local(address + packet * kPacketBytes), norm);
          Expected<T> expected;
          for (int i = 0; i < kLanes<T>; ++i) {
            expected.value[i] = from_e4m3(to_e4m3(norm[i] * inverse_scale));
            expected.bound[i] = 0;
          }
          compare_codes<T>(ops, args, expected, iteration, packet, tally);
        });
      }
    } else {
      for_each_norm<T>(ops, partition, args, first_iteration, parameters,
                       [&](std::uint64_t iteration, std::uint64_t packet, const Expected<T>& norm) {
                         Expected<T> expected;
                         for (int i = 0; i < kLanes<T>; ++i) {
                           const double least = code_of(norm.value[i] - norm.bound[i]);
                           const double largest = code_of(norm.value[i] + norm.bound[i]);
                           expected.value[i] = (least + largest) / 2;
                           expected.bound[i] = (largest - least) / 2;
                         }
                         compare_codes<T>(ops, args, expected, iteration, packet, tally);
                       });
    }
    add_to_report(ops, args.batch, tally);
  }

 private:
  /// What the code of `norm` stands for. One rounding to fp32 of the product here, two in a kernel: they differ by less
  /// than the bound of a norm that is not zero has room for.
  SYMMBENCH_HD double code_of(double norm) const {
    return from_e4m3(to_e4m3(static_cast<float>(norm * static_cast<double>(inverse_scale))));
  }

  template <class T, ReportOps Ops>
  SYMMBENCH_FN static void compare_codes(Ops& ops, const CheckArgs& args, const Expected<T>& expected,
                                         std::uint64_t iteration, std::uint64_t packet, Tally& tally) {
    const std::uint64_t first = packet * kLanes<T>;  // a byte each
    const Packet around =
        ops.load_local(args.batch.output(OutputKind::quant, iteration) + first / kPacketBytes * kPacketBytes);
    const std::uint64_t word = first % kPacketBytes / 4;
    Packet own{};
    float lanes[kLanes<T>];
    SYMMBENCH_UNROLL
    for (int w = 0; w < kLanes<T> / 4; ++w) {
      own.word[w] = word_of(around, word + w);
      SYMMBENCH_UNROLL
      for (int i = 0; i < 4; ++i) lanes[4 * w + i] = from_e4m3(own.word[w] >> (8 * i) & 0xFFu);
    }
    tally.digest += packet_digest(own, iteration, packet, OutputKind::quant);
    compare_lanes<T>(ops, args, lanes, expected, iteration, packet, OutputKind::quant, tally,
                     [&](int lane) { return own.word[lane / 4] == kPoison; });
  }

  /// By choices: a GPU's registers have no addresses.
  SYMMBENCH_HD static std::uint32_t word_of(const Packet& packet, std::uint64_t index) {
    const std::uint32_t low = index == 0 ? packet.word[0] : packet.word[1];
    const std::uint32_t high = index == 2 ? packet.word[2] : packet.word[3];
    return index < 2 ? low : high;
  }
};

}  // namespace symmbench
