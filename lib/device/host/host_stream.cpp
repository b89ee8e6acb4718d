#include "device/host/host_stream.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <system_error>
#include <utility>

#include "core/clock.hpp"
#include "core/error.hpp"
#include "device/driver_call.hpp"

namespace symmbench {
namespace {

/// CUDA_ERROR_NOT_READY: the event was not reached; not driver_code::kNotReady, which is the system's.
constexpr int kEventNotReady = 600;

class HostEvent final : public Event {
 public:
  static constexpr std::int64_t kNotReached = -1;
  /// Shared with the queue entry, which may outlive the event.
  std::shared_ptr<std::atomic<std::int64_t>> reached_ns = std::make_shared<std::atomic<std::int64_t>>(kNotReached);
};

const HostEvent& host_event(const Event& event, DriverCall call) {
  const auto* own = dynamic_cast<const HostEvent*>(&event);
  if (own == nullptr) throw_driver_error(call, driver_code::kInvalidHandle, "an event of another device");
  return *own;
}

std::int64_t now_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now().time_since_epoch()).count();
}

/// What a block threw, as a failure of the kernel layer.
[[noreturn]] void rethrow_as_kernel_error(const std::exception_ptr& failure) {
  Failure result{.layer = Layer::kernel, .reason = Reason::internal, .code = driver_code::kLaunchFailed};
  try {
    std::rethrow_exception(failure);
  } catch (const Error& error) {
    result = error.failure();
    result.layer = Layer::kernel;
  } catch (const std::exception& error) {
    result.detail = error.what();
  } catch (...) {
    result.detail = "a block threw something that is no std::exception";
  }
  throw Error(std::move(result));
}

}  // namespace

class HostStream::HostGraph final : public Graph {
 public:
  HostGraph(HostStream& stream, std::vector<KernelPtr> kernels) : stream_(stream), kernels_(std::move(kernels)) {}
  void launch() override { stream_.submit(kernels_); }

 private:
  HostStream& stream_;
  std::vector<KernelPtr> kernels_;
};

HostStream::HostStream(std::uint32_t block_threads) : block_threads_(std::max(block_threads, 1u)) {
  try {
    for (std::uint32_t i = 0; i < block_threads_; ++i) threads_.emplace_back([this] { work(); });
  } catch (const std::system_error& error) {
    stop();
    throw Error({.layer = Layer::environment,
                 .reason = Reason::capacity_exceeded,
                 .call = "pthread_create",
                 .detail = fmt::format("block thread {} of {}: {} (ulimit -u, pids cgroup)", threads_.size() + 1,
                                       block_threads_, error.what()),
                 .code = error.code().value()});
  }
}

HostStream::~HostStream() { stop(); }

void HostStream::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    queue_.clear();
  }
  work_there_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void HostStream::launch(std::uint32_t blocks, Body body) {
  if (blocks == 0) throw_driver_error("cuLaunchKernel", driver_code::kInvalidValue, "0 blocks");
  enqueue(std::make_shared<const Kernel>(Kernel{.blocks = blocks, .body = std::move(body)}));
}

void HostStream::copy(void* to, const void* from, std::uint64_t bytes) {
  if (bytes == 0) return;
  launch(1, [=](std::uint32_t) { std::memmove(to, from, bytes); });
}

void HostStream::fill(DevicePtr to, std::uint32_t pattern, std::uint64_t words) {
  if (to % sizeof(pattern) != 0) {
    throw_driver_error(DriverCall::fill, driver_code::kInvalidValue, fmt::format("{:#x} is not aligned to 4", to));
  }
  if (words == 0) return;
  launch(1, [=](std::uint32_t) { std::fill_n(static_cast<std::uint32_t*>(to_pointer(to)), words, pattern); });
}

std::unique_ptr<Event> HostStream::make_event() { return std::make_unique<HostEvent>(); }

void HostStream::record(Event& event) {
  const auto reached_ns = host_event(event, DriverCall::record_event).reached_ns;
  if (recording_ == nullptr) reached_ns->store(HostEvent::kNotReached, std::memory_order_relaxed);
  launch(1, [reached_ns](std::uint32_t) { reached_ns->store(now_ns(), std::memory_order_release); });
}

double HostStream::elapsed_us(const Event& a, const Event& b) {
  const std::int64_t from = host_event(a, DriverCall::elapsed).reached_ns->load(std::memory_order_acquire);
  const std::int64_t to = host_event(b, DriverCall::elapsed).reached_ns->load(std::memory_order_acquire);
  if (from == HostEvent::kNotReached || to == HostEvent::kNotReached) {
    throw Error({.layer = Layer::driver,
                 .reason = Reason::not_ready,
                 .call = std::string(name_of(DriverCall::elapsed)),
                 .detail = "an event was not recorded, or its stream has not reached it",
                 .code = kEventNotReady});
  }
  return static_cast<double>(to - from) / 1e3;
}

std::unique_ptr<Graph> HostStream::capture(const std::function<void()>& body) {
  if (recording_ != nullptr) {
    throw_driver_error(DriverCall::capture, driver_code::kIllegalState, "the stream is being captured already");
  }
  std::vector<KernelPtr> kernels;
  struct Recording {
    HostStream& stream;
    ~Recording() { stream.recording_ = nullptr; }
  } const recording{*this};
  recording_ = &kernels;
  body();
  return std::make_unique<HostGraph>(*this, std::move(kernels));
}

void HostStream::synchronize() {
  if (recording_ != nullptr) {
    throw_driver_error(DriverCall::synchronize, driver_code::kIllegalState, "the stream is being captured");
  }
  std::exception_ptr failure;
  {
    std::unique_lock lock(mutex_);
    drained_.wait(lock, [&] { return current_ == nullptr; });
    failure = std::exchange(failure_, nullptr);
  }
  if (failure) rethrow_as_kernel_error(failure);
}

void HostStream::enqueue(KernelPtr kernel) { submit({std::move(kernel)}); }

void HostStream::submit(const std::vector<KernelPtr>& kernels) {
  if (recording_ != nullptr) {
    recording_->insert(recording_->end(), kernels.begin(), kernels.end());
    return;
  }
  const std::lock_guard lock(mutex_);
  for (const KernelPtr& kernel : kernels) queue_.push_back(std::make_shared<Run>(kernel));
  if (current_ == nullptr) start_next(block_threads_);
}

void HostStream::start_next(std::uint32_t asleep) {
  if (failure_) queue_.clear();
  if (queue_.empty()) {
    current_ = nullptr;
    drained_.notify_all();
    return;
  }
  current_ = std::move(queue_.front());
  queue_.pop_front();
  const std::uint32_t awake = block_threads_ - asleep;
  for (std::uint32_t i = awake; i < std::min(current_->kernel->blocks, block_threads_); ++i) work_there_.notify_one();
}

bool HostStream::has_block() const {
  return current_ != nullptr && current_->next.load(std::memory_order_relaxed) < current_->kernel->blocks;
}

void HostStream::work() {
  std::unique_lock lock(mutex_);
  while (true) {
    work_there_.wait(lock, [&] { return stopping_ || has_block(); });
    if (!has_block()) return;  // stopping, and nothing of the running entry is left to draw
    const std::shared_ptr<Run> run = current_;
    lock.unlock();
    run_blocks(*run);
    lock.lock();
  }
}

void HostStream::run_blocks(Run& run) {
  const Kernel& kernel = *run.kernel;
  std::uint32_t ended = 0;
  for (std::uint32_t block; (block = run.next.fetch_add(1, std::memory_order_relaxed)) < kernel.blocks; ++ended) {
    // A failed kernel is over, as after a trap: blocks not yet begun are not run.
    if (run.failed.load(std::memory_order_relaxed)) continue;
    try {
      kernel.body(block);
    } catch (...) {
      const std::lock_guard lock(mutex_);
      if (!run.failed.exchange(true, std::memory_order_relaxed)) run.failure = std::current_exception();
    }
  }
  if (ended == 0 || run.unfinished.fetch_sub(ended, std::memory_order_acq_rel) != ended) return;
  const std::lock_guard lock(mutex_);
  if (run.failure) failure_ = run.failure;
  start_next(block_threads_ - 1);  // this thread goes on with it
}

}  // namespace symmbench
