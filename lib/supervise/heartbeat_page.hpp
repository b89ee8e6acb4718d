#pragma once
#include <atomic>
#include <cstdint>
#include <optional>
#include <string>

#include "core/json.hpp"
#include "core/unique_fd.hpp"
#include "kernels/protocol/view.hpp"
#include "supervise/worker.hpp"

namespace symmbench {

/// What one look at a heartbeat page tells, in a form that travels to the coordinator.
struct PageSnapshot {
  bool started = false;  ///< the worker reached its main and took the page
  Phase phase = Phase::start;
  int item = -1;  ///< index into WorkRequest::items; -1: none begun
  std::uint64_t iteration = 0;
  std::string driver_call;  ///< "" when none was running
  std::string allocator;    ///< whose work it did; "": no single allocator's
  int pid = 0;              ///< of the worker; 0: it never took the page
  double idle_s = 0;        ///< since the worker last wrote anything
  double overdue_s = 0;     ///< since its own allowance ended; negative while it lasts
  GiveUpRecord give_up{};   ///< tag 0: no kernel gave up. Ranks are group ranks
};

Json to_json(const PageSnapshot& snapshot);
/// @throws Error{supervisor, invalid_argument}
PageSnapshot page_snapshot_from(const Json& json);

/// Text that one thread writes and any process may read at any time, also after a writer that was killed half-way: the
/// latest is in text[version % 2], the other one is being written. Zero-filled memory holds "".
template <std::size_t Bytes>
struct SharedText {
  std::atomic<std::uint32_t> version;
  std::atomic<char> text[2][Bytes];

  void write(std::string_view value);
  std::string read() const;
};

/// The memory that a worker and its supervisor share. Every field is a lock-free atomic, so the page can be read at any
/// time, also after a worker that was killed half-way through a write. Zero-filled memory is a valid, empty page.
struct HeartbeatPageLayout {
  static constexpr std::size_t kCallBytes = 64;  ///< longest name of a driver call, with the final zero
  static constexpr std::size_t kNameBytes = 32;  ///< of an allocator, likewise
  std::atomic<std::int32_t> supervisor_pid;
  std::atomic<std::uint32_t> started;
  std::atomic<std::uint32_t> phase;
  std::atomic<std::int32_t> item_plus_one;  ///< so that zero means none
  std::atomic<std::uint64_t> iteration;
  std::atomic<std::int64_t> moved_ns;     ///< last write, CLOCK_MONOTONIC
  std::atomic<std::int64_t> deadline_ns;  ///< end of the worker's own allowance, CLOCK_MONOTONIC
  std::atomic<std::int32_t> pid;
  SharedText<kCallBytes> call;
  SharedText<kNameBytes> allocator;
  alignas(64) GiveUpRecord give_up;
};
static_assert(std::atomic<std::int64_t>::is_always_lock_free && std::atomic<char>::is_always_lock_free);

/// One mapping of a page. The supervisor makes the memfd and maps it; the worker maps the descriptor it inherits.
class HeartbeatPage {
 public:
  /// A new, empty page. The worker has `start_s` before it must say more. @throws Error{supervisor, io_error}
  static HeartbeatPage create(double start_s);
  /// The page behind a descriptor that create() made; takes the descriptor. @throws Error{worker, io_error}
  static HeartbeatPage open(UniqueFd memory);
  HeartbeatPage(HeartbeatPage&& other) noexcept;
  HeartbeatPage& operator=(HeartbeatPage&&) = delete;
  ~HeartbeatPage();

  int fd() const { return memory_.get(); }
  int supervisor_pid() const { return layout_->supervisor_pid.load(std::memory_order_relaxed); }
  PageSnapshot snapshot() const;
  HeartbeatPageLayout& layout() { return *layout_; }

 private:
  HeartbeatPage(UniqueFd memory, Layer layer);

  UniqueFd memory_;
  HeartbeatPageLayout* layout_ = nullptr;  // owned mapping
};

/// The worker's pen. Not owned page; one thread writes.
class PageHeartbeat final : public Heartbeat {
 public:
  explicit PageHeartbeat(HeartbeatPage& page);

  void phase(Phase phase) override;
  void item(int index) override;
  void allocator(std::string_view name) override;
  void iteration(std::uint64_t value) override;
  void driver_call(std::string_view call) override;
  void allow(double seconds) override;
  GiveUpRecord* give_up_record() override { return &layout_.give_up; }

 private:
  void moved();
  HeartbeatPageLayout& layout_;
};

}  // namespace symmbench
