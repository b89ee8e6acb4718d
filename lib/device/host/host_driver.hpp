#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <unordered_map>

#include "device/driver.hpp"
#include "device/driver_call.hpp"
#include "device/host/emulated_fabric.hpp"
#include "device/host/host_memory.hpp"
#include "device/host/host_multicast.hpp"
#include "device/host/local_memory.hpp"

namespace symmbench {

inline constexpr std::uint64_t kHostGranularityBytes = 2ull << 20;

/// What the emulated device offers; a fabric profile may set these to what real hardware has.
struct HostDriverOptions {
  std::uint64_t minimum_granularity = kHostGranularityBytes;      ///< a power of two, a multiple of the page size
  std::uint64_t recommended_granularity = kHostGranularityBytes;  ///< a multiple of the minimum
  std::optional<std::uint64_t> memory_limit_bytes;                ///< device memory; nullopt: what the machine has
  bool posix_fd_supported = true;
  bool fabric_supported = false;  ///< the attribute; without it FABRIC is refused
  bool ipc_supported = true;
  bool multicast_supported = false;   ///< the attribute
  EmulatedPlace place;                ///< which decides how far fabric handles travel, and whether they can be made
  std::optional<FabricFacts> fabric;  ///< as NVML would tell; nullopt: completed in no cluster, or not supported
  std::optional<std::string> uuid;    ///< of the emulated GPU; nullopt: it has none
  std::optional<std::string> name;    ///< of the GPU that it stands for; nullopt: of none
  std::optional<int> sm_version;      ///< 103 for 10.3
  std::optional<int> driver_version;  ///< as cuDriverGetVersion encodes it
  std::optional<bool> confidential_computing;
  MulticastOptions multicast;
  bool gpu_direct_rdma_supported = true;  ///< without it a request for such memory is not_supported
  int ordinal = 0;
  std::uint32_t block_threads = 2;  ///< per stream: how many blocks of a kernel run at the same time
};

/// Seam 1 on the emulated device: CUDA's virtual-memory semantics, with its result codes, on memfd, mmap and mprotect.
/// Descriptors and address ranges are real, so the code above runs unchanged. Each HostDriver stands for a process: what
/// one exports it cannot open itself, another one can, in the same process too.
/// A process out of descriptors is Error{environment, capacity_exceeded}, which no GPU driver would report.
class HostDriver final : public Driver {
 public:
  /// @throws Error{driver, invalid_argument} for granularities that cannot be
  explicit HostDriver(const HostDriverOptions& options = {});
  HostDriver(const HostDriver&) = delete;
  HostDriver& operator=(const HostDriver&) = delete;
  /// Unmaps, frees and closes whatever is left.
  ~HostDriver() override;

  DeviceFacts facts() override;
  MemoryInfo memory_info() override;
  std::uint64_t granularity(const AllocationSpec& spec, Granularity which) override;

  MemoryId create(std::uint64_t bytes, const AllocationSpec& spec) override;
  void release(MemoryId id) override;
  ShareableHandle export_handle(MemoryId id) override;
  MemoryId import_handle(const ShareableHandle& handle) override;

  DevicePtr reserve(std::uint64_t bytes, std::uint64_t alignment) override;
  void free_range(DevicePtr address, std::uint64_t bytes) override;
  void map(DevicePtr address, std::uint64_t bytes, MemoryId id) override;
  void unmap(DevicePtr address, std::uint64_t bytes) override;
  void set_access(DevicePtr address, std::uint64_t bytes) override;

  std::uint64_t multicast_granularity(const MulticastSpec&, Granularity which) override {
    return multicast_.granularity(which);
  }
  MemoryId create_multicast(const MulticastSpec& spec) override;
  void add_device(MemoryId object) override;
  void bind_memory(MemoryId object, std::uint64_t offset, MemoryId memory, std::uint64_t bytes) override;
  void unbind_memory(MemoryId object, std::uint64_t offset, std::uint64_t bytes) override;

  DevicePtr allocate_local(std::uint64_t bytes) override;
  void free_local(DevicePtr address) override;
  IpcBlob export_ipc(DevicePtr address) override;
  DevicePtr open_ipc(const IpcBlob& handle) override;
  void close_ipc(DevicePtr address) override;
  std::unique_ptr<Stream> make_stream() override;

 private:
  struct Placed {
    std::uint64_t bytes = 0;
    std::shared_ptr<HostMemory> memory;  ///< keeps the accounting right after release(); null: a multicast object
    HostMulticast::Team team = nullptr;  ///< which this is then
  };
  using Placements = std::map<DevicePtr, Placed>;
  /// A peer's local memory.
  struct Opened {
    LocalName name;
    LocalMemory memory;
    std::uint64_t times = 1;
  };

  const std::shared_ptr<HostMemory>& find(MemoryId id, DriverCall call) const;
  MemoryId keep(HostMemory memory);
  /// Settles the accounts when `memory` is the last reference.
  MemoryId keep_team(HostMulticast::Team team);
  void drop(const std::shared_ptr<HostMemory>& memory);
  void check_spec(const AllocationSpec& spec, DriverCall call) const;
  void check_room(std::uint64_t bytes, DriverCall call);
  void check_piece(DevicePtr address, std::uint64_t bytes, DriverCall call) const;
  const LocalMemory& find_local(DevicePtr address, DriverCall call) const;
  bool inside_a_range(DevicePtr address, std::uint64_t bytes) const;
  /// The first placement that ends after `address`.
  Placements::const_iterator first_after(DevicePtr address) const;

  HostDriverOptions options_;
  std::uint64_t last_id_ = 0;  // ids are never used twice, so that use after release shows
  std::uint64_t used_bytes_ = 0;
  std::unordered_map<MemoryId, std::shared_ptr<HostMemory>> memories_;
  std::map<DevicePtr, std::uint64_t> ranges_;
  Placements placements_;
  std::uint64_t driver_id_;
  HostMulticast multicast_;
  std::uint64_t last_local_ = 0;
  std::unordered_map<DevicePtr, LocalMemory> locals_;
  std::unordered_map<DevicePtr, Opened> opened_;
};

}  // namespace symmbench
