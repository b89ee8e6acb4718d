#include "kernels/host/host_blocks.hpp"

namespace symmbench {

void run_block_fp32(const AllreduceCall& call, const WorkspaceView& view, std::uint32_t block, std::uint32_t blocks) {
  HostOps ops(view);
  run_block_of<float>(ops, call, view, block, blocks);
}

}  // namespace symmbench
