#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "device/fabric_facts.hpp"
#include "device/handle.hpp"

namespace symmbench {

class Stream;

/// An address in the device's view. Only kernels and Stream may touch the bytes behind it.
using DevicePtr = std::uint64_t;

/// Names physical memory inside one Driver. 0 is never a valid id.
enum class MemoryId : std::uint64_t { none = 0 };

enum class Granularity : std::uint8_t { minimum, recommended };

/// Properties of physical memory: pinned, on this rank's device, exportable as exactly one handle type, which is not
/// cuda_ipc: that is for local memory.
struct AllocationSpec {
  HandleType handle = HandleType::posix_fd;
  bool gpu_direct_rdma = false;
};

/// A team of devices whose memory one address reaches.
struct MulticastSpec {
  int devices = 0;          ///< of the whole team
  std::uint64_t bytes = 0;  ///< of the object: a multiple of its minimum granularity
  HandleType handle = HandleType::posix_fd;
};

struct MemoryInfo {
  std::uint64_t free_bytes = 0;
  std::uint64_t total_bytes = 0;
};

/// The GPU that NVML has under the number that CUDA gives this rank's device, which is another one where
/// CUDA_VISIBLE_DEVICES renumbers: what a rule sees that looks it up so.
struct OrdinalLookup {
  std::string pci_bus_id;  ///< "0000:1b:00.0"
  bool same_device = true;
  std::optional<FabricFacts> fabric;
};

/// Create, export and import of fabric memory on the first device that the process sees, whichever is this rank's: what
/// torch's rule tries.
struct FirstDeviceTest {
  std::string uuid;
  bool passed = false;
  std::string failure;  ///< call and code; empty when it passed
};

/// Facts about this rank's device that decide what can run. Unknown is nullopt, never a guess.
struct DeviceFacts {
  std::string kind;  ///< "host" or "cuda"
  std::string name;  ///< product name, or the emulation's
  std::optional<std::string> uuid;
  std::optional<std::string> pci_bus_id;
  std::optional<int> ordinal;
  std::optional<int> sm_major, sm_minor;
  std::optional<int> multiprocessors;
  std::optional<int> driver_version;         ///< as cuDriverGetVersion encodes it
  std::optional<std::string> system_driver;  ///< the kernel's driver, "580.65.06"
  std::optional<int> toolkit_version;        ///< CUDA that this program was built with, encoded as driver_version
  std::optional<int> nvlinks_active;         ///< that are up
  bool posix_fd_supported = false;
  bool fabric_supported = false;
  bool ipc_supported = false;
  bool multicast_supported = false;
  bool gpu_direct_rdma_supported = false;
  std::optional<bool> confidential_computing;
  std::optional<int> imex_channels;  ///< channel nodes that this process can see; nullopt: not looked for
  std::optional<FabricFacts> fabric;
  std::string
      fabric_unknown;  ///< why `fabric` is nullopt: the library, call or code that failed; empty when it is there
  std::vector<CliqueList> clique_lists;              ///< by each library that was asked
  std::optional<OrdinalLookup> nvml_by_ordinal;      ///< nullopt: not asked
  std::optional<FirstDeviceTest> first_device_test;  ///< nullopt: this rank's device is the first, or it was not made
};

/// Seam 1: the driver's virtual-memory calls, one virtual function each. All allocators and RAII types are written
/// once on top of it. Not thread-safe: one thread of the worker sets memory up.
///
/// Every function throws Error{driver, <reason>} whose `call` is the CUDA driver's name for it and whose `code` is the
/// CUDA result code (the host device gives the same codes for the same mistakes): 1 invalid value, 2 out of memory,
/// 201 invalid context, 400 invalid handle, 401 illegal state, 800 not permitted, 801 not supported, 802 not ready.
class Driver {
 public:
  virtual ~Driver() = default;

  virtual DeviceFacts facts() = 0;
  virtual MemoryInfo memory_info() = 0;

  /// Sizes, offsets and addresses given below must be multiples of this. (cuMemGetAllocationGranularity)
  virtual std::uint64_t granularity(const AllocationSpec& spec, Granularity which) = 0;

  /// Physical memory of exactly `bytes`, a positive multiple of the minimum granularity. (cuMemCreate)
  virtual MemoryId create(std::uint64_t bytes, const AllocationSpec& spec) = 0;
  /// Drops the id; the bytes live on while they are mapped anywhere. Use after release is invalid_handle.
  /// (cuMemRelease)
  virtual void release(MemoryId id) = 0;
  /// A new handle, of the type the memory was created for. (cuMemExportToShareableHandle)
  virtual ShareableHandle export_handle(MemoryId id) = 0;
  /// An id for a peer's memory; the caller keeps `handle` and may close it afterwards. (cuMemImportFromShareableHandle)
  virtual MemoryId import_handle(const ShareableHandle& handle) = 0;

  /// An address range of `bytes`, aligned to `alignment` (0: the driver's choice). (cuMemAddressReserve)
  virtual DevicePtr reserve(std::uint64_t bytes, std::uint64_t alignment) = 0;
  /// The whole range as reserved; illegal_state while anything in it is mapped. (cuMemAddressFree)
  virtual void free_range(DevicePtr address, std::uint64_t bytes) = 0;
  /// Places all of `id` at [address, address + bytes) of a reserved range. No access yet. (cuMemMap)
  virtual void map(DevicePtr address, std::uint64_t bytes, MemoryId id) = 0;
  /// Exactly what one map() placed. (cuMemUnmap)
  virtual void unmap(DevicePtr address, std::uint64_t bytes) = 0;
  /// Read and write for this rank's device over mapped memory; may span several mappings. (cuMemSetAccess)
  virtual void set_access(DevicePtr address, std::uint64_t bytes) = 0;

  // Multicast. An object is shared, mapped and released like memory: export_handle, import_handle, map, set_access, unmap,
  // release. Only multimem instructions may use an address of it. A device without it refuses with not_supported.

  /// What sizes and offsets of the object must be multiples of. (cuMulticastGetGranularity)
  virtual std::uint64_t multicast_granularity(const MulticastSpec& spec, Granularity which);
  /// One rank's; the others import it. not_ready: the fabric manager does not run. (cuMulticastCreate)
  virtual MemoryId create_multicast(const MulticastSpec& spec);
  /// This rank's device joins. invalid_value when it is in already or the team is complete; not_supported when the fabric
  /// does not join it with the others. (cuMulticastAddDevice)
  virtual void add_device(MemoryId object);
  /// Own memory becomes what the object reaches at [offset, offset + bytes), and lives until it is unbound. Waits, as
  /// map() of an object does, until all devices of the team were added: without end on a GPU, so ranks vote before.
  /// invalid_device: not added; illegal_state: bound already. (cuMulticastBindMem)
  virtual void bind_memory(MemoryId object, std::uint64_t offset, MemoryId memory, std::uint64_t bytes);
  /// Exactly what bind_memory() bound. (cuMulticastUnbind)
  virtual void unbind_memory(MemoryId object, std::uint64_t offset, std::uint64_t bytes);

  /// Memory of this rank alone: inputs, outputs, control blocks. 256-byte aligned, contents undefined. (cuMemAlloc)
  virtual DevicePtr allocate_local(std::uint64_t bytes) = 0;
  /// `address` as allocate_local() gave it. Every peer that opened it has closed it before: otherwise the result is
  /// undefined on a GPU, and illegal_state on the host device, which can tell. (cuMemFree)
  virtual void free_local(DevicePtr address) = 0;

  /// The handle by which other processes of this OS image reach local memory until that is freed. It names the whole
  /// allocation, so `address` must be its start: invalid_value otherwise, although the CUDA driver takes any address
  /// inside and names the whole. On a GPU the peer sees whole 2 MiB blocks, with all the small allocations in them.
  /// (cuIpcGetMemHandle)
  virtual IpcBlob export_ipc(DevicePtr address) = 0;
  /// The start of a peer's allocation in this device's view, which may read and write it at once. Opened again it is the
  /// same address, to be closed as often. invalid_context in the exporting process, invalid_value for memory that was
  /// freed and for what is no handle, invalid_handle when the exporting process has ended. (cuIpcOpenMemHandle)
  virtual DevicePtr open_ipc(const IpcBlob& handle) = 0;
  /// `address` as open_ipc() gave it, once for each time that it did. (cuIpcCloseMemHandle)
  virtual void close_ipc(DevicePtr address) = 0;

  /// The device's address of host memory that both see, for GiveUpRecord; valid until this driver is gone. The host's
  /// own address where the device reads host memory as it is. (cuMemHostRegister)
  virtual DevicePtr register_host(void* memory, std::uint64_t bytes) {
    static_cast<void>(bytes);
    return reinterpret_cast<DevicePtr>(memory);
  }

  /// A queue of work on this device. Streams must not outlive their driver.
  virtual std::unique_ptr<Stream> make_stream() = 0;
};

/// The CUDA result codes that the tool tells apart, for both devices. (CUDA driver API, CUresult)
namespace driver_code {
inline constexpr int kInvalidValue = 1;
inline constexpr int kOutOfMemory = 2;
inline constexpr int kInvalidDevice = 101;
inline constexpr int kInvalidContext = 201;
inline constexpr int kInvalidHandle = 400;
inline constexpr int kIllegalState = 401;
inline constexpr int kIllegalAddress = 700;
inline constexpr int kLaunchFailed = 719;
inline constexpr int kNotPermitted = 800;
inline constexpr int kNotSupported = 801;
inline constexpr int kNotReady = 802;
}  // namespace driver_code

}  // namespace symmbench
