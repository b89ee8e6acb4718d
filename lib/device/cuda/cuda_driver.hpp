#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "device/cuda/address_book.hpp"
#include "device/cuda/cuda_api.hpp"
#include "device/cuda/cuda_backend.hpp"
#include "device/cuda/cuda_context.hpp"
#include "device/driver.hpp"
#include "device/driver_call.hpp"

namespace symmbench {

/// Seam 1 on a real GPU. The driver decides; what it may let pass although Driver forbids it is refused here, with the
/// same codes (use of a released id, addresses: AddressBook).
///
/// Threads: one at a time. Each call makes the device's primary context current in the calling thread and leaves it so;
/// the CUDA runtime then uses that context too.
class CudaDriver final : public Driver {
 public:
  /// `api` must outlive this. @throws as make_cuda_driver()
  CudaDriver(const CudaApi& api, int ordinal, const CudaOptions& options = {});
  CudaDriver(const CudaDriver&) = delete;
  CudaDriver& operator=(const CudaDriver&) = delete;
  /// Unmaps, releases, closes and unregisters whatever is left, then gives the primary context back. Physical memory and
  /// addresses belong to the process, not to the context, and would stay.
  ~CudaDriver() override;

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

  DevicePtr allocate_local(std::uint64_t bytes) override;
  void free_local(DevicePtr address) override;
  IpcBlob export_ipc(DevicePtr address) override;
  DevicePtr open_ipc(const IpcBlob& handle) override;
  void close_ipc(DevicePtr address) override;
  DevicePtr register_host(void* memory, std::uint64_t bytes) override;
  std::unique_ptr<Stream> make_stream() override;

 private:
  struct Memory {
    CUmemGenericAllocationHandle handle = 0;
    HandleType type = HandleType::posix_fd;
    std::optional<std::uint64_t> bytes;  ///< not known of imported memory
  };

  DeviceFacts device_facts();  ///< what libcuda alone tells
  CUmemAllocationProp properties(const AllocationSpec& spec, DriverCall call) const;
  void check_local(DevicePtr address, DriverCall call) const;
  const Memory& find(MemoryId id, DriverCall call) const;
  MemoryId keep(const Memory& memory);
  std::string free_memory_text();

  const CudaApi& api_;
  CudaOptions options_;
  CudaContext context_;
  std::optional<DeviceFacts> facts_;  ///< gathered once: NVML takes milliseconds
  AddressBook book_;
  std::uint64_t last_id_ = 0;  // ids are never used twice, so that use after release shows
  std::unordered_map<MemoryId, Memory> memories_;
  std::unordered_set<DevicePtr> locals_;
  std::unordered_set<DevicePtr> exported_;               ///< of locals_: a handle of it was given away
  std::unordered_map<DevicePtr, std::uint64_t> opened_;  ///< peers' local memory, and how often it was opened
  std::vector<void*> registered_;
};

/// "GPU-01234567-89ab-cdef-0123-456789abcdef", as nvidia-smi and CUDA_VISIBLE_DEVICES spell it.
std::string uuid_text(const CUuuid& uuid);

/// probe_cuda() and unreachable_devices() on a given library.
CudaAvailability probe_cuda(const std::string& library);
std::vector<std::string> unreachable_devices(const CudaApi& api, int ordinal);

}  // namespace symmbench
