#pragma once
#include "kernels/protocol/inputs.hpp"
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
                              std::uint64_t first_iteration, std::uint32_t iterations, int rank, int world_size) {
  for (std::uint64_t iteration = first_iteration; iteration < first_iteration + iterations; ++iteration) {
    const InputStream stream = input_stream(batch.seed, batch.kind, rank, iteration);
    const std::uint64_t input = batch.input(iteration);
    partition.for_each_index(batch.message_bytes / kPacketBytes, [&](std::uint64_t i) {
      ops.store_local(input + i * kPacketBytes, input_packet<T>(stream, world_size, i));
    });
    SYMMBENCH_UNROLL
    for (int output = 0; output < kOutputKinds; ++output) {
      const auto kind = static_cast<OutputKind>(output);
      if (batch.outputs[kind].base == 0) continue;
      poison_output(ops, partition, batch.output(kind, iteration), batch.outputs[kind].bytes, batch.guard_bytes);
    }
  }
}

/// Every constant that the pattern has; a scale is `quant_scale`, fp32.
template <class T, class Ops, BlockGrid Partition>
SYMMBENCH_FN void fill_constants(Ops& ops, const Partition& partition, const BatchView& batch, int world_size,
                                 float quant_scale) {
  SYMMBENCH_UNROLL
  for (int constant = 0; constant < kConstantKinds; ++constant) {
    const auto kind = static_cast<ConstantKind>(constant);
    const ConstantView& view = batch.constants[kind];
    if (view.base == 0) continue;
    if (kind == ConstantKind::scale) {
      const std::uint32_t bits = bits_of(quant_scale);
      partition.for_each_index(view.bytes / kPacketBytes, [&](std::uint64_t i) {
        ops.store_local(view.base + i * kPacketBytes, {{bits, bits, bits, bits}});
      });
      continue;
    }
    const InputStream stream = constant_stream(batch.seed, batch.kind, kind);
    partition.for_each_index(view.bytes / kPacketBytes, [&](std::uint64_t i) {
      ops.store_local(view.base + i * kPacketBytes, input_packet<T>(stream, world_size, i));
    });
  }
}

}  // namespace symmbench
