#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>

#include "device/driver.hpp"

namespace symmbench {

/// A point in a stream's work. (cudaEvent)
class Event {
 public:
  virtual ~Event() = default;
};

/// Work recorded once and launched many times. (cudaGraphExec; the host device replays its queue entries)
class Graph {
 public:
  virtual ~Graph() = default;
  virtual void launch() = 0;
};

/// The second half of seam 1: an ordered queue of device work. Calls return at once; failures of the work show at
/// synchronize(), as on a GPU. One thread uses a stream.
class Stream {
 public:
  virtual ~Stream() = default;

  /// Any direction; host memory must stay until synchronize().
  virtual void copy(void* to, const void* from, std::uint64_t bytes) = 0;
  /// `words` 32-bit words of `pattern`. (cuMemsetD32Async)
  virtual void fill(DevicePtr to, std::uint32_t pattern, std::uint64_t words) = 0;

  virtual std::unique_ptr<Event> make_event() = 0;
  virtual void record(Event& event) = 0;
  /// Microseconds from a to b; both recorded and synchronized.
  virtual double elapsed_us(const Event& a, const Event& b) = 0;

  /// Runs `body`, which only enqueues on this stream, and keeps what it enqueued instead of executing it.
  virtual std::unique_ptr<Graph> capture(const std::function<void()>& body) = 0;

  /// Waits until all work is done; bounded, because every wait inside a kernel is. A kernel that gave up a wait is
  /// *not* an error here: it leaves a GiveUpRecord (kernels/protocol/view.hpp), which Workspace::gave_up() explains.
  /// @throws Error{kernel, ...} when enqueued work failed in any other way
  virtual void synchronize() = 0;
  /// One synchronize() may take this much longer from now on than waits in kernels explain, for the work. Streams
  /// that have no limit of their own ignore it.
  virtual void allow_work(std::chrono::nanoseconds) {}

  /// The device's own stream, below all decorators: kernels are launched on it.
  virtual Stream& undecorated() { return *this; }
};

inline void* to_pointer(DevicePtr address) { return reinterpret_cast<void*>(address); }

}  // namespace symmbench
