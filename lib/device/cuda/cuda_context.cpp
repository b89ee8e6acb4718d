#include "device/cuda/cuda_context.hpp"

#include <fmt/format.h>

#include <cstdlib>

#include "core/error.hpp"
#include "device/cuda/architectures.hpp"

namespace symmbench {
namespace {

[[noreturn]] void refuse(std::string call, std::string detail, std::optional<int> code = std::nullopt) {
  throw Error({.layer = Layer::environment,
               .reason = Reason::not_supported,
               .call = std::move(call),
               .detail = std::move(detail),
               .code = code});
}

/// The commonest reason why a device that nvidia-smi shows is missing here.
std::string visibility() {
  const char* devices = std::getenv("CUDA_VISIBLE_DEVICES");
  return devices != nullptr ? fmt::format("CUDA_VISIBLE_DEVICES='{}'", devices) : "CUDA_VISIBLE_DEVICES is not set";
}

}  // namespace

int count_devices(const CudaApi& api) {
  if (const CUresult result = api.init(0); result != CUDA_SUCCESS) {
    refuse("cuInit", fmt::format("{}, {}", api.name_of(result), visibility()), result);
  }
  int count = 0;
  if (const CUresult result = api.device_get_count(&count); result != CUDA_SUCCESS) {
    refuse("cuDeviceGetCount", api.name_of(result), result);
  }
  if (count == 0) refuse("cuDeviceGetCount", "no CUDA device is visible, " + visibility());
  return count;
}

CudaContext::CudaContext(const CudaApi& api, int ordinal) : api_(api), ordinal_(ordinal) {
  const int count = count_devices(api);
  if (ordinal < 0 || ordinal >= count) {
    refuse("cuDeviceGet", fmt::format("device {} asked, {} visible, {}", ordinal, count, visibility()));
  }
  check(api.device_get(&device_, ordinal), "cuDeviceGet", [] { return "cannot be opened"; });
  if (attribute(CU_DEVICE_ATTRIBUTE_VIRTUAL_MEMORY_MANAGEMENT_SUPPORTED) == 0) {
    refuse("cuDeviceGetAttribute", fmt::format("device {} has no virtual memory management", ordinal));
  }
  const int sm = attribute(CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR) * 10 +
                 attribute(CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR);
  if (const auto problem = architecture_problem(sm, SYMMBENCH_CUDA_ARCHITECTURES)) {
    refuse("cuDeviceGetAttribute", fmt::format("device {} cannot run the kernels: {}", ordinal, *problem));
  }
  check(api.primary_context_retain(&context_, device_), "cuDevicePrimaryCtxRetain",
        [] { return "no context (is the device in exclusive mode, or out of memory?)"; });
  try {
    enter();
  } catch (...) {
    api.primary_context_release(device_);
    throw;
  }
}

CudaContext::~CudaContext() {
  CUcontext current = nullptr;
  if (api_.context_get_current(&current) == CUDA_SUCCESS && current == context_) api_.context_set_current(nullptr);
  api_.primary_context_release(device_);
}

void CudaContext::enter() const {
  check(api_.context_set_current(context_), "cuCtxSetCurrent", [] { return "its context cannot be used any more"; });
}

int CudaContext::attribute(CUdevice_attribute which) const {
  int value = 0;
  check(api_.device_get_attribute(&value, which, device_), DriverCall::facts,
        [&] { return fmt::format("attribute {}", static_cast<int>(which)); });
  return value;
}

std::string CudaContext::device_text() const { return fmt::format("device {}: ", ordinal_); }

}  // namespace symmbench
