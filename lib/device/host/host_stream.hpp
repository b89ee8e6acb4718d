#pragma once
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "device/stream.hpp"

namespace symmbench {

/// A stream of the emulated device: a real queue, executed by its own threads, so that missing synchronisation
/// shows as it would on a GPU. Entries run one after another; the blocks of one entry run at the same time, as many as
/// there are block threads. Idle threads sleep: ranks outnumber cores.
///
/// After an exception in a block, the entries after it are skipped until synchronize() has reported it.
/// Destruction lets the running entry end (its waits are bounded) and abandons those after it.
class HostStream final : public Stream {
 public:
  using Body = std::function<void(std::uint32_t block)>;

  /// @pre block_threads >= 1. Two or more let blocks of one kernel wait for one another.
  /// @throws Error{environment, capacity_exceeded} when no thread can be made
  explicit HostStream(std::uint32_t block_threads = 2);
  HostStream(const HostStream&) = delete;
  HostStream& operator=(const HostStream&) = delete;
  ~HostStream() override;

  std::uint32_t block_threads() const { return block_threads_; }

  /// Enqueues a kernel: body(0) ... body(blocks - 1), drawn in this order by the block threads. A kernel whose blocks
  /// wait for one another needs blocks <= block_threads(), as a cooperative launch needs room for all of its blocks.
  void launch(std::uint32_t blocks, Body body);

  void copy(void* to, const void* from, std::uint64_t bytes) override;
  void fill(DevicePtr to, std::uint32_t pattern, std::uint64_t words) override;
  std::unique_ptr<Event> make_event() override;
  void record(Event& event) override;
  /// @throws Error{driver, not_ready} when one of them was not reached yet
  double elapsed_us(const Event& a, const Event& b) override;
  /// The graph must not outlive the stream. Inside `body`, capture() and synchronize() are illegal_state; launching
  /// another graph adds its entries.
  std::unique_ptr<Graph> capture(const std::function<void()>& body) override;
  void synchronize() override;

 private:
  class HostGraph;
  struct Kernel {
    std::uint32_t blocks = 0;
    Body body;
  };
  using KernelPtr = std::shared_ptr<const Kernel>;

  /// One execution of a kernel.
  struct Run {
    explicit Run(KernelPtr what) : kernel(std::move(what)), unfinished(kernel->blocks) {}
    KernelPtr kernel;
    std::atomic<std::uint32_t> next{0};
    std::atomic<std::uint32_t> unfinished;
    std::atomic<bool> failed{false};
    std::exception_ptr failure;  // guarded by HostStream::mutex_
  };

  void enqueue(KernelPtr kernel);
  void submit(const std::vector<KernelPtr>& kernels);
  /// Makes the head of the queue the running entry and wakes as many of the `asleep` threads as it has blocks for beyond
  /// those that are awake, which look for it without being woken. With mutex_ held.
  void start_next(std::uint32_t asleep);
  void work();
  void run_blocks(Run& run);
  bool has_block() const;
  void stop();

  const std::uint32_t block_threads_;
  std::vector<KernelPtr>* recording_ = nullptr;  // of the thread that uses the stream

  std::mutex mutex_;
  std::condition_variable work_there_, drained_;
  std::deque<std::shared_ptr<Run>> queue_;
  std::shared_ptr<Run> current_;
  std::exception_ptr failure_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace symmbench
