#pragma once
#include <cstdint>

#include "kernels/protocol/macros.hpp"

namespace symmbench {

enum class InputKind : std::uint8_t {
  exact,   ///< small integers: every partial sum is exact in the dtype, so equal means equal
  random,  ///< full-mantissa values in (-1, 1), some words equal to the Lamport sentinel
};

enum class OutputKind : std::uint32_t { allreduce = 0, residual = 1, norm = 2, quant = 3, scale = 4 };
inline constexpr int kOutputKinds = 5;

/// What a call reads beside its input, the same for every iteration and rank.
enum class ConstantKind : std::uint32_t { residual = 0, gamma = 1, scale = 2, expert_scale = 3, expert_index = 4 };
inline constexpr int kConstantKinds = 5;

/// One value per enumerator.
template <class Kind, class V, int N>
struct PerKind {
  V value[N] = {};
  SYMMBENCH_HD constexpr V& operator[](Kind kind) { return value[static_cast<int>(kind)]; }
  SYMMBENCH_HD constexpr const V& operator[](Kind kind) const { return value[static_cast<int>(kind)]; }
};
/// Addresses of one call; 0: the pattern has none of the kind.
using OutputAddresses = PerKind<OutputKind, std::uint64_t, kOutputKinds>;
using ConstantAddresses = PerKind<ConstantKind, std::uint64_t, kConstantKinds>;

/// A ring of output buffers of one kind, each between its guard zones.
struct OutputRing {
  std::uint64_t base = 0;   ///< of the first guard; 0: the pattern has no such output
  std::uint64_t bytes = 0;  ///< of one buffer, whole packets
};
struct ConstantView {
  std::uint64_t base = 0;   ///< 0: the pattern has no such constant
  std::uint64_t bytes = 0;  ///< whole packets
};

/// Device memory of one rank for a batch of iterations: a ring of input and output buffers. Iteration i of the run uses
/// buffer i % buffers. Each output buffer stands between guard zones of guard_bytes.
///   inputs:      buffers x input_bytes
///   each output: buffers x (guard | bytes | guard)
///   constants:   once
struct BatchView {
  std::uint64_t inputs = 0;
  PerKind<OutputKind, OutputRing, kOutputKinds> outputs;
  PerKind<ConstantKind, ConstantView, kConstantKinds> constants;
  std::uint64_t state = 0;   ///< BatchState
  std::uint64_t report = 0;  ///< VerifyReport
  std::uint32_t buffers = 0;
  std::uint64_t input_bytes = 0;  ///< of one rank and iteration; a whole number of messages
  std::uint64_t guard_bytes = 0;
  std::uint64_t seed = 0;
  InputKind kind = InputKind::exact;

  SYMMBENCH_HD std::uint64_t input(std::uint64_t iteration) const { return inputs + iteration % buffers * input_bytes; }
  /// @pre the pattern has such an output
  SYMMBENCH_HD std::uint64_t output(OutputKind output, std::uint64_t iteration) const {
    const OutputRing& ring = outputs[output];
    return ring.base + iteration % buffers * (ring.bytes + 2 * guard_bytes) + guard_bytes;
  }
};

/// In device memory: which iteration the next batch starts with. The inputs of iteration i are a function of
/// (seed, rank, index, i), so a replayed graph meets new data each time.
struct BatchState {
  std::uint64_t iteration;
};

inline constexpr std::uint32_t kPoison = 0x7FF7DEADu;  // a NaN in fp32, fp16 pairs and bf16 pairs
inline constexpr std::uint32_t kGuard = 0xA5C3F00Du;
inline constexpr int kBlameBlocks = 16;     // a message is cut into this many pieces to say where it is wrong
inline constexpr int kMaxMismatches = 256;  // recorded: at most kMaxMismatches / kBlameBlocks per piece

struct Mismatch {
  std::uint64_t iteration;
  std::uint64_t index;  ///< element
  float got, expected;
  std::uint32_t output;     ///< OutputKind
  std::uint32_t unwritten;  ///< 1: still the poison; 0 may be unknown, of outputs of the message's type
};

/// Result of checking one or more batches on the device; zero-filled before. Host explains the mismatches (lib/verify).
struct VerifyReport {
  std::uint64_t checked_elements;
  std::uint64_t wrong_elements;
  std::uint64_t unwritten_elements;  ///< still poison; counted in wrong_elements too
  std::uint64_t guard_words_overwritten;
  std::uint64_t digest;          ///< order-independent hash of every output bit: equal on all ranks or ranks differ
  std::uint32_t mismatches;      ///< recorded below, at most kMaxMismatches
  std::uint32_t max_error_bits;  ///< largest |got - expected| as float bits (they order like the floats)
  std::uint64_t wrong_in_block[kBlameBlocks];  ///< wrong elements by sixteenth of the message, all outputs
  Mismatch mismatch[kMaxMismatches];
};

/// The sixteenth of the message that an element lies in.
SYMMBENCH_HD int blame_block(std::uint64_t element, std::uint64_t elements) {
  return static_cast<int>(element * kBlameBlocks / elements);
}

}  // namespace symmbench
