// Stands in for libcuda.so.1: enough for the loader, the probe and the facts of a device; memory and streams are stubs
// that fail. The GPUs of all processes are those of one machine.
#include "support/fake_libcuda.hpp"

#include <cuda.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

// cuda.h renames this to what a caller without the version suffix means.
#undef cuGetProcAddress

extern "C" {

symmbench::test::FakeLibcudaSettings fake_libcuda_settings;

__attribute__((constructor)) static void read_environment() {
  const auto read = [](const char* name, int& setting) {
    if (const char* text = std::getenv(name)) setting = std::atoi(text);
  };
  read("FAKE_CUDA_DRIVER_VERSION", fake_libcuda_settings.driver_version);
  read("FAKE_CUDA_DEVICES", fake_libcuda_settings.devices);
  read("FAKE_CUDA_SM", fake_libcuda_settings.sm);
  read("FAKE_CUDA_PEER_ACCESS", fake_libcuda_settings.peer_access);
  read("FAKE_CUDA_FREE_MIB", fake_libcuda_settings.free_mib);
}

CUresult cuDriverGetVersion(int* version) {
  *version = fake_libcuda_settings.driver_version;
  return CUDA_SUCCESS;
}

static CUresult fake_init(unsigned) { return static_cast<CUresult>(fake_libcuda_settings.init_result); }
/// The place in the machine of visible device `ordinal`, or -1.
static int machine_device(int ordinal) {
  const char* visible = std::getenv("CUDA_VISIBLE_DEVICES");
  if (visible == nullptr) return ordinal < fake_libcuda_settings.devices ? ordinal : -1;
  for (int i = 0; *visible != 0; ++i) {
    const int device = std::atoi(visible);
    if (device >= fake_libcuda_settings.devices) return -1;
    if (i == ordinal) return device;
    visible = std::strchr(visible, ',');
    if (visible == nullptr) return -1;
    ++visible;
  }
  return -1;
}

static CUresult fake_count(int* count) {
  for (*count = 0; machine_device(*count) >= 0; ++*count) continue;
  return CUDA_SUCCESS;
}
static CUresult fake_get(CUdevice* device, int ordinal) {
  *device = machine_device(ordinal);
  return *device >= 0 ? CUDA_SUCCESS : CUDA_ERROR_INVALID_DEVICE;
}
static CUresult fake_name(char* name, int bytes, CUdevice) {
  std::snprintf(name, static_cast<std::size_t>(bytes), "Fake GPU");
  return CUDA_SUCCESS;
}
static CUresult fake_uuid(CUuuid* uuid, CUdevice device) {
  std::memset(uuid->bytes, 0, sizeof(uuid->bytes));
  uuid->bytes[15] = static_cast<char>(device + 1);
  return CUDA_SUCCESS;
}
static CUresult fake_pci(char* text, int bytes, CUdevice device) {
  std::snprintf(text, static_cast<std::size_t>(bytes), "0000:%02X:00.0", device + 1);
  return CUDA_SUCCESS;
}
static CUresult fake_attribute(int* value, CUdevice_attribute which, CUdevice) {
  switch (which) {
    case CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR:
      *value = fake_libcuda_settings.sm / 10;
      break;
    case CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR:
      *value = fake_libcuda_settings.sm % 10;
      break;
    default:
      *value = 1;
  }
  return CUDA_SUCCESS;
}
static CUresult fake_peer(int* can, CUdevice, CUdevice) {
  *can = fake_libcuda_settings.peer_access;
  return CUDA_SUCCESS;
}
static CUcontext current_context = nullptr;
static CUresult fake_retain(CUcontext* context, CUdevice) {
  *context = reinterpret_cast<CUcontext>(&current_context);
  return CUDA_SUCCESS;
}
static CUresult fake_release(CUdevice) { return CUDA_SUCCESS; }
static CUresult fake_set_current(CUcontext context) {
  current_context = context;
  return CUDA_SUCCESS;
}
static CUresult fake_get_current(CUcontext* context) {
  *context = current_context;
  return CUDA_SUCCESS;
}
static CUresult fake_memory(std::size_t* free_bytes, std::size_t* total_bytes) {
  *free_bytes = static_cast<std::size_t>(fake_libcuda_settings.free_mib) << 20;
  *total_bytes = *free_bytes;
  return CUDA_SUCCESS;
}
static CUresult fake_granularity(std::size_t* bytes, const CUmemAllocationProp*, CUmemAllocationGranularity_flags) {
  *bytes = std::size_t{2} << 20;
  return CUDA_SUCCESS;
}
static CUresult fake_error_name(CUresult result, const char** name) {
  *name = result == CUDA_ERROR_NO_DEVICE ? "CUDA_ERROR_NO_DEVICE" : "CUDA_ERROR_SOME_OTHER";
  return CUDA_SUCCESS;
}
static CUresult stub() { return CUDA_ERROR_UNKNOWN; }

static const struct {
  const char* name;
  void* address;
} kKnownFunctions[] = {{"cuInit", reinterpret_cast<void*>(&fake_init)},
                       {"cuGetErrorName", reinterpret_cast<void*>(&fake_error_name)},
                       {"cuDeviceGetCount", reinterpret_cast<void*>(&fake_count)},
                       {"cuDeviceGet", reinterpret_cast<void*>(&fake_get)},
                       {"cuDeviceGetName", reinterpret_cast<void*>(&fake_name)},
                       {"cuDeviceGetUuid", reinterpret_cast<void*>(&fake_uuid)},
                       {"cuDeviceGetPCIBusId", reinterpret_cast<void*>(&fake_pci)},
                       {"cuDeviceGetAttribute", reinterpret_cast<void*>(&fake_attribute)},
                       {"cuDeviceCanAccessPeer", reinterpret_cast<void*>(&fake_peer)},
                       {"cuDevicePrimaryCtxRetain", reinterpret_cast<void*>(&fake_retain)},
                       {"cuDevicePrimaryCtxRelease", reinterpret_cast<void*>(&fake_release)},
                       {"cuCtxSetCurrent", reinterpret_cast<void*>(&fake_set_current)},
                       {"cuCtxGetCurrent", reinterpret_cast<void*>(&fake_get_current)},
                       {"cuMemGetInfo", reinterpret_cast<void*>(&fake_memory)},
                       {"cuMemGetAllocationGranularity", reinterpret_cast<void*>(&fake_granularity)}};

CUresult cuGetProcAddress_v2(const char* name, void** address, int version, cuuint64_t,
                             CUdriverProcAddressQueryResult* found) {
  auto& settings = fake_libcuda_settings;
  const std::size_t used = std::strlen(settings.requested);
  std::snprintf(settings.requested + used, sizeof(settings.requested) - used, "%s %d\n", name, version);
  *address = nullptr;
  *found = CU_GET_PROC_ADDRESS_SUCCESS;
  if (std::strcmp(name, settings.missing) == 0) {
    *found = CU_GET_PROC_ADDRESS_SYMBOL_NOT_FOUND;
    return CUDA_ERROR_NOT_FOUND;
  }
  if (std::strcmp(name, settings.too_new) == 0) {
    *found = CU_GET_PROC_ADDRESS_VERSION_NOT_SUFFICIENT;
    return CUDA_SUCCESS;
  }
  *address = reinterpret_cast<void*>(&stub);
  for (const auto& function : kKnownFunctions) {
    if (std::strcmp(name, function.name) == 0) *address = function.address;
  }
  return CUDA_SUCCESS;
}

}  // extern "C"
