#pragma once
#include "kernels/protocol/inputs.hpp"
#include "kernels/protocol/partition.hpp"

namespace symmbench {

/// Poisons one output slot and sets the guards on both sides of it.
template <class Ops, class Partition>
SYMMBENCH_FN void poison_output(Ops& ops, const Partition& partition, std::uint64_t output, std::uint64_t message_bytes,
                                std::uint64_t guard_bytes) {
  const std::uint64_t guard = guard_bytes / kPacketBytes;
  const std::uint64_t inside = message_bytes / kPacketBytes;
  const std::uint64_t start = output - guard_bytes;
  partition.for_each_index(inside + 2 * guard, [&](std::uint64_t i) {
    const std::uint32_t word = i >= guard && i < guard + inside ? kPoison : kGuard;
    ops.store_local(start + i * kPacketBytes, Packet{{word, word, word, word}});
  });
}

/// Inputs of `iterations` iterations from state.iteration on; their output buffers poisoned and guarded.
template <class T, class Ops, class Partition>
SYMMBENCH_FN void fill_inputs(Ops& ops, const Partition& partition, const BatchView& batch,
                              std::uint64_t first_iteration, std::uint32_t iterations, int rank, int world_size) {
  for (std::uint64_t iteration = first_iteration; iteration < first_iteration + iterations; ++iteration) {
    const InputStream stream = input_stream(batch.seed, batch.kind, rank, iteration);
    const std::uint64_t input = batch.input(iteration);
    partition.for_each_index(batch.message_bytes / kPacketBytes, [&](std::uint64_t i) {
      ops.store_local(input + i * kPacketBytes, input_packet<T>(stream, world_size, i));
    });
    poison_output(ops, partition, batch.output(iteration), batch.message_bytes, batch.guard_bytes);
    if (batch.residual_outputs != 0) {
      poison_output(ops, partition, batch.residual_output(iteration), batch.message_bytes, batch.guard_bytes);
    }
  }
}

/// Residual (message_bytes) and gamma (hidden elements).
template <class T, class Ops, class Partition>
SYMMBENCH_FN void fill_constants(Ops& ops, const Partition& partition, const BatchView& batch, std::uint64_t hidden,
                                 int world_size) {
  const InputStream residual = residual_stream(batch.seed, batch.kind);
  const InputStream gamma = gamma_stream(batch.seed);
  partition.for_each_index(batch.message_bytes / kPacketBytes, [&](std::uint64_t i) {
    ops.store_local(batch.residual + i * kPacketBytes, input_packet<T>(residual, world_size, i));
  });
  partition.for_each_index(hidden / kLanes<T>, [&](std::uint64_t i) {
    ops.store_local(batch.gamma + i * kPacketBytes, input_packet<T>(gamma, world_size, i));
  });
}

}  // namespace symmbench
