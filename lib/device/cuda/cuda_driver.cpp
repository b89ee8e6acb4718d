#include "device/cuda/cuda_driver.hpp"

#include <fcntl.h>
#include <fmt/format.h>

#include <array>
#include <cstring>
#include <filesystem>
#include <utility>

#include "core/text.hpp"
#include "device/cuda/cuda_fabric.hpp"
#include "device/cuda/cuda_stream.hpp"

namespace symmbench {
namespace {

CUmemAllocationHandleType cuda_type(HandleType type, DriverCall call) {
  switch (type) {
    case HandleType::posix_fd:
      return CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR;
    case HandleType::fabric:
      return CU_MEM_HANDLE_TYPE_FABRIC;
    case HandleType::cuda_ipc:
      break;
  }
  throw_driver_error(call, driver_code::kInvalidValue, "memory to be shared as cuda_ipc is local memory");
}

/// Addresses do not depend on how memory is exported, so any kind of memory tells their granularity.
std::uint64_t address_granularity(const CudaContext& context) {
  CUmemAllocationProp prop{};
  prop.type = CU_MEM_ALLOCATION_TYPE_PINNED;
  prop.location = {.type = CU_MEM_LOCATION_TYPE_DEVICE, .id = context.ordinal()};
  std::size_t bytes = 0;
  context.check(context.api().mem_get_allocation_granularity(&bytes, &prop, CU_MEM_ALLOC_GRANULARITY_MINIMUM),
                DriverCall::granularity, [] { return "of plain memory"; });
  return bytes;
}

/// Channel nodes of the IMEX service, which fabric handles need; nullopt: the folder may not be read.
std::optional<int> imex_channel_nodes() {
  std::error_code failed;
  const std::filesystem::directory_iterator nodes("/dev/nvidia-caps-imex-channels", failed), end;
  if (failed == std::errc::no_such_file_or_directory) return 0;
  if (failed) return std::nullopt;
  return static_cast<int>(std::distance(nodes, end));
}

std::string place_text(DevicePtr address, std::uint64_t bytes) {
  return fmt::format("{} at {:#x}", format_bytes(bytes), address);
}

}  // namespace

std::string uuid_text(const CUuuid& uuid) {
  std::string text = "GPU-";
  for (std::size_t i = 0; i < sizeof(uuid.bytes); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    text += fmt::format("{:02x}", static_cast<unsigned char>(uuid.bytes[i]));
  }
  return text;
}

CudaDriver::CudaDriver(const CudaApi& api, int ordinal, const CudaOptions& options)
    : api_(api), options_(options), context_(api, ordinal), book_(address_granularity(context_)) {}

CudaDriver::~CudaDriver() {
  // A context that is lost, for instance after a fault in a kernel, refuses all of this; nothing can be done then.
  if (!context_.try_enter()) return;
  for (const auto& [address, bytes] : book_.mappings()) api_.mem_unmap(address, bytes);
  for (const auto& [id, memory] : memories_) api_.mem_release(memory.handle);
  for (const auto& [address, bytes] : book_.ranges()) api_.mem_address_free(address, bytes);
  for (const auto& [address, times] : opened_) {
    for (std::uint64_t i = 0; i < times; ++i) api_.ipc_close_mem_handle(address);
  }
  // What was exported a peer may have open, and then freeing it is undefined: it goes with the process.
  for (const DevicePtr address : locals_) {
    if (!exported_.contains(address)) api_.mem_free(address);
  }
  for (void* memory : registered_) api_.mem_host_unregister(memory);
}

DeviceFacts CudaDriver::facts() {
  if (!facts_) {
    facts_ = device_facts();
    const NvmlFacts nvml = NvmlDevice(*facts_, options_.nvml_library).facts();
    facts_->fabric = nvml.fabric;
    facts_->fabric_unknown = nvml.fabric_unknown;
    facts_->clique_lists = {nvml.cliques, driver_cliques(api_, context_.device())};
    facts_->nvml_by_ordinal = nvml.by_ordinal;
    // Without a fabric torch's rule does not come to it; on the first device it is the device's own self test.
    if (context_.ordinal() != 0 && nvml.fabric && nvml.fabric->state != kFabricNotSupported) {
      context_.enter();
      facts_->first_device_test = test_first_device(api_);
    }
    facts_->imex_channels = imex_channel_nodes();
    facts_->system_driver = nvml.driver_version;
    facts_->nvlinks_active = nvml.nvlinks_active;
    facts_->confidential_computing = nvml.confidential_computing;
  }
  return *facts_;
}

DeviceFacts CudaDriver::device_facts() {
  const auto get = [&](CUresult result, std::string_view call) {
    context_.check(result, call, [] { return "facts of the device"; });
  };
  std::array<char, 256> name{};
  get(api_.device_get_name(name.data(), static_cast<int>(name.size()) - 1, context_.device()), "cuDeviceGetName");
  CUuuid uuid{};
  get(api_.device_get_uuid(&uuid, context_.device()), "cuDeviceGetUuid");
  std::array<char, 32> pci{};
  get(api_.device_get_pci_bus_id(pci.data(), static_cast<int>(pci.size()) - 1, context_.device()),
      "cuDeviceGetPCIBusId");
  const auto has = [&](CUdevice_attribute which) { return context_.attribute(which) != 0; };
  return {
      .kind = "cuda",
      .name = name.data(),
      .uuid = uuid_text(uuid),
      .pci_bus_id = pci.data(),
      .ordinal = context_.ordinal(),
      .sm_major = context_.attribute(CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR),
      .sm_minor = context_.attribute(CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR),
      .multiprocessors = context_.attribute(CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT),
      .driver_version = api_.driver_version,
      .toolkit_version = CUDA_VERSION,
      .posix_fd_supported = has(CU_DEVICE_ATTRIBUTE_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR_SUPPORTED),
      .fabric_supported = has(CU_DEVICE_ATTRIBUTE_HANDLE_TYPE_FABRIC_SUPPORTED),
      // There is no attribute for memory handles; this is the one that CUDA's documentation says tells of both.
      .ipc_supported = has(CU_DEVICE_ATTRIBUTE_IPC_EVENT_SUPPORTED),
      .multicast_supported = has(CU_DEVICE_ATTRIBUTE_MULTICAST_SUPPORTED),
      .gpu_direct_rdma_supported = has(CU_DEVICE_ATTRIBUTE_GPU_DIRECT_RDMA_WITH_CUDA_VMM_SUPPORTED),
  };
}

MemoryInfo CudaDriver::memory_info() {
  context_.enter();
  std::size_t free_bytes = 0, total_bytes = 0;
  context_.check(api_.mem_get_info(&free_bytes, &total_bytes), DriverCall::memory_info,
                 [] { return "free and total memory"; });
  return {.free_bytes = free_bytes, .total_bytes = total_bytes};
}

CUmemAllocationProp CudaDriver::properties(const AllocationSpec& spec, DriverCall call) const {
  CUmemAllocationProp prop{};
  prop.type = CU_MEM_ALLOCATION_TYPE_PINNED;
  prop.location = {.type = CU_MEM_LOCATION_TYPE_DEVICE, .id = context_.ordinal()};
  prop.requestedHandleTypes = cuda_type(spec.handle, call);
  prop.allocFlags.gpuDirectRDMACapable = spec.gpu_direct_rdma ? 1 : 0;
  return prop;
}

std::uint64_t CudaDriver::granularity(const AllocationSpec& spec, Granularity which) {
  context_.enter();
  const CUmemAllocationProp prop = properties(spec, DriverCall::granularity);
  std::size_t bytes = 0;
  context_.check(
      api_.mem_get_allocation_granularity(
          &bytes, &prop,
          which == Granularity::minimum ? CU_MEM_ALLOC_GRANULARITY_MINIMUM : CU_MEM_ALLOC_GRANULARITY_RECOMMENDED),
      DriverCall::granularity, [&] { return fmt::format("for {} memory", name_of(spec.handle)); });
  return bytes;
}

std::string CudaDriver::free_memory_text() {
  std::size_t free_bytes = 0, total_bytes = 0;
  if (api_.mem_get_info(&free_bytes, &total_bytes) != CUDA_SUCCESS) return "free memory unknown";
  return fmt::format("{} free of {}", format_bytes(free_bytes), format_bytes(total_bytes));
}

const CudaDriver::Memory& CudaDriver::find(MemoryId id, DriverCall call) const {
  const auto at = memories_.find(id);
  if (at == memories_.end()) {
    const auto number = static_cast<std::uint64_t>(id);
    throw_driver_error(call, driver_code::kInvalidHandle,
                       fmt::format("memory {} {}", number,
                                   number != 0 && number <= last_id_ ? "was released before" : "was never created"));
  }
  return at->second;
}

MemoryId CudaDriver::keep(const Memory& memory) {
  const MemoryId id{++last_id_};
  memories_.emplace(id, memory);
  return id;
}

MemoryId CudaDriver::create(std::uint64_t bytes, const AllocationSpec& spec) {
  context_.enter();
  const CUmemAllocationProp prop = properties(spec, DriverCall::create);
  CUmemGenericAllocationHandle handle = 0;
  context_.check(api_.mem_create(&handle, bytes, &prop, 0), DriverCall::create, [&] {
    return fmt::format("{} asked as {}{}, {}", format_bytes(bytes), name_of(spec.handle),
                       spec.gpu_direct_rdma ? " with GPUDirect RDMA" : "", free_memory_text());
  });
  return keep({.handle = handle, .type = spec.handle, .bytes = bytes});
}

void CudaDriver::release(MemoryId id) {
  const CUmemGenericAllocationHandle handle = find(id, DriverCall::release).handle;
  context_.enter();
  context_.check(api_.mem_release(handle), DriverCall::release,
                 [&] { return fmt::format("memory {}", static_cast<std::uint64_t>(id)); });
  memories_.erase(id);
}

ShareableHandle CudaDriver::export_handle(MemoryId id) {
  const Memory& memory = find(id, DriverCall::export_handle);
  context_.enter();
  const auto export_to = [&](void* to) {
    const CUmemAllocationHandleType type = cuda_type(memory.type, DriverCall::export_handle);
    context_.check(api_.mem_export(to, memory.handle, type, 0), DriverCall::export_handle, [&] {
      return fmt::format("memory {} as {}", static_cast<std::uint64_t>(id), name_of(memory.type));
    });
  };
  if (memory.type == HandleType::fabric) {
    FabricBlob blob;
    static_assert(sizeof(CUmemFabricHandle) == sizeof(blob.bytes));
    CUmemFabricHandle fabric{};
    export_to(&fabric);
    std::memcpy(blob.bytes.data(), &fabric, sizeof(fabric));
    return blob;
  }
  int fd = -1;
  export_to(&fd);
  UniqueFd owned(fd);
  // A worker's children must not keep the memory alive.
  ::fcntl(fd, F_SETFD, FD_CLOEXEC);
  return owned;
}

MemoryId CudaDriver::import_handle(const ShareableHandle& handle) {
  context_.enter();
  const auto import_from = [&](void* from, HandleType type, auto&& detail) {
    CUmemGenericAllocationHandle imported = 0;
    context_.check(api_.mem_import(&imported, from, cuda_type(type, DriverCall::import_handle)),
                   DriverCall::import_handle, detail);
    return keep({.handle = imported, .type = type, .bytes = std::nullopt});
  };
  if (const auto* blob = std::get_if<FabricBlob>(&handle)) {
    CUmemFabricHandle fabric{};
    std::memcpy(&fabric, blob->bytes.data(), sizeof(fabric));
    return import_from(&fabric, HandleType::fabric, [] { return "a peer's fabric handle"; });
  }
  if (std::holds_alternative<IpcBlob>(handle)) {
    throw_driver_error(DriverCall::import_handle, driver_code::kInvalidHandle, "an IPC handle is opened, not imported");
  }
  const int fd = std::get<UniqueFd>(handle).get();
  if (fd < 0) throw_driver_error(DriverCall::import_handle, driver_code::kInvalidHandle, "the descriptor is closed");
  return import_from(reinterpret_cast<void*>(static_cast<std::uintptr_t>(fd)), HandleType::posix_fd,
                     [&] { return fmt::format("a peer's descriptor, here {}", fd); });
}

DevicePtr CudaDriver::reserve(std::uint64_t bytes, std::uint64_t alignment) {
  book_.check_reserve(bytes, alignment);
  context_.enter();
  CUdeviceptr address = 0;
  context_.check(api_.mem_address_reserve(&address, bytes, alignment, 0, 0), DriverCall::reserve,
                 [&] { return fmt::format("{} of address space aligned to {}", format_bytes(bytes), alignment); });
  book_.reserved(address, bytes);
  return address;
}

void CudaDriver::free_range(DevicePtr address, std::uint64_t bytes) {
  book_.check_free(address, bytes);
  context_.enter();
  context_.check(api_.mem_address_free(address, bytes), DriverCall::free_range,
                 [&] { return place_text(address, bytes); });
  book_.freed(address);
}

void CudaDriver::map(DevicePtr address, std::uint64_t bytes, MemoryId id) {
  const Memory& memory = find(id, DriverCall::map);
  book_.check_map(address, bytes);
  if (memory.bytes && *memory.bytes != bytes) {
    throw_driver_error(
        DriverCall::map, driver_code::kInvalidValue,
        fmt::format("{} asked, but the memory has {}", format_bytes(bytes), format_bytes(*memory.bytes)));
  }
  context_.enter();
  context_.check(api_.mem_map(address, bytes, 0, memory.handle, 0), DriverCall::map, [&] {
    return fmt::format("memory {}, {}", static_cast<std::uint64_t>(id), place_text(address, bytes));
  });
  book_.mapped(address, bytes);
}

void CudaDriver::unmap(DevicePtr address, std::uint64_t bytes) {
  book_.check_unmap(address, bytes);
  context_.enter();
  context_.check(api_.mem_unmap(address, bytes), DriverCall::unmap, [&] { return place_text(address, bytes); });
  book_.unmapped(address);
}

void CudaDriver::set_access(DevicePtr address, std::uint64_t bytes) {
  book_.check_access(address, bytes);
  context_.enter();
  CUmemAccessDesc access{};
  access.location = {.type = CU_MEM_LOCATION_TYPE_DEVICE, .id = context_.ordinal()};
  access.flags = CU_MEM_ACCESS_FLAGS_PROT_READWRITE;
  context_.check(api_.mem_set_access(address, bytes, &access, 1), DriverCall::set_access,
                 [&] { return place_text(address, bytes) + ", read and write for this device"; });
}

DevicePtr CudaDriver::allocate_local(std::uint64_t bytes) {
  context_.enter();
  CUdeviceptr address = 0;
  context_.check(api_.mem_alloc(&address, bytes), DriverCall::allocate_local,
                 [&] { return fmt::format("{} asked, {}", format_bytes(bytes), free_memory_text()); });
  locals_.insert(address);
  return address;
}

void CudaDriver::check_local(DevicePtr address, DriverCall call) const {
  if (locals_.contains(address)) return;
  throw_driver_error(call, driver_code::kInvalidValue, fmt::format("{:#x} is not the start of local memory", address));
}

void CudaDriver::free_local(DevicePtr address) {
  check_local(address, DriverCall::free_local);
  context_.enter();
  context_.check(api_.mem_free(address), DriverCall::free_local, [&] { return fmt::format("{:#x}", address); });
  locals_.erase(address);
  exported_.erase(address);
}

IpcBlob CudaDriver::export_ipc(DevicePtr address) {
  check_local(address, DriverCall::export_ipc);
  context_.enter();
  CUipcMemHandle handle{};
  context_.check(api_.ipc_get_mem_handle(&handle, address), DriverCall::export_ipc,
                 [&] { return fmt::format("local memory at {:#x}", address); });
  IpcBlob blob;
  static_assert(sizeof(handle) == sizeof(blob.bytes));
  std::memcpy(blob.bytes.data(), &handle, sizeof(handle));
  exported_.insert(address);
  return blob;
}

DevicePtr CudaDriver::open_ipc(const IpcBlob& blob) {
  context_.enter();
  CUipcMemHandle handle{};
  std::memcpy(&handle, blob.bytes.data(), sizeof(handle));
  CUdeviceptr address = 0;
  context_.check(api_.ipc_open_mem_handle(&address, handle, CU_IPC_MEM_LAZY_ENABLE_PEER_ACCESS), DriverCall::open_ipc,
                 [] { return "a peer's local memory"; });
  ++opened_[address];
  return address;
}

void CudaDriver::close_ipc(DevicePtr address) {
  const auto opened = opened_.find(address);
  if (opened == opened_.end()) {
    throw_driver_error(DriverCall::close_ipc, driver_code::kInvalidValue,
                       fmt::format("{:#x} is not the start of memory that was opened", address));
  }
  context_.enter();
  context_.check(api_.ipc_close_mem_handle(address), DriverCall::close_ipc,
                 [&] { return fmt::format("a peer's local memory at {:#x}", address); });
  if (--opened->second == 0) opened_.erase(opened);
}

DevicePtr CudaDriver::register_host(void* memory, std::uint64_t bytes) {
  context_.enter();
  const auto detail = [&] { return fmt::format("{} of host memory at {}", format_bytes(bytes), memory); };
  context_.check(api_.mem_host_register(memory, bytes, CU_MEMHOSTREGISTER_DEVICEMAP), DriverCall::register_host,
                 detail);
  registered_.push_back(memory);
  CUdeviceptr address = 0;
  context_.check(api_.mem_host_get_device_pointer(&address, memory, 0), "cuMemHostGetDevicePointer", detail);
  return address;
}

std::unique_ptr<Stream> CudaDriver::make_stream() {
  return std::make_unique<CudaStream>(context_, options_.synchronize_limit);
}

}  // namespace symmbench
