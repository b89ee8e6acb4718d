#pragma once
#include <cfloat>
#include <cstddef>
#include <type_traits>

#include "kernels/cuda/cuda_codecs.cuh"
#include "kernels/cuda/cuda_memory.cuh"
#include "kernels/cuda/cuda_numbers.cuh"
#include "kernels/cuda/cuda_partition.cuh"
#include "kernels/cuda/cuda_view.cuh"
#include "kernels/protocol/ops.hpp"

namespace symmbench::cuda {

/// When a kernel lets the next one start: the plain ones at once after their own wait, the fused ones after their push
/// (before the wait costs up to 1.2 us, between these two 0.05).
enum class Trigger { after_wait, after_push };

/// What a wait does once in a thousand misses.
namespace seldom {

/// When the wait began, for its next look (`since` 0: now); 0: it is over.
__device__ __forceinline__ std::uint64_t check_deadline(std::uint64_t control, std::uint64_t limit_ns,
                                                        std::uint64_t since) {
  const std::uint64_t now = ptx::globaltimer();
  if (since != 0 && now - since > limit_ns) return 0;
  if (ptx::load_word_relaxed_gpu(control + offsetof(ControlBlock, abort)) != 0) return 0;
  return since != 0 ? since : now;
}

/// `counted`: calls that the control block counts already though they are not through.
__device__ __forceinline__ void give_up(std::uint64_t control, std::uint64_t page_address, std::uint32_t counted,
                                        const GiveUpRecord& record) {
  auto* block = reinterpret_cast<ControlBlock*>(control);
  if (atomicExch(&block->abort, 1u) != 0 || page_address == 0) return;
  auto* page = reinterpret_cast<GiveUpRecord*>(page_address);
  page->rank = record.rank;
  page->peer = record.peer;
  page->slot = record.slot;
  page->packet = record.packet;
  page->expected = record.expected;
  page->seen = record.seen;
  page->call = block->calls - counted;
  __threadfence_system();
  *const_cast<volatile std::uint32_t*>(&page->tag) = record.tag;
  __threadfence_system();
}

/// The same as calls.
static __device__ __noinline__ std::uint64_t look_called(std::uint64_t control, std::uint64_t limit_ns,
                                                         std::uint64_t since) {
  return check_deadline(control, limit_ns, since);
}
static __device__ __noinline__ void give_up_called(std::uint64_t control, std::uint64_t page_address,
                                                   std::uint32_t counted, GiveUpRecord record) {
  give_up(control, page_address, counted, record);
}

}  // namespace seldom

/// Where a packet goes for each peer. Few ranks: their addresses, computed before the wait. Many: one offset.
template <class World>
struct PeerTargets {
  World world;
  std::uint64_t offset;
};
template <int N>
requires(N <= 8) struct PeerTargets<FixedWorld<N>> {
  std::uint64_t address[N - 1];
};

/// MemoryOps of a GPU; one object per thread. View: LamportView, or a RankView, as FlagsView is, for what waits in barriers.
/// Lamport words and control block are relaxed accesses; nothing here is a fence.
template <class View, Trigger kTrigger, Tuning kTuning = Tuning::latency, bool kLate = false>
class CudaOps {
 public:
  static constexpr bool kLateConstants = kLate;
  __device__ __forceinline__ static constexpr bool writes_own() { return false; }
  using Numbers = CudaNumbers;
  using Codecs = CudaCodecs;
  using Ticket = std::uint32_t;  ///< how many blocks came before
  using Source = std::uint64_t;  ///< address
  using Target = std::uint64_t;  ///< address in slot 0
  template <class World>
  using Targets = PeerTargets<World>;
  struct SpinBudget {
    std::uint64_t since = 0;
  };

  __device__ __forceinline__ explicit CudaOps(const View& view) : view_(view) {}

  __device__ __forceinline__ void grid_dependency_wait() {
    ptx::wait_for_previous_kernel();
    if constexpr (kTrigger == Trigger::after_wait) let_next_kernel_start();
  }
  __device__ __forceinline__ void launch_dependents() {
    if constexpr (kTrigger == Trigger::after_push) let_next_kernel_start();
  }

  /// One access. What a Lamport call only passes on stays in memory: advance() and give_up() find it there.
  __device__ __forceinline__ CallState load_state() {
    static_assert(offsetof(ControlBlock, slot) == 0 && offsetof(ControlBlock, abort) == 4 &&
                  offsetof(ControlBlock, dirty) == 8);
    const Packet words = ptx::load_relaxed_gpu(view_.control);
    CallState state{};
    state.slot = words.word[0];
    state.abort = words.word[1];
    state.dirty = {words.word[2], words.word[3]};
    if constexpr (kBarriers) {
      state.barrier_generation = ptx::load_word_relaxed_gpu(view_.control + offsetof(ControlBlock, barrier_generation));
    }
    return state;
  }
  /// Wraps to 0 by itself, so the grid may change from call to call.
  __device__ __forceinline__ Ticket take_ticket(std::uint32_t blocks) {
    // Counted here and not in advance(): at a kernel's end its way to memory would be waited for (0.1 us).
    if (!kBarriers && blockIdx.x == 0) count_call();
    return atomicInc(&control()->arrivals, blocks - 1);
  }
  __device__ __forceinline__ bool is_last(Ticket ticket, std::uint32_t blocks) { return ticket == blocks - 1; }
  __device__ __forceinline__ void advance(const CallState& next) {
    control()->slot = next.slot;
    control()->dirty = next.dirty;
    if constexpr (kBarriers) {
      control()->barrier_generation = next.barrier_generation;
      count_call();
    }
  }

  __device__ __forceinline__ Packet load_local(std::uint64_t address) { return ptx::load(address); }
  __device__ __forceinline__ void store_local(std::uint64_t address, const Packet& packet) {
    ptx::store(address, packet);
  }

  template <class T>
  __device__ __forceinline__ void store_codes(std::uint64_t address, const E4m3Codes<T>& codes) {
    ptx::store(address, codes.word);
  }
  __device__ __forceinline__ std::uint32_t load_word(std::uint64_t address) { return ptx::load_word(address); }
  __device__ __forceinline__ void store_word(std::uint64_t address, std::uint32_t word) {
    ptx::store_word(address, word);
  }
  __device__ __forceinline__ void store_byte(std::uint64_t address, std::uint32_t byte) {
    ptx::store_byte(address, byte);
  }

  /// One thread for a line of 128 bytes, in which neighbours have packets of 16. Fused kernels of more rows than fit at
  /// once win nothing by it and lack the registers.
  __device__ __forceinline__ void prefetch(std::uint64_t address) {
    if constexpr (kTuning == Tuning::latency) {
      if (threadIdx.x % 8 == 0) ptx::prefetch(address);
    }
  }

  __device__ __forceinline__ Target target(int rank, std::uint64_t offset) { return lamport_of(view_, rank) + offset; }
  template <class World>
  __device__ __forceinline__ Targets<World> targets(World world, std::uint64_t offset) {
    Targets<World> result;
    if constexpr (kHeld<World>) {
#pragma unroll
      for (int step = 0; step < world.size() - 1; ++step) result.address[step] = peer_lamport(view_, step) + offset;
    } else {
      result.world = world;
      result.offset = offset;
    }
    return result;
  }
  __device__ __forceinline__ void send(const Target& target, std::uint64_t slot_offset, const Packet& packet) {
    ptx::store_relaxed_sys(target + slot_offset, packet);
  }
  template <class World>
  __device__ __forceinline__ void send_to_all(const PeerTargets<World>& targets, std::uint64_t slot_offset,
                                              const Packet& packet) {
    if constexpr (kHeld<World>) {
#pragma unroll
      for (const std::uint64_t address : targets.address) ptx::store_relaxed_sys(address + slot_offset, packet);
    } else {
#pragma unroll
      for (int step = 0; step < targets.world.size() - 1; ++step) {
        ptx::store_relaxed_sys(peer_lamport(view_, step) + targets.offset + slot_offset, packet);
      }
    }
  }
  __device__ __forceinline__ Source source(std::uint64_t offset) { return ptx::in_register(view_.own + offset); }
  __device__ __forceinline__ Packet poll(Source source) { return ptx::load_relaxed_sys(source); }
  __device__ __forceinline__ void clear(std::uint64_t offset) { ptx::store(view_.own + offset, sentinel_packet()); }
  __device__ __forceinline__ static Packet sanitise(const Packet& packet) { return sanitised(packet); }

  __device__ __forceinline__ Packet load_comm(int rank, std::uint64_t offset) {
    return ptx::load(view_.comm[rank] + offset);
  }
  __device__ __forceinline__ void store_comm(int rank, std::uint64_t offset, const Packet& packet) {
    ptx::store(view_.comm[rank] + offset, packet);
  }
  __device__ __forceinline__ void signal(int rank, std::uint64_t offset, std::uint32_t value) {
    ptx::store_word_release_sys(view_.flags[rank] + offset, value);
  }
  __device__ __forceinline__ std::uint32_t observe(std::uint64_t offset) {
    return ptx::load_word_acquire_sys(view_.flags[view_.rank] + offset);
  }

  /// Clock and abort word are both of this GPU: looked at so seldom, they cost nothing.
  static constexpr int kPollsPerCheck = 1024;
  __device__ __forceinline__ bool check_deadline(SpinBudget& budget) {
    if constexpr (kTuning == Tuning::latency) {
      budget.since = seldom::look_called(view_.control, view_.wait_limit_ns, budget.since);
    } else {
      budget.since = seldom::check_deadline(view_.control, view_.wait_limit_ns, budget.since);
    }
    return budget.since != 0;
  }

  /// Else the compiler lets those that gave up branch off at once, and the others of their warp meet again only after
  /// the sum, which each group of packets that arrived together then computes for itself.
  __device__ __forceinline__ bool reconverge(bool arrived) { return ptx::in_register(arrived); }

  __device__ __forceinline__ void give_up(const GiveUpRecord& record) {
    constexpr std::uint32_t kCounted = kBarriers ? 0 : 1;
    if constexpr (kTuning == Tuning::latency) {
      seldom::give_up_called(view_.control, view_.give_up, kCounted, record);
    } else {
      seldom::give_up(view_.control, view_.give_up, kCounted, record);
    }
  }

  __device__ __forceinline__ float reciprocal(float value) { return __frcp_rn(value); }
  /// __fdiv_rn() without its branch for quotients near the ends of fp32's range: an approximate reciprocal, a step of
  /// Newton's, and two corrections by the remainder, the last of which rounds as wanted (P. Markstein, IBM Journal of
  /// Research and Development 34, 1990). What a correction makes of an infinity is no number: then the product stands.
  __device__ __forceinline__ float quotient(float value, float divisor) {
    const float first = ptx::reciprocal(divisor);
    const float refined = fmaf(fmaf(-divisor, first, 1.0f), first, first);
    const float inverse = is_finite(refined) ? refined : first;
    const float product = value * inverse;
    const float nearer = fmaf(fmaf(-divisor, product, value), inverse, product);
    const float nearest = fmaf(fmaf(-divisor, nearer, value), inverse, nearer);
    return is_finite(nearest) ? nearest : product;
  }
  __device__ __forceinline__ float reciprocal_sqrt(float value) { return ptx::reciprocal_sqrt(value); }
  __device__ __forceinline__ bool rounds_each_addition() const {
    if constexpr (kConfigurable) {
      return view_.rounds_each_addition != 0;
    } else {
      return false;
    }
  }

 private:
  __device__ __forceinline__ static bool is_finite(float value) { return fabsf(value) <= FLT_MAX; }
  static constexpr bool kConfigurable = requires(const View& view) { view.triggers_at_end; };

  /// At the end it does so by itself: a block that has ended counts as one that has said so.
  __device__ __forceinline__ void let_next_kernel_start() {
    if constexpr (kConfigurable) {
      if (view_.triggers_at_end != 0) return;
    }
    ptx::let_next_kernel_start();
  }
  static constexpr bool kBarriers = std::is_base_of_v<RankView, View>;
  template <class World>
  static constexpr bool kHeld = requires(PeerTargets<World> targets) {
    targets.address;
  };

  __device__ __forceinline__ void count_call() {
    atomicAdd(reinterpret_cast<unsigned long long*>(&control()->calls), 1ull);
  }
  __device__ __forceinline__ ControlBlock* control() const { return reinterpret_cast<ControlBlock*>(view_.control); }

  const View& view_;
};

static_assert(MemoryOps<CudaOps<LamportView<4>, Trigger::after_wait>>);
static_assert(MemoryOps<CudaOps<BarrierView, Trigger::after_push>>);

}  // namespace symmbench::cuda
