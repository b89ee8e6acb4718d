#include "verify/suspects.hpp"

#include <bit>
#include <cmath>

#include "core/round.hpp"
#include "kernels/patterns.hpp"
#include "kernels/protocol/codecs.hpp"
#include "kernels/protocol/inputs.hpp"
#include "kernels/visit_dtype.hpp"

namespace symmbench {
namespace {

constexpr int kOldest = 6;            // iterations back: twice around the Lamport slots
constexpr int kNeighbourPackets = 4;  // how far a misplaced packet is looked for, beside multiples of a share
constexpr double kChanceOfNoise = 0.01;

/// Of all that Element::suspects() tests, at most: of each rank missing and doubled; of each rank and of the whole output
/// every age, in both orders of the ring, and every shift.
double mistakes_tried(int ranks) {
  const int shifts = 2 * kNeighbourPackets + 2 * (ranks - 1);
  return 2.0 * ranks + (ranks + 1.0) * (2 * kOldest + shifts);
}

/// That another contribution of one rank, drawn as inputs are, gives what was got.
double chance_of_a_match(const ExplainParameters& parameters) {
  return visit_dtype(parameters.shape.dtype, [&]<class T>() {
    if (parameters.kind == InputKind::random) return std::ldexp(1.0, 1 - kPrecision<T>);
    return 1.0 / (2 * exact_limit<T>(parameters.shape.world_size) + 1);
  });
}

/// That at least `least` of `trials` happen, each with `chance`.
double binomial_tail(std::uint64_t trials, std::uint64_t least, double chance) {
  const auto n = static_cast<double>(trials);
  double tail = 0;
  for (std::uint64_t hits = least; hits <= trials; ++hits) {
    const auto k = static_cast<double>(hits);
    tail += std::exp(std::lgamma(n + 1) - std::lgamma(k + 1) - std::lgamma(n - k + 1) + k * std::log(chance) +
                     (n - k) * std::log1p(-chance));
  }
  return tail;
}

template <class T>
std::uint32_t storage_bits(T value) {
  if constexpr (sizeof(T) == 4) {
    return bits_of(value);
  } else {
    return value.bits;
  }
}

/// Everything that the run knew about one mismatched element, recomputed.
template <class T>
class Element {
 public:
  Element(const Mismatch& mismatch, const ExplainParameters& parameters)
      : mismatch_(mismatch),
        parameters_(parameters),
        ranks_(parameters.shape.world_size),
        elements_(parameters.shape.tokens * parameters.shape.hidden),
        inputs_(inputs_at(mismatch.iteration, mismatch.index)) {
    if (is(OutputKind::residual)) {
      residual_ = input_value<T>(residual_stream(parameters.seed, parameters.kind), ranks_, mismatch.index);
    }
  }

  std::vector<Suspect> suspects() {
    if (unwritten()) return {{BlameKind::unwritten}};
    if (holds_the_sum()) {
      for (int rank = 0; rank < ranks_; ++rank) {
        test(with(rank, 0.0f), {BlameKind::missing, rank});
        test(with(rank, 2 * inputs_[static_cast<std::size_t>(rank)]), {BlameKind::doubled, rank});
      }
      for (int age = 1; age <= kOldest; ++age) test_stale(age);
      test_foreign();
    }
    if (std::popcount(bits_in_output(mismatch_.got) ^ bits_in_output(mismatch_.expected)) == 1) {
      found_.push_back({BlameKind::bit_flip});
    }
    return std::move(found_);
  }

 private:
  bool is(OutputKind kind) const { return mismatch_.output == static_cast<std::uint32_t>(kind); }
  /// The sum itself, or with the residual: a contribution that is missing or wrong shows in it as it is, and output_of()
  /// can recompute it; in a norm it is mixed with its row.
  bool holds_the_sum() const {
    if (spec_of(parameters_.shape.pattern).experts != nullptr) return false;  // a rank's part is no input
    return is(OutputKind::allreduce) || is(OutputKind::residual);
  }
  std::uint32_t bits_in_output(float value) const {
    switch (type()) {
      case ElementType::as_message:
        return storage_bits(round_to<T>(value));
      case ElementType::fp32:
      case ElementType::int32:
        return bits_of(value);
      case ElementType::e4m3:
        return to_e4m3(value);
      case ElementType::e2m1:
        return to_e2m1(value);
      case ElementType::ue8m0:
        return to_ue8m0(value);
    }
    return 0;
  }
  /// That of the message where the pattern has no such output.
  ElementType type() const {
    for (const OutputSpec& output : spec_of(parameters_.shape.pattern).outputs) {
      if (is(output.kind)) return output.type;
    }
    return ElementType::as_message;
  }

  using Inputs = std::vector<float>;  // by rank

  float input(int rank, std::uint64_t iteration, std::uint64_t index) const {
    return input_value<T>(input_stream(parameters_.seed, parameters_.kind, rank, iteration), ranks_, index);
  }
  Inputs inputs_at(std::uint64_t iteration, std::uint64_t index) const {
    Inputs inputs(static_cast<std::size_t>(ranks_));
    for (int rank = 0; rank < ranks_; ++rank) inputs[static_cast<std::size_t>(rank)] = input(rank, iteration, index);
    return inputs;
  }
  Inputs with(int rank, float value) const {
    Inputs changed = inputs_;
    changed[static_cast<std::size_t>(rank)] = value;
    return changed;
  }

  /// What the kernels make of these contributions: fp32 in rank order, one rounding, then the residual.
  float output_of(const Inputs& inputs) const {
    float sum = inputs[0];
    for (std::size_t rank = 1; rank < inputs.size(); ++rank) sum += inputs[rank];
    sum = to_float(round_to<T>(sum));
    if (!is(OutputKind::residual)) return sum;
    return to_float(round_to<T>(sum + residual_));
  }
  void test(const Inputs& inputs, const Suspect& suspect) {
    if (output_of(inputs) == mismatch_.got) found_.push_back(suspect);
  }

  bool unwritten() const {
    if (mismatch_.unwritten) return true;
    if (type() != ElementType::as_message) return false;
    for (const std::uint32_t half : {kPoison & 0xFFFFu, kPoison >> 16}) {
      if constexpr (sizeof(T) == 2) {
        if (bits_of(to_float(T{static_cast<std::uint16_t>(half)})) == bits_of(mismatch_.got)) return true;
      }
    }
    return sizeof(T) == 4 && bits_of(mismatch_.got) == kPoison;
  }

  void test_stale(int age) {
    const std::uint64_t now = mismatch_.iteration;
    std::vector<std::uint64_t> iterations;
    if (now >= static_cast<std::uint64_t>(age)) iterations.push_back(now - static_cast<std::uint64_t>(age));
    if (parameters_.buffers > static_cast<std::uint32_t>(age)) {
      // The ring's buffers are read in turn: the call before the one of buffer 0 read the last buffer.
      const std::uint64_t buffer = now % parameters_.buffers;
      const std::uint64_t wrapped =
          now - buffer + (buffer + parameters_.buffers - static_cast<std::uint64_t>(age)) % parameters_.buffers;
      if (iterations.empty() || wrapped != iterations[0]) iterations.push_back(wrapped);
    }
    for (const std::uint64_t iteration : iterations) {
      const Inputs old = inputs_at(iteration, mismatch_.index);
      test(old, {BlameKind::stale, -1, age});
      for (int rank = 0; rank < ranks_; ++rank) {
        test(with(rank, old[static_cast<std::size_t>(rank)]), {BlameKind::stale, rank, age});
      }
    }
  }

  void test_foreign() {
    const auto lanes = static_cast<std::int64_t>(kLanes<T>);
    for (std::int64_t packets = 1; packets <= kNeighbourPackets; ++packets) {
      test_shift(packets * lanes);
      test_shift(-packets * lanes);
    }
    const auto share =
        static_cast<std::int64_t>(ceil_div(elements_ / kLanes<T>, static_cast<std::uint64_t>(ranks_))) * lanes;
    if (share <= kNeighbourPackets * lanes) return;
    for (std::int64_t shares = 1; shares < ranks_; ++shares) {
      test_shift(shares * share);
      test_shift(-shares * share);
    }
  }
  void test_shift(std::int64_t shift) {
    const std::int64_t index = static_cast<std::int64_t>(mismatch_.index) + shift;
    if (index < 0 || index >= static_cast<std::int64_t>(elements_)) return;
    const Inputs other = inputs_at(mismatch_.iteration, static_cast<std::uint64_t>(index));
    test(other, {BlameKind::foreign, -1, 0, shift});
    for (int rank = 0; rank < ranks_; ++rank) {
      test(with(rank, other[static_cast<std::size_t>(rank)]), {BlameKind::foreign, rank, 0, shift});
    }
  }

  const Mismatch& mismatch_;
  const ExplainParameters& parameters_;
  const int ranks_;
  const std::uint64_t elements_;
  const Inputs inputs_;
  float residual_ = 0;
  std::vector<Suspect> found_;
};

}  // namespace

bool is_convincing(const Suspect& suspect, std::uint64_t explained, std::uint64_t of,
                   const ExplainParameters& parameters) {
  switch (suspect.kind) {
    case BlameKind::unwritten:
    case BlameKind::unexplained:
      return true;
    case BlameKind::bit_flip:
      return explained * 4 >= of;
    default:
      const double by_chance = binomial_tail(of, explained, chance_of_a_match(parameters));
      return mistakes_tried(parameters.shape.world_size) * by_chance < kChanceOfNoise;
  }
}

std::vector<Suspect> suspects_of(const Mismatch& mismatch, const ExplainParameters& parameters) {
  return visit_dtype(parameters.shape.dtype, [&]<class T>() { return Element<T>(mismatch, parameters).suspects(); });
}

}  // namespace symmbench
