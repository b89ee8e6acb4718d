// Nothing here is launched. It shows that nvcc takes the protocol text as it stands, with the smallest possible policies:
// one packet per thread, plain PTX, no prefetch, no dependent launch.
#include <type_traits>

#include "kernels/protocol/barrier.hpp"
#include "kernels/protocol/epilogues.hpp"
#include "kernels/protocol/fill.hpp"
#include "kernels/protocol/one_shot.hpp"
#include "kernels/protocol/two_shot.hpp"
#include "kernels/protocol/two_shot_barrier.hpp"
#include "kernels/protocol/verify.hpp"

namespace symmbench::compile_check {

template <class T>
__device__ T* pointer(std::uint64_t address) {
  return reinterpret_cast<T*>(address);
}

class SmallestOps {
 public:
  using Numbers = PortableNumbers;
  using Target = std::uint64_t;
  template <class World>
  struct Targets {
    World world;
    std::uint64_t offset;
  };
  struct Patience {
    std::uint32_t misses = 0;
    std::uint64_t since = 0;
  };

  __device__ explicit SmallestOps(const WorkspaceView& view) : view_(view) {}

  __device__ void wait_for_previous() { asm volatile("griddepcontrol.wait;" ::: "memory"); }
  __device__ void pushed() { asm volatile("griddepcontrol.launch_dependents;" ::: "memory"); }

  __device__ CallState load_state() {
    const auto* control = pointer<volatile ControlBlock>(view_.control);
    return {control->slot, control->barrier_generation, control->abort, control->calls, control->dirty_packets};
  }
  __device__ bool take_ticket(std::uint32_t blocks) {
    return atomicInc(&pointer<ControlBlock>(view_.control)->arrivals, blocks - 1) == blocks - 1;
  }
  __device__ void advance(const CallState& next) {
    auto* control = pointer<ControlBlock>(view_.control);
    control->slot = next.slot;
    control->barrier_generation = next.barrier_generation;
    control->calls = next.calls;
    control->dirty_packets = next.dirty_packets;
  }

  __device__ Packet load_local(std::uint64_t address) { return *pointer<const Packet>(address); }
  __device__ void store_local(std::uint64_t address, const Packet& packet) { *pointer<Packet>(address) = packet; }

  __device__ Target target(int rank, std::uint64_t offset) { return view_.lamport[rank] + offset; }
  template <class World>
  __device__ Targets<World> targets(World world, std::uint64_t offset) {
    return {world, offset};
  }
  __device__ void send(Target target, std::uint64_t slot_offset, const Packet& packet) {
    store_relaxed(target + slot_offset, packet);
  }
  template <class World>
  __device__ void send(const Targets<World>& to, int step, std::uint64_t slot_offset, const Packet& packet) {
    store_relaxed(view_.lamport[peer_after(to.world, view_.rank, step)] + to.offset + slot_offset, packet);
  }
  __device__ Packet poll(std::uint64_t offset) {
    Packet packet;
    asm volatile("ld.relaxed.sys.global.v4.u32 {%0, %1, %2, %3}, [%4];"
                 : "=r"(packet.word[0]), "=r"(packet.word[1]), "=r"(packet.word[2]), "=r"(packet.word[3])
                 : "l"(view_.lamport[view_.rank] + offset)
                 : "memory");
    return packet;
  }
  __device__ void clear(std::uint64_t offset) { store_local(view_.lamport[view_.rank] + offset, sentinel_packet()); }
  __device__ static Packet sanitise(const Packet& packet) { return sanitised(packet); }

  __device__ Packet load_comm(int rank, std::uint64_t offset) { return load_local(view_.comm[rank] + offset); }
  __device__ void store_comm(int rank, std::uint64_t offset, const Packet& packet) {
    store_local(view_.comm[rank] + offset, packet);
  }
  __device__ void signal(int rank, std::uint64_t offset, std::uint32_t value) {
    asm volatile("st.release.sys.global.u32 [%0], %1;" ::"l"(view_.flags[rank] + offset), "r"(value) : "memory");
  }
  __device__ std::uint32_t observe(std::uint64_t offset) {
    std::uint32_t value;
    asm volatile("ld.acquire.sys.global.u32 %0, [%1];" : "=r"(value) : "l"(view_.flags[view_.rank] + offset) : "memory");
    return value;
  }

  __device__ Waiting keep_waiting(Patience& patience) {
    if ((++patience.misses & 1023u) != 0) return Waiting::again;
    std::uint64_t now;
    asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(now));
    if (patience.since == 0) {
      patience.since = now;
    } else if (now - patience.since > view_.wait_limit_ns) {
      return Waiting::expired;
    }
    return pointer<volatile ControlBlock>(view_.control)->abort != 0 ? Waiting::aborted : Waiting::again;
  }
  __device__ void give_up(GiveUpRecord record) {
    if (atomicExch(&pointer<ControlBlock>(view_.control)->abort, 1u) != 0 || view_.give_up == 0) return;
    const std::uint32_t tag = record.tag;
    record.tag = 0;
    *pointer<GiveUpRecord>(view_.give_up) = record;
    asm volatile("st.release.sys.global.u32 [%0], %1;" ::"l"(view_.give_up), "r"(tag) : "memory");
  }
  __device__ float reciprocal_sqrt(float value) { return rsqrtf(value); }

  __device__ std::uint64_t add64(std::uint64_t* count, std::uint64_t value) {
    return atomicAdd(reinterpret_cast<unsigned long long*>(count), static_cast<unsigned long long>(value));
  }
  __device__ std::uint32_t add32(std::uint32_t* count, std::uint32_t value) { return atomicAdd(count, value); }
  __device__ void max32(std::uint32_t* largest, std::uint32_t value) { atomicMax(largest, value); }
  __device__ double square_root(double value) { return sqrt(value); }

 private:
  __device__ static void store_relaxed(std::uint64_t address, const Packet& packet) {
    asm volatile("st.relaxed.sys.global.v4.u32 [%0], {%1, %2, %3, %4};" ::"l"(address), "r"(packet.word[0]),
                 "r"(packet.word[1]), "r"(packet.word[2]), "r"(packet.word[3])
                 : "memory");
  }

  const WorkspaceView& view_;
};
static_assert(MemoryOps<SmallestOps> && ReportOps<SmallestOps>);

/// One thread has one packet, or none; what it learns stays in registers.
class ThreadWork {
 public:
  template <class V>
  struct Kept {
    V value;
    __device__ void keep(int, const V& kept) { value = kept; }
    template <class F>
    __device__ V get(int, F&&) const {
      return value;
    }
  };

  __device__ ThreadWork(bool active, const Place& place, int rank) : active_(active), place_(place), rank_(rank) {}

  __device__ std::uint32_t block() const { return blockIdx.x; }
  __device__ std::uint32_t blocks() const { return gridDim.x; }
  __device__ bool leader() const { return threadIdx.x == 0; }
  __device__ void sync_block() const { __syncthreads(); }
  __device__ bool all_alive(bool alive) const { return __syncthreads_and(alive) != 0; }

  template <class F>
  __device__ void prepare(F&& f) const {
    if (active_) f(0, place_);
  }
  template <class F>
  __device__ void for_each(All, F&& f) const {
    if (active_) f(0, place_);
  }
  template <class F>
  __device__ void for_each(Own, F&& f) const {
    if (active_ && place_.owner == rank_) f(0, place_);
  }
  template <class F>
  __device__ void for_each(Others, F&& f) const {
    if (active_ && place_.owner != rank_) f(0, place_);
  }
  template <class Which, class F>
  __device__ void for_each_tile(Which, F&& f) const {
    f(Tile<Which>{*this});
  }
  template <class F>
  __device__ void for_each_index(std::uint64_t count, F&& f) const {
    for (std::uint64_t i = blockIdx.x * blockDim.x + threadIdx.x; i < count; i += gridDim.x * blockDim.x) f(i);
  }
  template <class F>
  __device__ void for_each_rank(int ranks, F&& f) const {
    if (threadIdx.x < ranks) f(static_cast<int>(threadIdx.x));
  }

  /// For the check kernels: rows in turn, a block per row.
  struct RowWork {
    template <class F>
    __device__ void for_each_index(std::uint64_t count, F&& f) const {
      for (std::uint64_t i = threadIdx.x; i < count; i += blockDim.x) f(i);
    }
    __device__ double sum(double value) const {
      __shared__ double partial[1024];
      partial[threadIdx.x] = value;
      __syncthreads();
      double total = 0;
      for (int i = 0; i < blockDim.x; ++i) total += partial[i];
      __syncthreads();
      return total;
    }
  };
  template <class F>
  __device__ void for_each_row(std::uint64_t rows, F&& f) const {
    for (std::uint64_t row = blockIdx.x; row < rows; row += gridDim.x) f(RowWork{}, row);
  }

 private:
  template <class Which>
  struct Tile {
    const ThreadWork& work;
    template <class F>
    __device__ void for_each(F&& f) const {
      work.for_each(Which{}, f);
    }
    __device__ bool row_sum(float& value, bool alive) const {
      __shared__ float partial[1024];
      partial[threadIdx.x] = work.active_ ? value : 0.0f;
      const bool all = __syncthreads_and(alive) != 0;
      value = 0;
      for (int i = 0; i < blockDim.x; ++i) value += partial[i];
      return all;
    }
  };

  bool active_;
  Place place_;
  int rank_;
};

enum class Which { one_shot, two_shot, two_shot_barrier };

template <class World>
__device__ World world_of(const WorkspaceView& view) {
  if constexpr (std::is_same_v<World, AnyWorld>) {
    return {view.world_size};
  } else {
    return {};
  }
}

template <Which kWhich, class T, class World, class Epilogue>
__global__ void collective(const __grid_constant__ WorkspaceView view, Message message, Epilogue epilogue) {
  const std::uint64_t packet = blockIdx.x * blockDim.x + threadIdx.x;
  const auto owner = static_cast<int>(packet / message.share);
  const ThreadWork work(packet < message.packets, {packet, packet % message.share, threadIdx.x, owner}, view.rank);
  SmallestOps ops(view);
  const World world = world_of<World>(view);
  if constexpr (kWhich == Which::one_shot) {
    one_shot<T>(ops, work, world, view, message, epilogue);
  } else if constexpr (kWhich == Which::two_shot) {
    two_shot<T>(ops, work, world, view, message, epilogue);
  } else {
    two_shot_barrier<T>(ops, work, world, view, message, epilogue);
  }
}

__global__ void barrier(const __grid_constant__ WorkspaceView view) {
  SmallestOps ops(view);
  device_barrier(ops, ThreadWork(false, {}, view.rank), view);
}

template <class T>
__global__ void fill_and_check(const __grid_constant__ WorkspaceView view, CheckArgs args) {
  SmallestOps ops(view);
  const ThreadWork work(false, {}, view.rank);
  fill_constants<T>(ops, work, args.batch, args.hidden, args.world_size);
  fill_inputs<T>(ops, work, args.batch, args.first_iteration, args.iterations, view.rank, args.world_size);
  check_sums<T>(ops, work, args);
  check_norms<T>(ops, work, args);
  check_guards(ops, work, args);
}

template <Which kWhich, class T>
void* instances(int which) {
  switch (which) {
    case 0: return reinterpret_cast<void*>(&collective<kWhich, T, FixedWorld<4>, StoreSum<T>>);
    case 1: return reinterpret_cast<void*>(&collective<kWhich, T, AnyWorld, StoreSum<T>>);
    default: return reinterpret_cast<void*>(&collective<kWhich, T, FixedWorld<4>, ResidualRmsNorm<T>>);
  }
}
template <class T>
void* instances_of(int which) {
  switch (which / 3) {
    case 0: return instances<Which::one_shot, T>(which % 3);
    case 1: return instances<Which::two_shot, T>(which % 3);
    case 2: return instances<Which::two_shot_barrier, T>(which % 3);
    default: return reinterpret_cast<void*>(&fill_and_check<T>);
  }
}

/// Refers to every kernel above, so that all are generated.
void* instance(int dtype, int which) {
  if (which < 0) return reinterpret_cast<void*>(&barrier);
  return dtype == 0 ? instances_of<Bf16>(which) : dtype == 1 ? instances_of<Fp16>(which) : instances_of<float>(which);
}

}  // namespace symmbench::compile_check
