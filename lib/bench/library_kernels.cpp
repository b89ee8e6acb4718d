#include "bench/library_kernels.hpp"

#include "kernels/patterns.hpp"

namespace symmbench {

LibraryKernels::LibraryKernels(std::unique_ptr<KernelSet> inner, CollectiveLibrary& library, Driver& driver,
                               Stream& stream)
    : ForwardingKernels(std::move(inner)), library_(library), meeting_point_(driver, kPacketBytes) {
  stream.fill(meeting_point_.address(), 0, kPacketBytes / 4);
}

std::optional<std::string> LibraryKernels::unsupported(const CallShape& shape) const {
  if (!by_rows(shape)) return std::nullopt;
  return std::string(name_of(shape.pattern)) + " has no form in a library of plain collectives";
}

void LibraryKernels::allreduce(Stream& stream, const AllreduceCall& call) {
  library_.allreduce(stream, call.input, call.outputs[OutputKind::allreduce], call.shape.tokens * call.shape.hidden,
                     call.shape.dtype);
}

void LibraryKernels::device_barrier(Stream& stream, const RankView&, const SegmentView&) {
  library_.allreduce(stream, meeting_point_.address(), meeting_point_.address(), kPacketBytes / 4, DType::fp32);
}

LibraryWorkspace::LibraryWorkspace(const CollectiveLibrary& library, const Communicator& comm) : library_(library) {
  view_.rank = comm.rank();
  view_.world_size = comm.size();
}

}  // namespace symmbench
