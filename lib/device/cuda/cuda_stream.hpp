#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>

#include "device/cuda/cuda_context.hpp"
#include "device/stream.hpp"

namespace symmbench {

/// A non-blocking stream of a real GPU. Included by kernels/cuda, which launches on native(), and by lib/device/cuda.
/// Must not outlive its context (the CudaDriver that made it).
class CudaStream final : public Stream {
 public:
  /// `synchronize_limit` bounds one synchronize(). @throws Error{driver, ...}
  CudaStream(const CudaContext& context, std::chrono::nanoseconds synchronize_limit);
  CudaStream(const CudaStream&) = delete;
  CudaStream& operator=(const CudaStream&) = delete;
  ~CudaStream() override;

  /// For kernel launches; makes the device's context current in the calling thread, so that the CUDA runtime launches
  /// there.
  CUstream native() const {
    context_.enter();
    return stream_;
  }
  /// The ordinal of the device, in this process.
  int ordinal() const { return context_.ordinal(); }

  void copy(void* to, const void* from, std::uint64_t bytes) override;
  void fill(DevicePtr to, std::uint32_t pattern, std::uint64_t words) override;

  std::unique_ptr<Event> make_event() override;
  /// Inside capture() the event is recorded at each launch of the graph.
  void record(Event& event) override;
  /// @throws Error{driver, not_ready} when one of them was not reached yet
  double elapsed_us(const Event& a, const Event& b) override;

  /// Inside `body`, capture() and synchronize() are illegal_state. The first launch of a kernel may load code: relaxed
  /// capture allows that. The graph must not outlive the stream.
  std::unique_ptr<Graph> capture(const std::function<void()>& body) override;

  /// Polls and yields. @throws Error{kernel, timed_out} when work is left at the limit; the stream is then of no use:
  /// even destroying its context may wait for that work, so end the process.
  void synchronize() override;
  void allow_work(std::chrono::nanoseconds work) override { work_ = work; }

 private:
  const CudaContext& context_;
  std::chrono::nanoseconds synchronize_limit_;
  std::chrono::nanoseconds work_{0};
  CUstream stream_ = nullptr;
  bool capturing_ = false;
};

}  // namespace symmbench
