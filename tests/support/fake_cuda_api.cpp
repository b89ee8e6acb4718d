#include "support/fake_cuda_api.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <utility>
#include <vector>

#include "core/clock.hpp"
#include "core/error.hpp"

namespace symmbench::test {
namespace {

std::unique_ptr<FakeCuda> state;
thread_local CUcontext current = nullptr;

constexpr int kProcessShift = 16;

/// Of the process that the current context belongs to, else of the latest.
HostDriver& memory() {
  const auto process = reinterpret_cast<std::uintptr_t>(current) >> kProcessShift;
  return current != nullptr ? *state->processes.at(process) : *state->processes.back();
}

struct FakeStream {
  bool capturing = false;
  std::vector<std::function<void()>> recorded;
};
struct FakeEvent {
  bool recorded = false;
  Clock::time_point at;
};
using FakeGraph = std::vector<std::function<void()>>;

FakeStream& of(CUstream stream) { return *reinterpret_cast<FakeStream*>(stream); }
FakeEvent& of(CUevent event) { return *reinterpret_cast<FakeEvent*>(event); }

/// `action` unless the function is to be refused; failures of the memory below become result codes.
template <class Action>
CUresult answer(const char* function, Action&& action) {
  if (const auto at = state->refused.find(function); at != state->refused.end()) return at->second;
  try {
    action();
    return CUDA_SUCCESS;
  } catch (const Error& error) {
    return static_cast<CUresult>(error.failure().code.value_or(CUDA_ERROR_UNKNOWN));
  } catch (CUresult result) {
    return result;
  }
}

template <class Action>
CUresult answer_in_context(const char* function, Action&& action) {
  if (current == nullptr) return CUDA_ERROR_INVALID_CONTEXT;
  return answer(function, std::forward<Action>(action));
}

void enqueue(CUstream stream, std::function<void()> work) {
  if (of(stream).capturing) {
    of(stream).recorded.push_back(std::move(work));
  } else {
    work();
  }
}

AllocationSpec spec_of(const CUmemAllocationProp& prop) {
  if (prop.type != CU_MEM_ALLOCATION_TYPE_PINNED || prop.location.type != CU_MEM_LOCATION_TYPE_DEVICE) {
    throw CUDA_ERROR_INVALID_VALUE;
  }
  return {.handle = prop.requestedHandleTypes == CU_MEM_HANDLE_TYPE_FABRIC ? HandleType::fabric : HandleType::posix_fd,
          .gpu_direct_rdma = prop.allocFlags.gpuDirectRDMACapable != 0};
}

MemoryId id_of(CUmemGenericAllocationHandle handle) { return MemoryId{handle}; }

int attribute(CUdevice_attribute which) {
  switch (which) {
    case CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR:
      return state->sm / 10;
    case CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR:
      return state->sm % 10;
    case CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT:
      return 132;
    case CU_DEVICE_ATTRIBUTE_VIRTUAL_MEMORY_MANAGEMENT_SUPPORTED:
      return state->virtual_memory ? 1 : 0;
    case CU_DEVICE_ATTRIBUTE_HANDLE_TYPE_FABRIC_SUPPORTED:
      return memory().facts().fabric_supported ? 1 : 0;
    case CU_DEVICE_ATTRIBUTE_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR_SUPPORTED:
    case CU_DEVICE_ATTRIBUTE_MULTICAST_SUPPORTED:
    case CU_DEVICE_ATTRIBUTE_IPC_EVENT_SUPPORTED:
      return 1;
    default:
      return 0;
  }
}

void add_device_functions(CudaApi& api) {
  api.init = [](unsigned) { return answer("cuInit", [] {}); };
  api.get_error_name = [](CUresult result, const char** name) {
    if (result != CUDA_ERROR_NOT_PERMITTED) return CUDA_ERROR_INVALID_VALUE;
    *name = "CUDA_ERROR_NOT_PERMITTED";
    return CUDA_SUCCESS;
  };
  api.device_get_count = [](int* count) { return answer("cuDeviceGetCount", [=] { *count = state->devices; }); };
  api.device_get = [](CUdevice* device, int ordinal) { return answer("cuDeviceGet", [=] { *device = ordinal; }); };
  api.device_get_name = [](char* name, int bytes, CUdevice) {
    return answer("cuDeviceGetName", [=] { std::strncpy(name, "Fake H200", static_cast<std::size_t>(bytes)); });
  };
  api.device_get_uuid = [](CUuuid* uuid, CUdevice device) {
    return answer("cuDeviceGetUuid", [=] {
      for (int i = 0; i < 16; ++i) uuid->bytes[i] = static_cast<char>(0xF0 - i);
      uuid->bytes[15] = static_cast<char>(device);
    });
  };
  api.device_get_pci_bus_id = [](char* text, int bytes, CUdevice) {
    return answer("cuDeviceGetPCIBusId", [=] { std::strncpy(text, "0000:1B:00.0", static_cast<std::size_t>(bytes)); });
  };
  api.device_get_attribute = [](int* value, CUdevice_attribute which, CUdevice) {
    return answer("cuDeviceGetAttribute", [=] { *value = attribute(which); });
  };
  api.device_can_access_peer = [](int* can, CUdevice, CUdevice) {
    return answer("cuDeviceCanAccessPeer", [=] { *can = state->peer_access ? 1 : 0; });
  };
  api.primary_context_retain = [](CUcontext* context, CUdevice device) {
    return answer("cuDevicePrimaryCtxRetain", [=] {
      ++state->contexts;
      const std::uintptr_t process = state->processes.size() - 1;
      *context = reinterpret_cast<CUcontext>((process << kProcessShift) + 0x100 + static_cast<std::uintptr_t>(device));
    });
  };
  api.primary_context_release = [](CUdevice) { return answer("cuDevicePrimaryCtxRelease", [] { --state->contexts; }); };
  api.context_set_current = [](CUcontext context) { return answer("cuCtxSetCurrent", [=] { current = context; }); };
  api.context_get_current = [](CUcontext* context) { return answer("cuCtxGetCurrent", [=] { *context = current; }); };
}

void add_memory_functions(CudaApi& api) {
  api.mem_get_info = [](std::size_t* free_bytes, std::size_t* total_bytes) {
    return answer_in_context("cuMemGetInfo", [=] {
      const MemoryInfo info = memory().memory_info();
      *free_bytes = info.free_bytes;
      *total_bytes = info.total_bytes;
    });
  };
  api.mem_get_allocation_granularity = [](std::size_t* bytes, const CUmemAllocationProp* prop,
                                          CUmemAllocationGranularity_flags which) {
    return answer("cuMemGetAllocationGranularity", [=] {
      AllocationSpec spec;
      if (prop->requestedHandleTypes != CU_MEM_HANDLE_TYPE_NONE) spec = spec_of(*prop);
      *bytes = memory().granularity(
          spec, which == CU_MEM_ALLOC_GRANULARITY_MINIMUM ? Granularity::minimum : Granularity::recommended);
    });
  };
  api.mem_create = [](CUmemGenericAllocationHandle* handle, std::size_t bytes, const CUmemAllocationProp* prop,
                      unsigned long long) {
    return answer("cuMemCreate", [=] {
      *handle = static_cast<CUmemGenericAllocationHandle>(memory().create(bytes, spec_of(*prop)));
      state->handles.insert(*handle);
    });
  };
  api.mem_release = [](CUmemGenericAllocationHandle handle) {
    return answer("cuMemRelease", [=] {
      memory().release(id_of(handle));
      state->handles.erase(handle);
    });
  };
  api.mem_export = [](void* to, CUmemGenericAllocationHandle handle, CUmemAllocationHandleType type,
                      unsigned long long) {
    return answer("cuMemExportToShareableHandle", [=] {
      ShareableHandle exported = memory().export_handle(id_of(handle));
      if (auto* blob = std::get_if<FabricBlob>(&exported)) {
        if (type != CU_MEM_HANDLE_TYPE_FABRIC) throw CUDA_ERROR_INVALID_VALUE;
        std::memcpy(to, blob->bytes.data(), blob->bytes.size());
      } else {
        if (type != CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR) throw CUDA_ERROR_INVALID_VALUE;
        const int fd = std::get<UniqueFd>(exported).release();
        ::fcntl(fd, F_SETFD, 0);  // a child would inherit it, as the driver's own
        *static_cast<int*>(to) = fd;
      }
    });
  };
  api.mem_import = [](CUmemGenericAllocationHandle* handle, void* from, CUmemAllocationHandleType type) {
    return answer("cuMemImportFromShareableHandle", [=] {
      ShareableHandle exported = FabricBlob{};
      if (type == CU_MEM_HANDLE_TYPE_FABRIC) {
        std::memcpy(std::get<FabricBlob>(exported).bytes.data(), from, sizeof(FabricBlob));
      } else {
        exported = UniqueFd(::dup(static_cast<int>(reinterpret_cast<std::uintptr_t>(from))));  // it stays the caller's
      }
      *handle = static_cast<CUmemGenericAllocationHandle>(memory().import_handle(exported));
      state->handles.insert(*handle);
    });
  };
  api.mem_address_reserve = [](CUdeviceptr* address, std::size_t bytes, std::size_t alignment, CUdeviceptr,
                               unsigned long long) {
    return answer("cuMemAddressReserve", [=] {
      *address = memory().reserve(bytes, alignment);
      state->ranges[*address] = bytes;
    });
  };
  api.mem_address_free = [](CUdeviceptr address, std::size_t bytes) {
    return answer("cuMemAddressFree", [=] {
      memory().free_range(address, bytes);
      state->ranges.erase(address);
    });
  };
  api.mem_map = [](CUdeviceptr address, std::size_t bytes, std::size_t, CUmemGenericAllocationHandle handle,
                   unsigned long long) {
    return answer("cuMemMap", [=] {
      memory().map(address, bytes, id_of(handle));
      state->mappings[address] = bytes;
    });
  };
  api.mem_unmap = [](CUdeviceptr address, std::size_t bytes) {
    return answer("cuMemUnmap", [=] {
      memory().unmap(address, bytes);
      state->mappings.erase(address);
    });
  };
  api.mem_set_access = [](CUdeviceptr address, std::size_t bytes, const CUmemAccessDesc* access, std::size_t count) {
    return answer("cuMemSetAccess", [=] {
      if (count != 1 || access->flags != CU_MEM_ACCESS_FLAGS_PROT_READWRITE) throw CUDA_ERROR_INVALID_VALUE;
      memory().set_access(address, bytes);
    });
  };
  api.mem_alloc = [](CUdeviceptr* address, std::size_t bytes) {
    return answer_in_context("cuMemAlloc", [=] {
      *address = memory().allocate_local(bytes);
      state->locals[*address] = bytes;
    });
  };
  api.mem_free = [](CUdeviceptr address) {
    return answer_in_context("cuMemFree", [=] {
      memory().free_local(address);
      state->locals.erase(address);
    });
  };
  api.mem_host_register = [](void* memory, std::size_t bytes, unsigned flags) {
    return answer_in_context("cuMemHostRegister", [=] {
      if (flags != CU_MEMHOSTREGISTER_DEVICEMAP) throw CUDA_ERROR_INVALID_VALUE;
      if (!state->registered.emplace(memory, bytes).second) throw CUDA_ERROR_HOST_MEMORY_ALREADY_REGISTERED;
    });
  };
  api.mem_host_unregister = [](void* memory) {
    return answer_in_context("cuMemHostUnregister", [=] { state->registered.erase(memory); });
  };
  api.mem_host_get_device_pointer = [](CUdeviceptr* address, void* memory, unsigned) {
    return answer_in_context("cuMemHostGetDevicePointer", [=] { *address = reinterpret_cast<CUdeviceptr>(memory); });
  };
}

/// The start of the local memory that an address lies in.
CUdeviceptr start_of_local(CUdeviceptr address) {
  auto local = state->locals.upper_bound(address);
  if (local == state->locals.begin()) throw CUDA_ERROR_INVALID_VALUE;
  --local;
  if (address - local->first >= local->second) throw CUDA_ERROR_INVALID_VALUE;
  return local->first;
}

void add_ipc_functions(CudaApi& api) {
  api.ipc_get_mem_handle = [](CUipcMemHandle* handle, CUdeviceptr address) {
    return answer_in_context("cuIpcGetMemHandle", [=] {
      const IpcBlob blob = memory().export_ipc(start_of_local(address));  // any address inside, as the real one
      std::memcpy(handle, blob.bytes.data(), blob.bytes.size());
    });
  };
  api.ipc_open_mem_handle = [](CUdeviceptr* address, CUipcMemHandle handle, unsigned flags) {
    return answer_in_context("cuIpcOpenMemHandle", [=] {
      if (flags != CU_IPC_MEM_LAZY_ENABLE_PEER_ACCESS) throw CUDA_ERROR_INVALID_VALUE;
      IpcBlob blob;
      std::memcpy(blob.bytes.data(), &handle, blob.bytes.size());
      *address = memory().open_ipc(blob);
      ++state->opened[*address];
    });
  };
  api.ipc_close_mem_handle = [](CUdeviceptr address) {
    return answer_in_context("cuIpcCloseMemHandle", [=] {
      memory().close_ipc(address);
      if (--state->opened[address] == 0) state->opened.erase(address);
    });
  };
}

void add_stream_functions(CudaApi& api) {
  api.stream_create = [](CUstream* stream, unsigned flags) {
    return answer_in_context("cuStreamCreate", [=] {
      if (flags != CU_STREAM_NON_BLOCKING) throw CUDA_ERROR_INVALID_VALUE;
      *stream = reinterpret_cast<CUstream>(new FakeStream);
      ++state->streams;
    });
  };
  api.stream_destroy = [](CUstream stream) {
    return answer_in_context("cuStreamDestroy", [=] {
      delete &of(stream);
      --state->streams;
    });
  };
  api.stream_query = [](CUstream stream) {
    return answer_in_context("cuStreamQuery", [=] {
      if (of(stream).capturing) throw CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
      if (state->stuck) throw CUDA_ERROR_NOT_READY;
      if (state->work_result != CUDA_SUCCESS) throw state->work_result;
    });
  };
  api.memcpy_async = [](CUdeviceptr to, CUdeviceptr from, std::size_t bytes, CUstream stream) {
    return answer_in_context("cuMemcpyAsync", [=] {
      enqueue(stream, [=] { std::memmove(reinterpret_cast<void*>(to), reinterpret_cast<const void*>(from), bytes); });
    });
  };
  api.memset_d32_async = [](CUdeviceptr to, unsigned value, std::size_t words, CUstream stream) {
    return answer_in_context("cuMemsetD32Async", [=] {
      if (words == 0) throw CUDA_ERROR_INVALID_VALUE;
      enqueue(stream, [=] { std::fill_n(reinterpret_cast<unsigned*>(to), words, value); });
    });
  };
  api.stream_begin_capture = [](CUstream stream, CUstreamCaptureMode) {
    return answer_in_context("cuStreamBeginCapture", [=] { of(stream).capturing = true; });
  };
  api.stream_end_capture = [](CUstream stream, CUgraph* graph) {
    return answer_in_context("cuStreamEndCapture", [=] {
      of(stream).capturing = false;
      *graph = reinterpret_cast<CUgraph>(new FakeGraph(std::exchange(of(stream).recorded, {})));
      ++state->graphs;
    });
  };
  api.graph_instantiate = [](CUgraphExec* exec, CUgraph graph, unsigned long long) {
    return answer_in_context("cuGraphInstantiateWithFlags", [=] {
      *exec = reinterpret_cast<CUgraphExec>(new FakeGraph(*reinterpret_cast<FakeGraph*>(graph)));
      ++state->graphs;
    });
  };
  api.graph_launch = [](CUgraphExec exec, CUstream stream) {
    return answer_in_context("cuGraphLaunch", [=] {
      for (const auto& work : *reinterpret_cast<FakeGraph*>(exec)) enqueue(stream, work);
    });
  };
  api.graph_destroy = [](CUgraph graph) {
    return answer_in_context("cuGraphDestroy", [=] {
      delete reinterpret_cast<FakeGraph*>(graph);
      --state->graphs;
    });
  };
  api.graph_exec_destroy = [](CUgraphExec exec) {
    return answer_in_context("cuGraphExecDestroy", [=] {
      delete reinterpret_cast<FakeGraph*>(exec);
      --state->graphs;
    });
  };
  api.event_create = [](CUevent* event, unsigned) {
    return answer_in_context("cuEventCreate", [=] {
      *event = reinterpret_cast<CUevent>(new FakeEvent);
      ++state->events;
    });
  };
  api.event_destroy = [](CUevent event) {
    return answer_in_context("cuEventDestroy", [=] {
      delete &of(event);
      --state->events;
    });
  };
  api.event_record = [](CUevent event, CUstream stream, unsigned flags) {
    return answer_in_context("cuEventRecordWithFlags", [=] {
      if (of(stream).capturing != (flags == CU_EVENT_RECORD_EXTERNAL)) throw CUDA_ERROR_INVALID_VALUE;
      enqueue(stream, [event] { of(event) = {.recorded = true, .at = Clock::now()}; });
    });
  };
  api.event_elapsed_time = [](float* milliseconds, CUevent a, CUevent b) {
    return answer_in_context("cuEventElapsedTime", [=] {
      if (!of(a).recorded || !of(b).recorded) throw CUDA_ERROR_INVALID_HANDLE;
      *milliseconds = std::chrono::duration<float, std::milli>(of(b).at - of(a).at).count();
    });
  };
}

}  // namespace

FakeCuda& fake_cuda() { return *state; }

CudaApi fake_cuda_api() {
  state = std::make_unique<FakeCuda>();
  state->begin_process();
  current = nullptr;
  CudaApi api;
  api.driver_version = 13000;
  add_device_functions(api);
  add_memory_functions(api);
  add_ipc_functions(api);
  add_stream_functions(api);
  return api;
}

}  // namespace symmbench::test
