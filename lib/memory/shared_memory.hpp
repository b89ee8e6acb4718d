#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "catalog/allocators.hpp"
#include "comm/collective_phase.hpp"
#include "device/driver.hpp"
#include "memory/vmm.hpp"

namespace symmbench {

/// How one symmetric allocation is laid out, as the report shows it: where allocators visibly differ.
struct SharedMemoryFacts {
  std::uint64_t requested_bytes = 0;
  std::uint64_t allocated_bytes = 0;    ///< physical memory of one rank
  std::uint64_t granularity_bytes = 0;  ///< what allocated_bytes is a multiple of
  std::uint64_t data_offset = 0;        ///< of the usable bytes within the block
  std::uint64_t signal_pad_offset = 0;
  std::uint64_t signal_pad_bytes = 0;  ///< 0: no pad
  std::string va_layout;               ///< "contiguous" or "per_peer"
  std::uint64_t va_bytes = 0;          ///< address space reserved by this rank for all ranks
};

/// One symmetric allocation: every rank's block mapped here. Owns handles, ranges and mappings.
/// Destruction without close() cleans up this rank only and says so on stderr; it never waits for a peer.
class SharedMemory {
 public:
  virtual ~SharedMemory() = default;

  /// Usable bytes of `group_rank`'s block, as mapped here; requested_bytes long.
  virtual DevicePtr data(int group_rank) const = 0;
  /// An address whose stores reach all ranks' blocks at once; nullopt where the memory was not bound to one.
  virtual std::optional<DevicePtr> multicast() const { return std::nullopt; }
  /// Why there is none although it was asked for, where the allocator goes on without it; the same on all ranks.
  virtual std::optional<Failure> multicast_problem() const { return std::nullopt; }
  virtual const SharedMemoryFacts& facts() const = 0;

  /// close_together() of this one alone.
  void close(const PhaseContext& context);

  /// A part of close_together(), which every rank comes to: everything that this rank owns goes back, even after a
  /// failure. `comm`: of ranks that all do the same, where peers must be asked something; nullptr: no use asking.
  /// Nothing when it was called before. @throws the first Error met
  virtual void give_back(Communicator* comm) = 0;
  /// Whether give_back() was called.
  virtual bool closed() const = 0;

  /// give_back() that keeps the reserved addresses, for MemoryRequest::at. Empty: there are none to keep.
  virtual std::vector<AddressRange> detach();
};

/// Collective, idempotent: synchronizing the device first is the caller's part. Barrier; unmap and release of each, in
/// order, whatever the others did; barrier. Null pointers are passed over. @throws PhaseFailed{close}
void close_together(const PhaseContext& context, std::span<SharedMemory* const> memory);

/// One block of an allocation that makes several.
struct MemoryRequest {
  std::uint64_t bytes = 0;
  std::string_view name = {};  ///< for failures: "flags"; empty: there is only one
  /// What detach() kept of a block of the same allocator, group and bytes: the new one is put there, and owns it.
  /// Null: anywhere. @pre the allocator reattaches
  std::vector<AddressRange>* at = nullptr;

  /// Runs `step` and says in a failure that comes out of it which block it is about.
  void about(const std::function<void()>& step) const;
};

/// Whether an allocator sets a multicast object up over what it allocates. Off unless asked for: set-up can take GPUs out
/// of service for everybody.
enum class MulticastUse : std::uint8_t { off, on };

/// A deliberate departure from what upstream does, with its reason.
struct Difference {
  std::string_view upstream;
  std::string_view here;
  std::string_view reason;
  /// Of allocators: how the order of driver calls shows it, as words apart by a space: "+cuMemAddressFree" (only here),
  /// "-cuMemAlloc" (only upstream), "~cuMemMap" (elsewhere). Empty where calls and their order are the same.
  std::string_view calls = {};
};

/// One allocator mode: how a workspace's memory is backed and shared. What upstream does: README.md here.
class Allocator {
 public:
  virtual ~Allocator() = default;
  virtual AllocatorKind kind() const = 0;
  virtual std::span<const Difference> differences() const = 0;
  /// Whether its memory can be let go of and made again at the same addresses, as upstream's checkpoints want it.
  virtual bool reattaches() const { return false; }

  /// Collective: every rank calls it with the same arguments. Each of create, export, exchange, import and map is a
  /// collective phase of all blocks, in their order, so all ranks succeed or all throw. The order of each block's own
  /// driver calls is upstream's. Contents are undefined except the zeroed signal pads. @throws PhaseFailed
  virtual std::vector<std::unique_ptr<SharedMemory>> allocate_all(const PhaseContext& context, Driver& driver,
                                                                  std::span<const MemoryRequest> requests,
                                                                  HandleType handle) = 0;
  /// allocate_all() of one block.
  std::unique_ptr<SharedMemory> allocate(const PhaseContext& context, Driver& driver, std::uint64_t bytes,
                                         HandleType handle);

  /// What a rank's block is a multiple of on this device: for the next function. @throws Error{driver, ...}
  virtual std::uint64_t granularity(Driver& driver, HandleType handle) const {
    return driver.granularity({.handle = handle}, Granularity::recommended);
  }

  /// Physical bytes one rank takes for a request, by the same arithmetic as allocate(); for `plan` and memory checks.
  virtual std::uint64_t allocated_bytes(std::uint64_t requested_bytes, std::uint64_t granularity) const = 0;
};

/// What an allocator's memory can travel by, for people: "symm_device_memory travels by fabric or posix_fd only".
std::string travels_by(AllocatorKind kind);

/// What every allocator refuses before it makes anything. @throws Error{memory, invalid_argument} for a size that no
/// block can have (nothing, or beyond any address space) and for a handle type that the allocator cannot travel by
void require_possible(AllocatorKind kind, std::uint64_t requested_bytes, HandleType handle);

/// What SharedMemory::data() refuses. @throws Error{memory, illegal_state} after close, Error{memory, invalid_argument}
/// for no rank of the group
void require_block(int group_rank, int ranks, bool closed);

}  // namespace symmbench
