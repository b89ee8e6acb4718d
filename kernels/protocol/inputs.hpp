#pragma once
#include <cstdint>

#include "kernels/protocol/batch.hpp"
#include "kernels/protocol/number.hpp"

namespace symmbench {

// What every rank's input holds: a pure function of (seed, rank, iteration, packet), so that the kernel that fills, the
// kernel that checks and the host that explains agree without talking. No two ranks or iterations are alike: a stale, a
// doubled and a missing contribution all show.

/// A 64-bit mixer in which every input bit reaches every output bit (the finaliser of splitmix64).
SYMMBENCH_HD std::uint64_t mix64(std::uint64_t x) {
  x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9ull;
  x = (x ^ x >> 27) * 0x94D049BB133111EBull;
  return x ^ x >> 31;
}

// "Ranks" of the constants that all ranks share.
inline constexpr int kResidualStream = -1;
inline constexpr int kGammaStream = -2;

/// The numbers of one rank and iteration.
struct InputStream {
  std::uint64_t key;
  InputKind kind;
  bool sentinels;  ///< random inputs: some words are the sentinel
};

SYMMBENCH_HD InputStream input_stream(std::uint64_t seed, InputKind kind, int rank, std::uint64_t iteration) {
  const std::uint64_t who = mix64(seed + 0x9E3779B97F4A7C15ull * static_cast<std::uint64_t>(rank + 3));
  return {mix64(who ^ mix64(iteration + 0xD1B54A32D192ED03ull)), kind, true};
}
/// The same for every rank and iteration.
SYMMBENCH_HD InputStream residual_stream(std::uint64_t seed, InputKind kind) {
  return input_stream(seed, kind, kResidualStream, 0);
}
/// Always random: norm_out is compared within a bound anyway.
SYMMBENCH_HD InputStream gamma_stream(std::uint64_t seed) {
  return {input_stream(seed, InputKind::random, kGammaStream, 0).key, InputKind::random, false};
}
SYMMBENCH_HD InputStream constant_stream(std::uint64_t seed, InputKind kind, ConstantKind constant) {
  return constant == ConstantKind::residual ? residual_stream(seed, kind) : gamma_stream(seed);
}

/// Exact inputs are integers in [-limit, limit] with world_size * limit <= 2^precision, so every partial sum is exact
/// in T.
template <class T>
SYMMBENCH_HD int exact_limit(int world_size) {
  const int largest = sizeof(T) == 4 ? 32767 : 127;
  const int fair = (1 << kPrecision<T>) / world_size;
  return fair < largest ? fair : largest;
}

SYMMBENCH_HD std::uint64_t packet_hash(const InputStream& stream, std::uint64_t packet) {
  return mix64(stream.key + packet * 0x9E3779B97F4A7C15ull);
}

/// The integers of one packet, offset by `limit` so that none is negative, in two words of equal fields: even lanes and
/// odd lanes, each field twice as wide as a number. Words of several ranks can be added as they are: a field holds the
/// sum of kMaxRanks numbers. One hash, then a byte (fp32: two bytes) per lane, scaled to the span of 2*limit + 1
/// numbers.
struct ExactFields {
  std::uint64_t even, odd;
};
template <class T>
inline constexpr int kExactBits = 64 / kLanes<T>;

template <class T>
SYMMBENCH_HD ExactFields exact_fields(const InputStream& stream, int limit, std::uint64_t packet) {
  constexpr std::uint64_t kMask = sizeof(T) == 4 ? 0x0000FFFF0000FFFFull : 0x00FF00FF00FF00FFull;
  const std::uint64_t hash = packet_hash(stream, packet);
  const std::uint64_t span = 2u * static_cast<std::uint32_t>(limit) + 1u;
  // No product of a field and the span leaves the doubled field.
  return {((hash & kMask) * span >> kExactBits<T>)&kMask,
          ((hash >> kExactBits<T> & kMask) * span >> kExactBits<T>)&kMask};
}

/// Lane `lane` of added fields, less the offset of `ranks` ranks.
template <class T>
SYMMBENCH_HD std::int32_t exact_number(const ExactFields& fields, int lane, int limit, int ranks) {
  constexpr std::uint64_t kField = (1ull << 2 * kExactBits<T>)-1;
  const std::uint64_t word = lane % 2 == 0 ? fields.even : fields.odd;
  return static_cast<std::int32_t>(word >> (lane / 2 * 2 * kExactBits<T>)&kField) - limit * ranks;
}

/// Sign and all mantissa bits free, exponent one of eight: 2^-8 <= |x| < 1.
template <class T>
SYMMBENCH_HD std::uint32_t random_word(std::uint32_t bits) {
  if constexpr (sizeof(T) == 4) {
    return (bits & 0x807FFFFFu) | (126u - (bits >> 23 & 7u)) << 23;
  } else if constexpr (kPrecision<T> == 8) {
    const std::uint32_t exponents = (126u - (bits >> 7 & 7u)) << 7 | (126u - (bits >> 23 & 7u)) << 23;
    return (bits & 0x807F807Fu) | exponents;
  } else {
    const std::uint32_t exponents = (14u - (bits >> 10 & 7u)) << 10 | (14u - (bits >> 26 & 7u)) << 26;
    return (bits & 0x83FF83FFu) | exponents;
  }
}

/// One packet of input, as it lies in memory. Random: one word in 64 is the Lamport sentinel.
template <class T>
SYMMBENCH_HD Packet input_packet(const InputStream& stream, int world_size, std::uint64_t packet) {
  if (stream.kind == InputKind::exact) {
    const int limit = exact_limit<T>(world_size);
    const ExactFields fields = exact_fields<T>(stream, limit, packet);
    float lanes[kLanes<T>];
    SYMMBENCH_UNROLL
    for (int i = 0; i < kLanes<T>; ++i) lanes[i] = static_cast<float>(exact_number<T>(fields, i, limit, 1));
    return PortableNumbers::pack<T>(lanes);
  }
  const std::uint64_t low = packet_hash(stream, packet);
  const std::uint64_t high = mix64(low + 0xA0761D6478BD642Full);
  const std::uint64_t chosen = (low ^ high) * 0xE7037ED1A0B428DBull >> 40;  // 6 bits per word
  const std::uint32_t bits[4] = {static_cast<std::uint32_t>(low), static_cast<std::uint32_t>(low >> 32),
                                 static_cast<std::uint32_t>(high), static_cast<std::uint32_t>(high >> 32)};
  Packet result;
  SYMMBENCH_UNROLL
  for (int i = 0; i < 4; ++i) {
    const bool is_sentinel = stream.sentinels && (chosen >> (6 * i) & 63u) == 0;
    result.word[i] = is_sentinel ? kSentinel : random_word<T>(bits[i]);
  }
  return result;
}

/// One element of an input; for explanations, not for loops.
template <class T>
SYMMBENCH_HD float input_value(const InputStream& stream, int world_size, std::uint64_t element) {
  float lanes[kLanes<T>];
  PortableNumbers::unpack<T>(input_packet<T>(stream, world_size, element / kLanes<T>), lanes);
  return lanes[element % kLanes<T>];
}

}  // namespace symmbench
