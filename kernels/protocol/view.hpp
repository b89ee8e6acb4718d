#pragma once
#include <cstdint>
#include <initializer_list>

#include "kernels/protocol/fusion_layout.hpp"

namespace symmbench {

/// Where a Lamport call may have written in its slot: `count` regions of `packets` each, from the slot's start. Those of
/// the own rank (numbers rank, rank + W, ...) are written only where a store to all is one to the own segment too
/// (MemoryOps::writes_own). 32 bits hold any slot.
struct Regions {
  std::uint32_t count, packets;
};

/// State that outlives a kernel launch. Lives in device memory of its own rank and never in kernel arguments, so that a
/// replayed graph goes on where the last replay ended. Zero-filled at start except slot_bytes.
///
/// Every warp of a call reads the first 16 bytes, every block adds to `arrivals`: all at one place of a GPU's L2, which
/// does about one access per 0.6 ns and one atomic per 2.3 ns. So the first is one access and the second elsewhere.
struct ControlBlock {
  std::uint32_t slot;   ///< Lamport slot of the next call, 0 ... 2
  std::uint32_t abort;  ///< not 0: some wait gave up; every other wait leaves too
  Regions dirty;        ///< where the previous call may have written in its slot

  std::uint64_t calls;               ///< collectives done: the epoch, for messages and diagnosis
  std::uint64_t slot_bytes;          ///< C
  std::uint32_t barrier_generation;  ///< of the barrier two-shot and the device barrier; grows, wraps

  alignas(128) std::uint32_t arrivals;  ///< blocks of the running call that have read the state; 0 between calls
};

/// What a wait that gave up leaves behind, in host-visible memory (the heartbeat page). `tag` is written last.
struct GiveUpRecord {
  std::uint32_t tag;  ///< 0: nothing happened; else WaitTag
  std::int32_t rank, peer;
  std::uint32_t slot;
  std::uint64_t packet;  ///< or barrier row
  std::uint64_t expected, seen;
  std::uint64_t call;
};

enum class WaitTag : std::uint32_t { none = 0, one_shot = 1, two_shot_reduce = 2, two_shot_gather = 3, barrier = 4 };

/// A rank of a group as its kernels know it: plain data. Ranks are group ranks.
struct RankView {
  std::int32_t rank = 0;
  std::int32_t world_size = 0;
  std::uint64_t control = 0;        ///< ControlBlock of this rank
  std::uint64_t give_up = 0;        ///< GiveUpRecord of this rank, host-visible; 0: none
  std::uint64_t wait_limit_ns = 0;  ///< how long one wait in a kernel may take
};

/// One symmetric segment through this rank's mappings.
struct SegmentView {
  std::uint64_t base[kMaxRanks] = {};  ///< index = group rank
  std::uint64_t multicast = 0;         ///< one address that stores to all ranks' segments; 0: none
  std::uint64_t bytes = 0;             ///< that the workspace uses of it

  SYMMBENCH_HD std::uint64_t operator[](int rank) const { return base[rank]; }
};

inline constexpr int kMaxSegments = 8;  ///< of any workspace

/// What a workspace hands to the kernel set: host side only. What travels to a kernel is a compact view made from it;
/// kernels form addresses only inside MemoryOps, from a rank and a byte offset.
struct WorkspaceView : RankView {
  SegmentView segment[kMaxSegments] = {};  ///< by what they are for; those that a workspace lacks are empty
  std::uint64_t slot_bytes = 0;            ///< of a Lamport slot
  /// The bases of all segments in use, rank by rank, then `control`, in device memory, as upstream hands them to kernels.
  std::uint64_t pointer_table = 0;

  // What segments are for. An area may be of several segments, as those of a trtllm workspace are: it goes on in the next.
  static constexpr int kComm = 0, kFlags = 1, kLamport = 2;
  static constexpr int kSecondComm = 3, kSecondFlags = 4, kSecondLamport = 5, kThirdLamport = 6;
  const SegmentView& comm() const { return segment[kComm]; }
  const SegmentView& flags() const { return segment[kFlags]; }
  const SegmentView& lamport() const { return segment[kLamport]; }
  /// Of one comm buffer, of which a trtllm workspace has two.
  std::uint64_t comm_bytes() const { return comm().bytes; }

  // Address of byte `offset` of an area of rank `owner`.
  std::uint64_t comm_at(int owner, std::uint64_t offset) const { return at(owner, offset, {kComm, kSecondComm}); }
  std::uint64_t flags_at(int owner, std::uint64_t offset) const { return at(owner, offset, {kFlags, kSecondFlags}); }
  std::uint64_t lamport_at(int owner, std::uint64_t offset) const {
    return at(owner, offset, {kLamport, kSecondLamport, kThirdLamport});
  }

 private:
  std::uint64_t at(int owner, std::uint64_t offset, std::initializer_list<int> parts) const {
    int last = *parts.begin();
    for (const int part : parts) {
      if (part != last && segment[part].bytes == 0) break;  // an area of fewer segments
      if (part != last) offset -= segment[last].bytes;
      last = part;
      if (offset < segment[part].bytes) break;
    }
    return segment[last][owner] + offset;
  }
};

}  // namespace symmbench
