#pragma once
#include <cstdint>
#include <functional>
#include <memory>

#include "device/call_record.hpp"
#include "device/stream.hpp"

namespace symmbench {

/// Forwards every function of Stream, and the launches of the graphs that it captures, to another stream, each through
/// around(). Kernels are launched on undecorated() and do not pass here.
class StreamDecorator : public Stream {
 public:
  explicit StreamDecorator(std::unique_ptr<Stream> inner);
  StreamDecorator(const StreamDecorator&) = delete;
  StreamDecorator& operator=(const StreamDecorator&) = delete;
  ~StreamDecorator() override;

  void copy(void* to, const void* from, std::uint64_t bytes) final;
  void fill(DevicePtr to, std::uint32_t pattern, std::uint64_t words) final;
  std::unique_ptr<Event> make_event() final;
  void record(Event& event) final;
  double elapsed_us(const Event& a, const Event& b) final;
  /// The graph must not outlive this.
  std::unique_ptr<Graph> capture(const std::function<void()>& body) final;
  void synchronize() final;
  void allow_work(std::chrono::nanoseconds work) final { inner_->allow_work(work); }
  Stream& undecorated() final { return inner_->undecorated(); }

 protected:
  /// As DriverDecorator::around(). For capture, `body` enqueues what is captured, through this decorator again.
  virtual void around(const CallRecord& call, const CallBody& body) = 0;

 private:
  class DecoratedGraph;

  void forward(CallRecord& record, const CallBody& call);

  std::unique_ptr<Stream> inner_;
};

}  // namespace symmbench
