#pragma once
#include "kernels/protocol/check_norms.hpp"
#include "kernels/protocol/codecs.hpp"

namespace symmbench {

// What the checks of quantised outputs have in common. n is known exactly where norm_out was stored (and NormCheck judges
// it), else within the bound of a norm. Quantising is monotonic, so what was made of it lies between what is made of the
// least and of the largest n; these are equal, and so is what is right, where n is known. A code is judged by the scale
// that was stored, which a check of its own judges. Errors count in units of what the codes stand for.

struct E4m3Element {
  static constexpr int kBits = 8;
  SYMMBENCH_HD static double nearest(double value) { return from_e4m3(to_e4m3(static_cast<float>(value))); }
  SYMMBENCH_HD static float value_of(std::uint32_t code) { return from_e4m3(code); }
};
struct E2m1Element {
  static constexpr int kBits = 4;
  SYMMBENCH_HD static double nearest(double value) { return from_e2m1(to_e2m1(static_cast<float>(value))); }
  SYMMBENCH_HD static float value_of(std::uint32_t code) { return from_e2m1(code); }
};

/// A value between two, as an expectation.
struct Between {
  double value, bound;
  SYMMBENCH_HD Between(double least, double largest) : value((least + largest) / 2), bound((largest - least) / 2) {}
};

/// Word `index` of a packet by choices: a GPU's registers have no addresses.
SYMMBENCH_HD std::uint32_t word_of(const Packet& packet, std::uint64_t index) {
  const std::uint32_t low = index == 0 ? packet.word[0] : packet.word[1];
  const std::uint32_t high = index == 2 ? packet.word[2] : packet.word[3];
  return index < 2 ? low : high;
}
/// The aligned 32-bit word that holds the byte at `address`.
template <class Ops>
SYMMBENCH_FN std::uint32_t load_word(Ops& ops, std::uint64_t address) {
  return word_of(ops.load_local(address / kPacketBytes * kPacketBytes), address % kPacketBytes / 4);
}
SYMMBENCH_HD std::uint32_t byte_in(std::uint32_t word, std::uint64_t address) {
  return word >> address % 4 * 8 & 0xFFu;
}

/// quant_out of one packet: Element codes of scaled(n), which must not fall as n rises.
template <class T, class Element, ReportOps Ops, class Scaled>
SYMMBENCH_FN void compare_codes(Ops& ops, const CheckArgs& args, const Expected<T>& norm, const Scaled& scaled,
                                std::uint64_t iteration, std::uint64_t packet, Tally& tally) {
  Expected<T> expected;
  for (int i = 0; i < kLanes<T>; ++i) {
    const Between codes(Element::nearest(scaled(norm.value[i] - norm.bound[i])),
                        Element::nearest(scaled(norm.value[i] + norm.bound[i])));
    expected.value[i] = codes.value;
    expected.bound[i] = codes.bound;
  }
  const std::uint64_t first = packet * kLanes<T> * Element::kBits;
  const Packet around = ops.load_local(args.batch.output(OutputKind::quant, iteration) + first / 128 * kPacketBytes);
  Packet own{};
  float lanes[kLanes<T>];
  SYMMBENCH_UNROLL
  for (int i = 0; i < kLanes<T>; ++i) {
    constexpr std::uint32_t kMask = (1u << Element::kBits) - 1;
    const std::uint64_t bit = first % 128 + static_cast<std::uint64_t>(i * Element::kBits);
    const std::uint32_t code = word_of(around, bit / 32) >> bit % 32 & kMask;
    own.word[i * Element::kBits / 32] |= code << i * Element::kBits % 32;
    lanes[i] = Element::value_of(code);
  }
  tally.digest += packet_digest(own, iteration, packet, OutputKind::quant);
  compare_lanes<T>(ops, args, lanes, expected, iteration, packet, OutputKind::quant, tally, [&](int lane) {
    return word_of(around, (first % 128 + static_cast<std::uint64_t>(lane * Element::kBits)) / 32) == kPoison;
  });
}

/// One scale of scale_out: `bits` as they lie there, `count` scales of an iteration.
template <ReportOps Ops>
SYMMBENCH_FN void compare_scale(Ops& ops, const CheckArgs& args, float got, std::uint32_t bits, bool unwritten,
                                const Between& expected, std::uint64_t iteration, std::uint64_t index,
                                std::uint64_t count, Tally& tally) {
  ++tally.checked;
  tally.digest += packet_digest({{bits, 0, 0, 0}}, iteration, index, OutputKind::scale);
  const double error = magnitude_of(got - expected.value);
  const std::uint32_t error_bits = error == error ? bits_of(static_cast<float>(error)) : 0x7F800000u;
  tally.max_error_bits = error_bits > tally.max_error_bits ? error_bits : tally.max_error_bits;
  if (error <= expected.bound) return;
  ++tally.wrong;
  if (unwritten) ++tally.unwritten;
  record_mismatch(ops, args, {iteration, index, got, static_cast<float>(expected.value), 0, unwritten},
                  OutputKind::scale, count);
}

}  // namespace symmbench
