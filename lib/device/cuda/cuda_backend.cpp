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
    found.reason = failure.call.empty() ? failure.detail : fmt::format("{} ({})", failure.detail, failure.call);
  }
  return found;
}

CudaAvailability probe_cuda() { return probe_cuda(kCudaLibrary); }

std::optional<std::string> peer_access_problem(const CudaApi& api, std::span<const int> ordinals) {
  count_devices(api);
  const auto device_of = [&](int ordinal) {
    CUdevice device = 0;
    api.check(api.device_get(&device, ordinal), "cuDeviceGet", [&] { return fmt::format("device {}", ordinal); });
    return device;
  };
  for (const int from : ordinals) {
    for (const int to : ordinals) {
      if (from == to) continue;
      int can = 0;
      api.check(api.device_can_access_peer(&can, device_of(from), device_of(to)), "cuDeviceCanAccessPeer",
                [&] { return fmt::format("device {} to device {}", from, to); });
      if (can == 0) {
        return fmt::format("device {} cannot access the memory of device {} (cuDeviceCanAccessPeer)", from, to);
      }
    }
  }
  return std::nullopt;
}

std::optional<std::string> peer_access_problem(std::span<const int> ordinals) {
  return peer_access_problem(cuda_api(), ordinals);
}

std::unique_ptr<Driver> make_cuda_driver(int ordinal, const CudaOptions& options) {
  return std::make_unique<CudaDriver>(cuda_api(), ordinal, options);
}

void* native_stream(Stream& stream) {
  const auto* own = dynamic_cast<CudaStream*>(&stream);
  if (own == nullptr) throw_driver_error("native_stream", driver_code::kInvalidHandle, "a stream of another device");
  return own->native();
}

}  // namespace symmbench
