#pragma once
#include <cuda.h>
#include <cudaTypedefs.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "device/cuda/shared_library.hpp"
#include "device/driver_call.hpp"

namespace symmbench {

/// Every driver function that the tool calls: member, base name, and the version of its signature, which is also the
/// oldest driver (as cuDriverGetVersion encodes it) that has it. No cuMulticast function is ever looked up here.
// clang-format off
#define SYMMBENCH_CUDA_FUNCTIONS(X)                                        \
  X(init, cuInit, 2000)                                                    \
  X(get_error_name, cuGetErrorName, 6000)                                  \
  X(device_get_count, cuDeviceGetCount, 2000)                              \
  X(device_get, cuDeviceGet, 2000)                                         \
  X(device_get_name, cuDeviceGetName, 2000)                                \
  X(device_get_uuid, cuDeviceGetUuid, 11040)                               \
  X(device_get_pci_bus_id, cuDeviceGetPCIBusId, 4010)                      \
  X(device_get_attribute, cuDeviceGetAttribute, 2000)                      \
  X(device_can_access_peer, cuDeviceCanAccessPeer, 4000)                   \
  X(primary_context_retain, cuDevicePrimaryCtxRetain, 7000)                \
  X(primary_context_release, cuDevicePrimaryCtxRelease, 11000)             \
  X(context_set_current, cuCtxSetCurrent, 4000)                            \
  X(context_get_current, cuCtxGetCurrent, 4000)                            \
  X(mem_get_info, cuMemGetInfo, 3020)                                      \
  X(mem_get_allocation_granularity, cuMemGetAllocationGranularity, 10020)  \
  X(mem_create, cuMemCreate, 10020)                                        \
  X(mem_release, cuMemRelease, 10020)                                      \
  X(mem_export, cuMemExportToShareableHandle, 10020)                       \
  X(mem_import, cuMemImportFromShareableHandle, 10020)                     \
  X(mem_address_reserve, cuMemAddressReserve, 10020)                       \
  X(mem_address_free, cuMemAddressFree, 10020)                             \
  X(mem_map, cuMemMap, 10020)                                              \
  X(mem_unmap, cuMemUnmap, 10020)                                          \
  X(mem_set_access, cuMemSetAccess, 10020)                                 \
  X(mem_alloc, cuMemAlloc, 3020)                                           \
  X(mem_free, cuMemFree, 3020)                                             \
  X(ipc_get_mem_handle, cuIpcGetMemHandle, 4010)                           \
  X(ipc_open_mem_handle, cuIpcOpenMemHandle, 11000)                        \
  X(ipc_close_mem_handle, cuIpcCloseMemHandle, 4010)                       \
  X(mem_host_register, cuMemHostRegister, 6050)                            \
  X(mem_host_unregister, cuMemHostUnregister, 4000)                        \
  X(mem_host_get_device_pointer, cuMemHostGetDevicePointer, 3020)          \
  X(memcpy_async, cuMemcpyAsync, 4000)                                     \
  X(memset_d32_async, cuMemsetD32Async, 3020)                              \
  X(stream_create, cuStreamCreate, 2000)                                   \
  X(stream_destroy, cuStreamDestroy, 4000)                                 \
  X(stream_query, cuStreamQuery, 2000)                                     \
  X(stream_begin_capture, cuStreamBeginCapture, 10010)                     \
  X(stream_end_capture, cuStreamEndCapture, 10000)                         \
  X(graph_instantiate, cuGraphInstantiateWithFlags, 11040)                 \
  X(graph_launch, cuGraphLaunch, 10000)                                    \
  X(graph_destroy, cuGraphDestroy, 10000)                                  \
  X(graph_exec_destroy, cuGraphExecDestroy, 10000)                         \
  X(event_create, cuEventCreate, 2000)                                     \
  X(event_destroy, cuEventDestroy, 4000)                                   \
  X(event_record, cuEventRecordWithFlags, 11010)                           \
  X(event_elapsed_time, cuEventElapsedTime, 2000)
// clang-format on

/// CUcliqueInfo, which the headers have from CUDA 13.4 on.
struct DriverClique {
  int type = 0;
  unsigned id = 0;
};

/// The driver's functions, looked up at run time so that one binary starts on a machine without a driver.
struct CudaApi {
#define SYMMBENCH_MEMBER(member, function, version) PFN_##function##_v##version member = nullptr;
  SYMMBENCH_CUDA_FUNCTIONS(SYMMBENCH_MEMBER)
#undef SYMMBENCH_MEMBER
  // Facts that newer drivers tell of the NVLink fabric; null where the driver is older.
  CUresult (*device_get_clique_count)(std::size_t*, CUdevice) = nullptr;
  CUresult (*device_get_clique_info)(DriverClique*, std::size_t*, CUdevice) = nullptr;
  CUresult (*device_get_fabric_cluster_uuid)(CUuuid*, CUdevice) = nullptr;
  int driver_version = 0;

  /// "CUDA_ERROR_NOT_PERMITTED"; never empty.
  std::string name_of(CUresult result) const;

  /// Nothing on success; else throws Error{driver} with the code, its name and what `detail()` returns: object, device,
  /// bytes. `call` is a DriverCall or the driver's name for the function. `detail` runs on failure only.
  template <class Call, class Detail>
  void check(CUresult result, Call call, Detail&& detail) const {
    if (result != CUDA_SUCCESS) {
      throw_driver_error(call, result, name_of(result) + ": " + std::forward<Detail>(detail)());
    }
  }
};

/// "13.0" for 13000.
std::string cuda_version_text(int version);

/// What cuDriverGetVersion says; nullopt when there is no driver.
std::optional<int> cuda_driver_version(const std::string& library = kCudaLibrary);

/// Opens the driver library and looks up every function of CudaApi with cuGetProcAddress_v2.
/// @throws Error{environment, not_supported}: no library, a driver of an older CUDA major version than this binary was
/// built for (its kernels would not load), or a missing symbol; names the symbol and both versions
CudaApi load_cuda_api(const std::string& library = kCudaLibrary);

/// The process's driver, opened at the first call. @throws as load_cuda_api()
const CudaApi& cuda_api();

}  // namespace symmbench
