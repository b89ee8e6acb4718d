#pragma once
#include <memory>
#include <utility>

#include "kernels/kernel_set.hpp"

namespace symmbench {

/// A kernel set that hands every call to another one, which it owns: for those that change a few of them.
class ForwardingKernels : public KernelSet {
 public:
  explicit ForwardingKernels(std::unique_ptr<KernelSet> inner) : inner_(std::move(inner)) {}

  std::optional<std::string> unsupported(const CallShape& shape) const override { return inner_->unsupported(shape); }
  LaunchShape launch_shape(const CallShape& shape) const override { return inner_->launch_shape(shape); }
  void allreduce(Stream& stream, const AllreduceCall& call) override { inner_->allreduce(stream, call); }
  void device_barrier(Stream& stream, const RankView& view, const SegmentView& flags) override {
    inner_->device_barrier(stream, view, flags);
  }
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
};

}  // namespace symmbench
