#include "fault/faulty_kernels.hpp"

#include <utility>

namespace symmbench {
namespace {

constexpr std::uint32_t kStray = 0x0BADF00Du;

/// The first word behind what the workspace uses of its first segment, in `peer`'s memory.
DevicePtr behind_segment(const WorkspaceView& view, int first_rank, int peer) {
  const int group_rank = (peer - first_rank + view.world_size) % view.world_size;
  return view.segment[0].base[group_rank] + view.segment[0].bytes;
}

}  // namespace

FaultyKernels::FaultyKernels(std::unique_ptr<KernelSet> inner, std::vector<const FaultSpec*> faults, int world_rank,
                             Announce announce)
    : ForwardingKernels(std::move(inner)),
      faults_(std::move(faults)),
      world_rank_(world_rank),
      announce_(std::move(announce)) {}

void FaultyKernels::allreduce(Stream& stream, const AllreduceCall& call) {
  ++calls_;
  AllreduceCall broken = call;
  for (const FaultSpec* fault : faults_) {
    if (fault->fault->effect != FaultEffect::other_grid || calls_ < fault->at) continue;
    if (calls_ == fault->at) announce_(*fault);
    broken.shape.blocks = launch_shape(call.shape).blocks + 1;
  }
  ForwardingKernels::allreduce(stream, broken);
  for (const FaultSpec* fault : faults_) {
    if (fault->fault->effect != FaultEffect::store_behind || calls_ != fault->at) continue;
    announce_(*fault);
    stream.fill(behind_segment(*call.view, world_rank_ - call.view->rank, fault->peer), kStray, 1);
  }
}

}  // namespace symmbench
