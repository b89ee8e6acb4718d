#include "device/cuda/cuda_backend.hpp"

#include <fmt/format.h>

#include "core/error.hpp"
#include "device/cuda/cuda_api.hpp"
#include "device/cuda/cuda_context.hpp"
#include "device/cuda/cuda_driver.hpp"
#include "device/cuda/cuda_stream.hpp"

namespace symmbench {

CudaAvailability probe_cuda(const std::string& library) {
  CudaAvailability found{.built_for = CUDA_VERSION, .driver_version = cuda_driver_version(library)};
  try {
    found.device_count = count_devices(load_cuda_api(library));
    found.usable = true;
  } catch (const Error& error) {
    const Failure& failure = error.failure();
    found.absent = failure.call == "dlopen" || failure.code == CUDA_ERROR_NO_DEVICE ||
                   (failure.call == "cuDeviceGetCount" && !failure.code);
    found.reason = failure.call.empty() ? failure.detail : fmt::format("{} ({})", failure.detail, failure.call);
  }
  return found;
}

CudaAvailability probe_cuda() { return probe_cuda(kCudaLibrary); }

std::vector<std::string> unreachable_devices(const CudaApi& api, int ordinal) {
  const int count = count_devices(api);
  const auto device_of = [&](int which) {
    CUdevice device = 0;
    api.check(api.device_get(&device, which), "cuDeviceGet", [&] { return fmt::format("device {}", which); });
    return device;
  };
  std::vector<std::string> unreachable;
  for (int other = 0; other < count; ++other) {
    if (other == ordinal) continue;
    int can = 0;
    api.check(api.device_can_access_peer(&can, device_of(ordinal), device_of(other)), "cuDeviceCanAccessPeer",
              [&] { return fmt::format("device {} to device {}", ordinal, other); });
    if (can != 0) continue;
    CUuuid uuid{};
    api.check(api.device_get_uuid(&uuid, device_of(other)), "cuDeviceGetUuid",
              [&] { return fmt::format("device {}", other); });
    unreachable.push_back(uuid_text(uuid));
  }
  return unreachable;
}

std::vector<std::string> unreachable_devices(int ordinal) { return unreachable_devices(cuda_api(), ordinal); }

std::unique_ptr<Driver> make_cuda_driver(int ordinal, const CudaOptions& options) {
  return std::make_unique<CudaDriver>(cuda_api(), ordinal, options);
}

void* native_stream(Stream& stream) {
  const auto* own = dynamic_cast<CudaStream*>(&stream.undecorated());
  if (own == nullptr) throw_driver_error("native_stream", driver_code::kInvalidHandle, "a stream of another device");
  return own->native();
}

}  // namespace symmbench
