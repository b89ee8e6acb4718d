#include "kernels/cuda/cuda_kernels.hpp"

#include <fmt/format.h>

#include "core/error.hpp"
#include "kernels/call_rules.hpp"
#include "kernels/cuda/cuda_calls.hpp"
#include "kernels/cuda/launch_shape.hpp"
#include "kernels/cuda/launch_table.hpp"
#include "kernels/cuda/service_kernels.hpp"
#include "kernels/patterns.hpp"

namespace symmbench {
namespace {

class CudaKernels final : public KernelSet {
 public:
  explicit CudaKernels(int ordinal) : calls_(ordinal) {}

  std::optional<std::string> unsupported(const CallShape& shape) const override {
    if (auto problem = call_problem(shape)) return problem;
    if (row_for(cuda::launch_table(), shape) == nullptr) return no_kernel_for(shape);
    return launch_problem(shape);
  }

  LaunchShape launch_shape(const CallShape& shape) const override { return cuda_launch_shape(shape); }

  void allreduce(Stream& stream, const AllreduceCall& call) override {
    if (auto problem = unsupported(call.shape)) {
      throw Error({.layer = Layer::kernel,
                   .reason = Reason::not_supported,
                   .call = "allreduce",
                   .detail = std::move(*problem)});
    }
    if (auto problem = address_problem(call)) CudaCalls::refuse("allreduce", std::move(*problem));
    const LaunchShape shape = launch_shape(call.shape);
    check(row_for(cuda::launch_table(), call.shape)->launch(shape, native(stream), call), [&] {
      return fmt::format("{} {} {}, {} x {} threads, clusters of {}", name_of(call.shape.algorithm),
                         name_of(call.shape.pattern), name_of(call.shape.dtype), shape.blocks, shape.threads,
                         shape.cluster);
    });
  }

  void device_barrier(Stream& stream, const RankView& view, const SegmentView& flags) override {
    check(cuda::launch_device_barrier(native(stream), view, flags), [] { return "device barrier"; });
  }

  void fill_inputs(Stream& stream, const BatchView& batch, const CheckCall& call) override {
    check(cuda::launch_fill_inputs(native(stream), batch, call), [] { return "fill inputs"; });
  }

  void fill_constants(Stream& stream, const BatchView& batch, const CheckCall& call) override {
    if (spec_of(call.shape.pattern).constants.empty()) return;
    check(cuda::launch_fill_constants(native(stream), batch, call), [] { return "fill constants"; });
  }

  void check(Stream& stream, const BatchView& batch, const CheckCall& call, std::uint64_t advance) override {
    check(cuda::launch_check(native(stream), batch, call, advance), [] { return "check"; });
  }

  void scan(Stream& stream, DevicePtr data, std::uint64_t words, std::uint32_t pattern, DevicePtr count) override {
    check(cuda::launch_scan(native(stream), data, words, pattern, count), [] { return "scan"; });
  }

  void write_word(Stream& stream, DevicePtr to, std::uint32_t value) override {
    check(cuda::launch_write_word(native(stream), to, value), [] { return "write a word"; });
  }

  void read_words(Stream& stream, std::span<const DevicePtr> from, DevicePtr to) override {
    if (from.size() > kMaxRanks) {
      CudaCalls::refuse("read_words", fmt::format("{} addresses, {} allowed", from.size(), kMaxRanks));
    }
    check(cuda::launch_read_words(native(stream), from.data(), static_cast<std::uint32_t>(from.size()), to),
          [] { return "read words"; });
  }

 private:
  void* native(Stream& stream) const { return calls_.native(stream); }

  template <class What>
  void check(int result, What&& what) const {
    calls_.check(result, std::forward<What>(what));
  }

  CudaCalls calls_;
};

}  // namespace

std::unique_ptr<KernelSet> make_cuda_kernels(int ordinal) { return std::make_unique<CudaKernels>(ordinal); }

}  // namespace symmbench
