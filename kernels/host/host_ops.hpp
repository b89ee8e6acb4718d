#pragma once
#include <time.h>

#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <vector>

#include "core/give_way.hpp"
#include "device/host/multicast_team.hpp"
#include "kernels/protocol/ops.hpp"

namespace symmbench {

/// MemoryOps of the emulated device; one object per block. Lamport words are relaxed atomics; packets that a barrier
/// orders are plain, so that ThreadSanitizer sees a weakened order; nothing here is a fence.
class HostOps {
 public:
  using Numbers = PortableNumbers;
  using Codecs = PortableCodecs;

  using Ticket = bool;
  using Source = std::uint64_t;
  struct Target {
    int rank;
    std::uint64_t offset;
  };
  /// One offset serves all peers.
  template <class World>
  struct Targets {
    World world;
    std::uint64_t offset;
  };
  struct SpinBudget {
    std::uint32_t misses = 0;
    std::chrono::steady_clock::time_point since{};
  };

  explicit HostOps(const WorkspaceView& view, bool rounds_each_addition = false)
      : view_(view), control_(*pointer<ControlBlock>(view.control)), rounds_each_addition_(rounds_each_addition) {
    if (view.lamport().multicast != 0) members_ = multicast_members(view.lamport().multicast);
  }

  void grid_dependency_wait() {}
  void launch_dependents() {}

  CallState load_state() {
    return {relaxed(control_.slot).load(std::memory_order_relaxed),
            relaxed(control_.barrier_generation).load(std::memory_order_relaxed),
            relaxed(control_.abort).load(std::memory_order_relaxed),
            relaxed(control_.calls).load(std::memory_order_relaxed),
            {relaxed(control_.dirty.count).load(std::memory_order_relaxed),
             relaxed(control_.dirty.packets).load(std::memory_order_relaxed)}};
  }
  bool is_last(bool ticket, std::uint32_t) { return ticket; }
  bool take_ticket(std::uint32_t blocks) {
    // acq_rel: the last block's advance() comes after every block's load_state().
    if (relaxed(control_.arrivals).fetch_add(1, std::memory_order_acq_rel) + 1 != blocks) return false;
    relaxed(control_.arrivals).store(0, std::memory_order_relaxed);
    return true;
  }
  void advance(const CallState& next) {
    relaxed(control_.slot).store(next.slot, std::memory_order_relaxed);
    relaxed(control_.barrier_generation).store(next.barrier_generation, std::memory_order_relaxed);
    relaxed(control_.dirty.count).store(next.dirty.count, std::memory_order_relaxed);
    relaxed(control_.dirty.packets).store(next.dirty.packets, std::memory_order_relaxed);
    relaxed(control_.calls).store(next.calls, std::memory_order_relaxed);
  }

  static constexpr bool kLateConstants = false;
  bool writes_own() const { return !members_.empty(); }
  void prefetch(std::uint64_t) {}
  Packet load_local(std::uint64_t address) { return *pointer<const Packet>(address); }
  void store_local(std::uint64_t address, const Packet& packet) { *pointer<Packet>(address) = packet; }
  template <class T>
  void store_codes(std::uint64_t address, const E4m3Codes<T>& codes) {
    *pointer<E4m3Codes<T>>(address) = codes;
  }
  std::uint32_t load_word(std::uint64_t address) { return *pointer<const std::uint32_t>(address); }
  void store_word(std::uint64_t address, std::uint32_t word) { *pointer<std::uint32_t>(address) = word; }
  void store_byte(std::uint64_t address, std::uint32_t byte) {
    *pointer<std::uint8_t>(address) = static_cast<std::uint8_t>(byte);
  }

  Target target(int rank, std::uint64_t offset) { return {rank, offset}; }
  template <class World>
  Targets<World> targets(World world, std::uint64_t offset) {
    return {world, offset};
  }
  void send(const Target& target, std::uint64_t slot_offset, const Packet& packet) {
    store_words(view_.lamport_at(target.rank, target.offset + slot_offset), packet);
  }
  /// Through the multicast address, where there is one, as multimem.st does: to each member of its team.
  template <class World>
  void send_to_all(const Targets<World>& targets, std::uint64_t slot_offset, const Packet& packet) {
    for (const DevicePtr member : members_) store_words(member + targets.offset + slot_offset, packet);
    if (writes_own()) return;
    for (int step = 0; step < targets.world.size() - 1; ++step) {
      const int rank = peer_after(targets.world, view_.rank, step);
      store_words(view_.lamport_at(rank, targets.offset + slot_offset), packet);
    }
  }
  std::uint64_t source(std::uint64_t offset) { return offset; }
  Packet poll(std::uint64_t offset) {
    auto* word = pointer<std::uint32_t>(view_.lamport_at(view_.rank, offset));
    return {{relaxed(word[0]).load(std::memory_order_relaxed), relaxed(word[1]).load(std::memory_order_relaxed),
             relaxed(word[2]).load(std::memory_order_relaxed), relaxed(word[3]).load(std::memory_order_relaxed)}};
  }
  void clear(std::uint64_t offset) { store_words(view_.lamport_at(view_.rank, offset), sentinel_packet()); }
  SYMMBENCH_HD static Packet sanitise(const Packet& packet) { return sanitised(packet); }

  Packet load_comm(int rank, std::uint64_t offset) { return *pointer<const Packet>(view_.comm_at(rank, offset)); }
  void store_comm(int rank, std::uint64_t offset, const Packet& packet) {
    *pointer<Packet>(view_.comm_at(rank, offset)) = packet;
  }

  void signal(int rank, std::uint64_t offset, std::uint32_t value) {
    relaxed(*pointer<std::uint32_t>(view_.flags_at(rank, offset))).store(value, std::memory_order_release);
  }
  std::uint32_t observe(std::uint64_t offset) {
    return relaxed(*pointer<std::uint32_t>(view_.flags_at(view_.rank, offset))).load(std::memory_order_acquire);
  }

  /// Spins a little, then lets other threads run: ranks outnumber cores. Who waits long naps, since threads that only
  /// yield to one another leave nothing of the machine to anybody else.
  static constexpr int kPollsPerCheck = 1;
  bool check_deadline(SpinBudget& budget) {
    ++budget.misses;
    if (budget.misses < kSpins) return true;
    if (budget.misses % kCheckEvery == 0) {
      const auto now = std::chrono::steady_clock::now();
      if (budget.since == std::chrono::steady_clock::time_point{}) {
        budget.since = now;
      } else if (now - budget.since > std::chrono::nanoseconds(view_.wait_limit_ns)) {
        return false;
      }
      if (relaxed(control_.abort).load(std::memory_order_relaxed) != 0) return false;
    }
    if (budget.misses < kYields) {
      give_way();
    } else {
      constexpr timespec kNap{.tv_sec = 0, .tv_nsec = 20'000};
      ::nanosleep(&kNap, nullptr);
    }
    return true;
  }

  bool reconverge(bool arrived) { return arrived; }

  void give_up(GiveUpRecord record) {
    if (relaxed(control_.abort).exchange(1, std::memory_order_acq_rel) != 0 || view_.give_up == 0) return;
    auto& page = *pointer<GiveUpRecord>(view_.give_up);
    const std::uint32_t tag = record.tag;
    record.tag = 0;
    page = record;
    relaxed(page.tag).store(tag, std::memory_order_release);
  }

  float reciprocal(float value) { return 1.0f / value; }
  float quotient(float value, float divisor) { return value / divisor; }
  float reciprocal_sqrt(float value) { return 1.0f / std::sqrt(value); }
  bool rounds_each_addition() const { return rounds_each_addition_; }

  // ReportOps, for the check kernels.
  std::uint64_t add64(std::uint64_t* count, std::uint64_t value) {
    return relaxed(*count).fetch_add(value, std::memory_order_relaxed);
  }
  std::uint32_t add32(std::uint32_t* count, std::uint32_t value) {
    return relaxed(*count).fetch_add(value, std::memory_order_relaxed);
  }
  void max32(std::uint32_t* largest, std::uint32_t value) {
    auto word = relaxed(*largest);
    std::uint32_t seen = word.load(std::memory_order_relaxed);
    while (seen < value && !word.compare_exchange_weak(seen, value, std::memory_order_relaxed)) {
    }
  }
  double square_root(double value) { return std::sqrt(value); }

 protected:
  static constexpr std::uint32_t kSpins = 32;
  static constexpr std::uint32_t kYields = 256;
  static constexpr std::uint32_t kCheckEvery = 64;

  template <class T>
  static T* pointer(std::uint64_t address) {
    return reinterpret_cast<T*>(address);
  }
  template <class T>
  static std::atomic_ref<T> relaxed(T& object) {
    return std::atomic_ref<T>(object);
  }
  static void store_words(std::uint64_t address, const Packet& packet) {
    auto* word = pointer<std::uint32_t>(address);
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) relaxed(word[i]).store(packet.word[i], std::memory_order_relaxed);
  }

  const WorkspaceView& view_;
  ControlBlock& control_;
  bool rounds_each_addition_;
  std::vector<DevicePtr> members_;  ///< where the multicast address stores; empty: there is none
};

static_assert(MemoryOps<HostOps>);

}  // namespace symmbench
