#pragma once
#include <memory>

#include "device/collective_library.hpp"
#include "device/driver.hpp"
#include "kernels/kernel_set.hpp"
#include "memory/local_buffer.hpp"
#include "workspace/workspace.hpp"

namespace symmbench {

/// A kernel set whose allreduce and barrier are a library's, while inputs and checks stay `inner`'s: so that a library
/// is measured by the very code, buffers and clock that our kernels are. The barrier is an allreduce of one packet.
class LibraryKernels final : public KernelSet {
 public:
  /// `library` must be connected before allreduce() and device_barrier(), and outlive this.
  LibraryKernels(std::unique_ptr<KernelSet> inner, CollectiveLibrary& library, Driver& driver, Stream& stream);

  std::optional<std::string> unsupported(const CallShape& shape) const override;
  /// All zero: the library chooses, and does not tell.
  LaunchShape launch_shape(const CallShape&) const override { return {}; }
  void allreduce(Stream& stream, const AllreduceCall& call) override;
  void device_barrier(Stream& stream, const WorkspaceView& view) override;

  void fill_inputs(Stream& stream, const BatchView& batch, const CheckCall& call) override {
    inner_->fill_inputs(stream, batch, call);
  }
  void fill_constants(Stream& stream, const BatchView& batch, const CheckCall& call) override {
    inner_->fill_constants(stream, batch, call);
  }
  void check(Stream& stream, const BatchView& batch, const CheckCall& call, std::uint64_t advance) override {
    inner_->check(stream, batch, call, advance);
  }
  void scan(Stream& stream, DevicePtr data, std::uint64_t words, std::uint32_t pattern, DevicePtr count) override {
    inner_->scan(stream, data, words, pattern, count);
  }
  void write_word(Stream& stream, DevicePtr to, std::uint32_t value) override { inner_->write_word(stream, to, value); }
  void read_words(Stream& stream, std::span<const DevicePtr> from, DevicePtr to) override {
    inner_->read_words(stream, from, to);
  }

 private:
  std::unique_ptr<KernelSet> inner_;
  CollectiveLibrary& library_;
  LocalBuffer meeting_point_;
};

/// The workspace of a library: none. Only ranks and the library's own failures show.
class LibraryWorkspace final : public Workspace {
 public:
  LibraryWorkspace(const CollectiveLibrary& library, const Communicator& comm);

  const WorkspaceView& view() const override { return view_; }
  std::vector<SegmentFacts> facts() const override { return {}; }
  std::optional<std::string> capacity_problem(const CallShape&) const override { return std::nullopt; }
  std::optional<Failure> gave_up() const override { return library_.async_failure(); }
  void check_canaries() override {}
  void reset(const PhaseContext&) override {}
  void close(const PhaseContext&) override {}

 private:
  const CollectiveLibrary& library_;
  WorkspaceView view_;
};

}  // namespace symmbench
