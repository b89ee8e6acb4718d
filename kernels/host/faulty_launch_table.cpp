#include "kernels/host/faulty_launch_table.hpp"

#include <array>

#include "kernels/host/faulty_ops.hpp"
#include "kernels/host/host_blocks.hpp"

namespace symmbench::host {
namespace {

constexpr auto kPattern = Pattern::allreduce;

template <Algorithm kAlgorithm, WorkspaceKind kWorkspace>
void run_broken_block(BreakableOps& ops, const AllreduceCall& call, const WorkspaceView& view, std::uint32_t block,
                      std::uint32_t blocks) {
  run_block<BreakableOps, Bf16, PatternCode<kPattern>::Kernel, kAlgorithm, kWorkspace>(ops, AnyWorld{view.world_size},
                                                                                       call, view, block, blocks);
}
template <ProtocolFault kFault, Algorithm kAlgorithm, WorkspaceKind kWorkspace = WorkspaceKind::trtllm_fusion>
constexpr BlockRow kRow{
    key_of_any(kWorkspace, kAlgorithm, kPattern, kDTypeOf<Bf16>),
    [](const AllreduceCall& call, const WorkspaceView& view, std::uint32_t block, std::uint32_t blocks) {
      FaultyOps<kFault> ops(view, call.shape.rounds_each_addition());
      run_broken_block<kAlgorithm, kWorkspace>(ops, call, view, block, blocks);
    }};
template <ProtocolFault kFault>
constexpr std::array kRows = {kRow<kFault, Algorithm::one_shot>,
                              kRow<kFault, Algorithm::two_shot>,
                              kRow<kFault, Algorithm::two_shot_barrier>,
                              kRow<kFault, Algorithm::one_shot, WorkspaceKind::mnnvl>,
                              kRow<kFault, Algorithm::two_shot, WorkspaceKind::mnnvl>,
                              kRow<kFault, Algorithm::one_shot, WorkspaceKind::trtllm>,
                              kRow<kFault, Algorithm::one_shot_pull, WorkspaceKind::trtllm>,
                              kRow<kFault, Algorithm::two_shot_barrier, WorkspaceKind::trtllm>};

}  // namespace

std::span<const BlockRow> faulty_launch_table(ProtocolFault fault) {
  switch (fault) {
    case ProtocolFault::skipped_clear:
      return kRows<ProtocolFault::skipped_clear>;
    case ProtocolFault::skipped_sanitiser:
      return kRows<ProtocolFault::skipped_sanitiser>;
    case ProtocolFault::one_slot:
      return kRows<ProtocolFault::one_slot>;
    case ProtocolFault::half_clear:
      return kRows<ProtocolFault::half_clear>;
    case ProtocolFault::packet_lost:
      return kRows<ProtocolFault::packet_lost>;
    case ProtocolFault::barrier_skipped:
      return kRows<ProtocolFault::barrier_skipped>;
    case ProtocolFault::wrong_clear:
      return kRows<ProtocolFault::wrong_clear>;
    case ProtocolFault::packet_stale:
      return kRows<ProtocolFault::packet_stale>;
    case ProtocolFault::packet_doubled:
      return kRows<ProtocolFault::packet_doubled>;
    case ProtocolFault::packet_flipped:
      return kRows<ProtocolFault::packet_flipped>;
    case ProtocolFault::signal_lost:
      return kRows<ProtocolFault::signal_lost>;
    case ProtocolFault::sentinel_as_data:
      return kRows<ProtocolFault::sentinel_as_data>;
    case ProtocolFault::wrong_slot:
      return kRows<ProtocolFault::wrong_slot>;
  }
  return {};
}

}  // namespace symmbench::host
