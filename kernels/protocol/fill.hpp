#pragma once
#include "kernels/protocol/experts.hpp"
#include "kernels/protocol/partition.hpp"

namespace symmbench {

/// Poisons one output buffer and sets the guards on both sides of it.
template <class Ops, BlockGrid Partition>
SYMMBENCH_FN void poison_output(Ops& ops, const Partition& partition, std::uint64_t output, std::uint64_t bytes,
                                std::uint64_t guard_bytes) {
  const std::uint64_t guard = guard_bytes / kPacketBytes;
  const std::uint64_t inside = bytes / kPacketBytes;
  const std::uint64_t start = output - guard_bytes;
  partition.for_each_index(inside + 2 * guard, [&](std::uint64_t i) {
    const std::uint32_t word = i >= guard && i < guard + inside ? kPoison : kGuard;
    ops.store_local(start + i * kPacketBytes, Packet{{word, word, word, word}});
  });
}

/// Inputs of `iterations` iterations from first_iteration on; their output buffers poisoned and guarded.
template <class T, class Ops, BlockGrid Partition>
SYMMBENCH_FN void fill_inputs(Ops& ops, const Partition& partition, const BatchView& batch,
                              std::uint64_t first_iteration, std::uint32_t iterations, int rank, int summands) {
  for (std::uint64_t iteration = first_iteration; iteration < first_iteration + iterations; ++iteration) {
    const InputStream stream = input_stream(batch.seed, batch.kind, rank, iteration);
    const std::uint64_t input = batch.input(iteration);
    partition.for_each_index(batch.input_bytes / kPacketBytes, [&](std::uint64_t i) {
      ops.store_local(input + i * kPacketBytes, input_packet<T>(stream, summands, i));
    });
    SYMMBENCH_UNROLL
    for (int output = 0; output < kOutputKinds; ++output) {
      const auto kind = static_cast<OutputKind>(output);
      if (batch.outputs[kind].base == 0) continue;
      poison_output(ops, partition, batch.output(kind, iteration), batch.outputs[kind].bytes, batch.guard_bytes);
    }
  }
}

/// What constants hold.
struct ConstantValues {
  int summands;       ///< CheckArgs'
  float scale_value;  ///< of a scale, fp32
  ExpertShape experts;
  bool experts_by_index;  ///< their scales are of T and token by token, else fp32 and expert by expert
};

/// One packet of words that are a function of their number.
template <class Ops, class WordOf>
SYMMBENCH_FN void store_words(Ops& ops, std::uint64_t base, std::uint64_t packet, const WordOf& word_of) {
  Packet words;
  SYMMBENCH_UNROLL
  for (int i = 0; i < 4; ++i) words.word[i] = word_of(4 * packet + static_cast<std::uint64_t>(i));
  ops.store_local(base + packet * kPacketBytes, words);
}

/// Word `word` of the scales of experts.
template <class T>
SYMMBENCH_HD std::uint32_t expert_scale_word(const BatchView& batch, const ConstantValues& values, std::uint64_t word) {
  const ExpertShape& experts = values.experts;
  const auto of_slot = [&](std::uint64_t element) {
    return expert_scale<T>(batch.seed, batch.kind, experts, element / experts.slots,
                           static_cast<std::uint32_t>(element % experts.slots));
  };
  if (!values.experts_by_index) {
    return bits_of(expert_scale<float>(batch.seed, batch.kind, experts, word % experts.tokens,
                                       static_cast<std::uint32_t>(word / experts.tokens)));
  }
  if constexpr (sizeof(T) == 4) {
    return bits_of(of_slot(word));
  } else {
    return round_to<T>(of_slot(2 * word)).bits | static_cast<std::uint32_t>(round_to<T>(of_slot(2 * word + 1)).bits)
                                                     << 16;
  }
}

/// Every constant that the pattern has.
template <class T, class Ops, BlockGrid Partition>
SYMMBENCH_FN void fill_constants(Ops& ops, const Partition& partition, const BatchView& batch,
                                 const ConstantValues& values) {
  SYMMBENCH_UNROLL
  for (int constant = 0; constant < kConstantKinds; ++constant) {
    const auto kind = static_cast<ConstantKind>(constant);
    const ConstantView& view = batch.constants[kind];
    if (view.base == 0) continue;
    partition.for_each_index(view.bytes / kPacketBytes, [&](std::uint64_t i) {
      switch (kind) {
        case ConstantKind::scale:
          return store_words(ops, view.base, i, [&](std::uint64_t) { return bits_of(values.scale_value); });
        case ConstantKind::expert_scale:
          return store_words(ops, view.base, i,
                             [&](std::uint64_t word) { return expert_scale_word<T>(batch, values, word); });
        case ConstantKind::expert_index:
          return store_words(ops, view.base, i, [&](std::uint64_t word) {
            const ExpertShape& experts = values.experts;
            return static_cast<std::uint32_t>(expert_row(batch.seed, experts, word / experts.slots,
                                                         static_cast<std::uint32_t>(word % experts.slots)));
          });
        case ConstantKind::residual:
        case ConstantKind::gamma:
          break;
      }
      ops.store_local(view.base + i * kPacketBytes,
                      input_packet<T>(constant_stream(batch.seed, batch.kind, kind), values.summands, i));
    });
  }
}

}  // namespace symmbench
