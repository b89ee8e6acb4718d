#pragma once
#include <concepts>
#include <cstdint>

#include "kernels/protocol/inputs.hpp"
#include "kernels/protocol/partition.hpp"

namespace symmbench {

// The check kernels: recompute what a batch must have given and compare. They share no text with the protocols but the
// number types; sums are fp64 or integers, not fp32 in rank order. Here is what every check needs; what an output of a
// pattern must hold says a pass (check_sums.hpp, check_norms.hpp): a function object that goes through the batch once.

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

/// How a sum over ranks is made.
enum class PartialSums : std::uint8_t {
  fp32_in_order,      ///< in fp32, in rank order, rounded to T once
  rounded_in_order,   ///< rounded to T at each addition, in rank order
  rounded_any_order,  ///< it may be, in any order
};

struct CheckArgs {
  BatchView batch;
  std::uint32_t iterations;
  std::int32_t world_size;
  std::int32_t summands;  ///< integers that one element of the sum is made of with exact inputs
  std::uint64_t packets;  ///< of the message
  PartialSums partial_sums;
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

/// Counts a wrong element of an output of `elements`, and records up to kMaxMismatches / kBlameBlocks of them per
/// sixteenth of it.
template <ReportOps Ops>
SYMMBENCH_FN void record_mismatch(Ops& ops, const CheckArgs& args, const Mismatch& found, OutputKind kind,
                                  std::uint64_t elements) {
  auto* report = reinterpret_cast<VerifyReport*>(args.batch.report);
  const int block = blame_block(found.index, elements);
  if (ops.add64(&report->wrong_in_block[block], 1) >= kMaxMismatches / kBlameBlocks) return;
  Mismatch& mismatch = report->mismatch[ops.add32(&report->mismatches, 1)];
  mismatch = found;
  mismatch.output = static_cast<std::uint32_t>(kind);
}

/// Compares the elements of one packet, counts and records. unwritten(lane): whether the element still holds the poison.
template <class T, ReportOps Ops, class Unwritten>
SYMMBENCH_FN void compare_lanes(Ops& ops, const CheckArgs& args, const float (&lanes)[kLanes<T>],
                                const Expected<T>& expected, std::uint64_t iteration, std::uint64_t packet,
                                OutputKind kind, Tally& tally, const Unwritten& unwritten) {
  tally.checked += kLanes<T>;
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

  for (int i = 0; i < kLanes<T>; ++i) {
    const double error = magnitude_of(lanes[i] - expected.value[i]);
    if (error <= expected.bound[i]) continue;
    if (error != error) tally.max_error_bits = 0x7F800000u;
    ++tally.wrong;
    const bool untouched = unwritten(i);
    if (untouched) ++tally.unwritten;
    const std::uint64_t element = packet * kLanes<T> + i;
    record_mismatch(ops, args, {iteration, element, lanes[i], static_cast<float>(expected.value[i]), 0, untouched},
                    kind, args.packets * kLanes<T>);
  }
}

/// The same for a packet of an output of the message's type.
template <class T, ReportOps Ops>
SYMMBENCH_FN void compare_packet(Ops& ops, const CheckArgs& args, const Packet& got, const Expected<T>& expected,
                                 std::uint64_t iteration, std::uint64_t packet, OutputKind kind, Tally& tally) {
  tally.digest += packet_digest(got, iteration, packet, kind);
  float lanes[kLanes<T>];
  PortableNumbers::unpack<T>(got, lanes);
  compare_lanes<T>(ops, args, lanes, expected, iteration, packet, kind, tally,
                   [&](int lane) { return got.word[lane * static_cast<int>(sizeof(T)) / 4] == kPoison; });
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

/// A pass over the zones before and after every output buffer.
struct GuardCheck {
  template <class T, ReportOps Ops, BlockGrid Partition>
  SYMMBENCH_FN void run(Ops& ops, const Partition& partition, const CheckArgs& args,
                        std::uint64_t first_iteration) const {
    Tally tally;
    const std::uint64_t zone = args.batch.guard_bytes / kPacketBytes;
    const auto check = [&](std::uint64_t address) {
      const Packet packet = ops.load_local(address);
      SYMMBENCH_UNROLL
      for (int i = 0; i < 4; ++i) tally.guard_words += packet.word[i] != kGuard ? 1 : 0;
    };
    for (std::uint64_t iteration = first_iteration; iteration < first_iteration + args.iterations; ++iteration) {
      for (int output = 0; output < kOutputKinds; ++output) {
        const auto kind = static_cast<OutputKind>(output);
        const OutputRing& ring = args.batch.outputs[kind];
        if (ring.base == 0) continue;
        const std::uint64_t start = args.batch.output(kind, iteration) - args.batch.guard_bytes;
        partition.for_each_index(
            2 * zone, [&](std::uint64_t i) { check(start + i * kPacketBytes + (i < zone ? 0 : ring.bytes)); });
      }
    }
    add_to_report(ops, args.batch, tally);
  }
};

}  // namespace symmbench
