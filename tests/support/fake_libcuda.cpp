// Stands in for libcuda.so.1: enough for the loader and the probe. Every function that it does not know is a stub.
#include "support/fake_libcuda.hpp"

#include <cuda.h>

#include <cstdio>
#include <cstring>

// cuda.h renames this to what a caller without the version suffix means.
#undef cuGetProcAddress

extern "C" {

symmbench::test::FakeLibcudaSettings fake_libcuda_settings;

CUresult cuDriverGetVersion(int* version) {
  *version = fake_libcuda_settings.driver_version;
  return CUDA_SUCCESS;
}

static CUresult fake_init(unsigned) { return static_cast<CUresult>(fake_libcuda_settings.init_result); }
static CUresult fake_count(int* count) {
  *count = fake_libcuda_settings.devices;
  return CUDA_SUCCESS;
}
static CUresult fake_error_name(CUresult result, const char** name) {
  *name = result == CUDA_ERROR_NO_DEVICE ? "CUDA_ERROR_NO_DEVICE" : "CUDA_ERROR_SOME_OTHER";
  return CUDA_SUCCESS;
}
static CUresult stub() { return CUDA_ERROR_UNKNOWN; }

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
  if (std::strcmp(name, "cuInit") == 0) {
    *address = reinterpret_cast<void*>(&fake_init);
  } else if (std::strcmp(name, "cuDeviceGetCount") == 0) {
    *address = reinterpret_cast<void*>(&fake_count);
  } else if (std::strcmp(name, "cuGetErrorName") == 0) {
    *address = reinterpret_cast<void*>(&fake_error_name);
  } else {
    *address = reinterpret_cast<void*>(&stub);
  }
  return CUDA_SUCCESS;
}

}  // extern "C"
