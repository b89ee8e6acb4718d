#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "comm/collective_phase.hpp"
#include "device/driver.hpp"

namespace symmbench {

/// How one symmetric allocation is laid out, as the report shows it: where the two allocators visibly differ.
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
  virtual const SharedMemoryFacts& facts() const = 0;

  /// Collective, idempotent: synchronizing the device first is the caller's part. Barrier, unmap, release, barrier.
  /// @throws PhaseFailed{close}
  virtual void close(const PhaseContext& context) = 0;
};

/// A deliberate departure from what upstream does, with its reason (design section 4).
struct Difference {
  std::string_view upstream;
  std::string_view here;
  std::string_view reason;
};

/// One allocator mode: how a workspace's memory is backed and shared. (fact sheets FI 5, TS 1-6)
class Allocator {
 public:
  virtual ~Allocator() = default;
  virtual std::string_view name() const = 0;
  virtual std::span<const Difference> differences() const = 0;

  /// Collective: every rank calls it with the same arguments. Each of create, export, exchange, import and map is a
  /// collective phase, so all ranks succeed or all throw. Contents are undefined except the zeroed signal pad.
  /// @throws PhaseFailed
  virtual std::unique_ptr<SharedMemory> allocate(const PhaseContext& context, Driver& driver, std::uint64_t bytes,
                                                 HandleType handle) = 0;

  /// Physical bytes one rank takes for a request, by the same arithmetic as allocate(); for `plan` and memory checks.
  virtual std::uint64_t allocated_bytes(std::uint64_t requested_bytes, std::uint64_t granularity) const = 0;
};

/// "symm_device_memory", "torch_symm_mem": in the order in which A and B are compared.
std::span<const std::string_view> allocator_names();
/// @throws Error{config, invalid_argument} for an unknown name
std::unique_ptr<Allocator> make_allocator(std::string_view name);

}  // namespace symmbench
