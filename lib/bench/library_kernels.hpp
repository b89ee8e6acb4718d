#pragma once
#include <memory>

#include "device/collective_library.hpp"
#include "device/driver.hpp"
#include "kernels/forwarding_kernels.hpp"
#include "memory/local_buffer.hpp"
#include "workspace/workspace.hpp"

namespace symmbench {

/// A kernel set whose allreduce and barrier are a library's, while inputs and checks stay `inner`'s: so that a library
/// is measured by the very code, buffers and clock that our kernels are. The barrier is an allreduce of one packet.
class LibraryKernels final : public ForwardingKernels {
 public:
  /// `library` must be connected before allreduce() and device_barrier(), and outlive this.
  LibraryKernels(std::unique_ptr<KernelSet> inner, CollectiveLibrary& library, Driver& driver, Stream& stream);

  std::optional<std::string> unsupported(const CallShape& shape) const override;
  /// All zero: the library chooses, and does not tell.
  LaunchShape launch_shape(const CallShape&) const override { return {}; }
  void allreduce(Stream& stream, const AllreduceCall& call) override;
  void device_barrier(Stream& stream, const RankView& view, const SegmentView& flags) override;

 private:
  CollectiveLibrary& library_;
  LocalBuffer meeting_point_;
};

/// The workspace of a library: none. Only ranks and the library's own failures show.
class LibraryWorkspace final : public Workspace {
 public:
  LibraryWorkspace(const CollectiveLibrary& library, const Communicator& comm);

  const WorkspaceView& view() const override { return view_; }
  std::vector<SegmentFacts> facts() const override { return {}; }
  std::optional<Failure> gave_up() const override { return library_.async_failure(); }
  void check_canaries() override {}
  void reset(const PhaseContext&) override {}
  void reattach(const PhaseContext&, Allocator&) override {}
  void close(const PhaseContext&) override {}

 private:
  const CollectiveLibrary& library_;
  WorkspaceView view_;
};

}  // namespace symmbench
