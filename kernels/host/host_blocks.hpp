#pragma once
#include "kernels/fused_epilogue.hpp"
#include "kernels/host/host_ops.hpp"
#include "kernels/host/host_partition.hpp"
#include "kernels/kernel_set.hpp"
#include "kernels/protocol/one_shot.hpp"
#include "kernels/protocol/two_shot.hpp"
#include "kernels/protocol/two_shot_barrier.hpp"

namespace symmbench {

// One block of a collective on the host device: the protocol text with host policies. Ops is a parameter so that tests
// can put a broken one in.

/// Picks the partition for an algorithm and runs the protocol. Row partitions serve epilogues that need whole rows.
template <class T, class Ops, class World, class Epilogue>
void run_protocol(Ops& ops, World world, const AllreduceCall& call, const WorkspaceView& view, const Epilogue& epilogue,
                  std::uint32_t block, std::uint32_t blocks) {
  const MessageSpan message = message_of(call.input, call.shape.packets(), view.world_size);
  const auto with_shares = [&](auto&& run) {
    if constexpr (Epilogue::kRows) {
      run(host::RowsPartition(block, blocks, message, call.shape.hidden / kLanes<T>, view.rank));
    } else {
      run(host::SharePartition(block, blocks, message, view.rank, view.world_size));
    }
  };
  switch (call.shape.algorithm) {
    case Algorithm::one_shot:
      if constexpr (Epilogue::kRows) {
        with_shares([&](const auto& partition) { one_shot<T>(ops, partition, world, view, message, epilogue); });
      } else {
        one_shot<T>(ops, host::MessagePartition(block, blocks, message), world, view, message, epilogue);
      }
      return;
    case Algorithm::two_shot:
      return with_shares([&](const auto& partition) { two_shot<T>(ops, partition, world, view, message, epilogue); });
    case Algorithm::two_shot_barrier:
      return with_shares(
          [&](const auto& partition) { two_shot_barrier<T>(ops, partition, world, view, message, epilogue); });
    case Algorithm::nccl:
      return;
  }
}

template <class T, class Ops, class World>
void run_plain(Ops& ops, World world, const AllreduceCall& call, const WorkspaceView& view, std::uint32_t block,
               std::uint32_t blocks) {
  run_protocol<T>(ops, world, call, view, StoreSum<T>{call.output}, block, blocks);
}

template <class T, class Ops, class World>
void run_fused(Ops& ops, World world, const AllreduceCall& call, const WorkspaceView& view, std::uint32_t block,
               std::uint32_t blocks) {
  run_protocol<T>(ops, world, call, view, fused_epilogue<T>(call), block, blocks);
}

/// What is instantiated: 2, 4, 8 and 16 ranks with the loops over ranks unrolled, as on a GPU, for every pattern; any
/// other number for plain allreduce only, which is all that the tool promises for them. @pre unsupported() said nothing
template <class T, class Ops>
void run_block_of(Ops& ops, const AllreduceCall& call, const WorkspaceView& view, std::uint32_t block,
                  std::uint32_t blocks) {
  const bool fused = call.shape.pattern != Pattern::allreduce;
  const auto run = [&](auto world) {
    fused ? run_fused<T>(ops, world, call, view, block, blocks) : run_plain<T>(ops, world, call, view, block, blocks);
  };
  switch (view.world_size) {
    case 2:
      return run(FixedWorld<2>{});
    case 4:
      return run(FixedWorld<4>{});
    case 8:
      return run(FixedWorld<8>{});
    case 16:
      return run(FixedWorld<16>{});
    default:
      return run_plain<T>(ops, AnyWorld{view.world_size}, call, view, block, blocks);
  }
}

/// Each is one translation unit (blocks_<dtype>.cpp): they take long to compile.
void run_block_fp16(const AllreduceCall& call, const WorkspaceView& view, std::uint32_t block, std::uint32_t blocks);
void run_block_bf16(const AllreduceCall& call, const WorkspaceView& view, std::uint32_t block, std::uint32_t blocks);
void run_block_fp32(const AllreduceCall& call, const WorkspaceView& view, std::uint32_t block, std::uint32_t blocks);

/// Block `block` of `blocks` of one collective call of this rank.
inline void run_block(const AllreduceCall& call, const WorkspaceView& view, std::uint32_t block, std::uint32_t blocks) {
  switch (call.shape.dtype) {
    case DType::fp16:
      return run_block_fp16(call, view, block, blocks);
    case DType::bf16:
      return run_block_bf16(call, view, block, blocks);
    case DType::fp32:
      return run_block_fp32(call, view, block, blocks);
  }
}

}  // namespace symmbench
