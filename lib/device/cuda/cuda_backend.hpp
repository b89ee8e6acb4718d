#pragma once
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "device/cuda/nvml.hpp"
#include "device/driver.hpp"

namespace symmbench {

/// What probing the CUDA driver found in this process. Unknown is nullopt.
struct CudaAvailability {
  bool usable = false;
  bool absent = false;                ///< no driver, or one that shows no device: nothing that could be in disorder
  std::string reason;                 ///< why not, for a person; empty when usable
  std::optional<int> built_for;       ///< CUDA version of the headers, as cuDriverGetVersion encodes it: 13000
  std::optional<int> driver_version;  ///< highest CUDA version that the driver supports, same encoding
  int device_count = 0;               ///< visible to this process (CUDA_VISIBLE_DEVICES)
};

struct CudaOptions {
  /// How long one Stream::synchronize() may wait. Longer than any wait inside a kernel, so that those give up first.
  std::chrono::nanoseconds synchronize_limit = std::chrono::seconds(60);
  /// Who is asked for the facts of the fabric.
  std::string nvml_library = kNvmlLibrary;
};

/// Opens the driver and counts devices; creates no context. Never throws for what it finds. For workers only: the
/// supervisor must not initialise a driver that may hang. Without the cuda device in this binary it says just that.
CudaAvailability probe_cuda();

/// UUIDs of the visible devices whose memory device `ordinal` cannot reach; creates no context.
/// (cuDeviceCanAccessPeer; devices that this process cannot see are known only to a trial)
/// @throws Error{environment, not_supported} when the driver is not usable
std::vector<std::string> unreachable_devices(int ordinal);

/// The device `ordinal` as a Driver; creates or shares its primary context (about a second the first time).
/// @throws Error{environment, not_supported} when this machine, device or binary cannot, Error{driver, ...} else
std::unique_ptr<Driver> make_cuda_driver(int ordinal, const CudaOptions& options = {});

/// The cudaStream_t of a stream of such a Driver, its device made current in the calling thread.
/// @throws Error{driver, invalid_handle} for a stream of another device
void* native_stream(Stream& stream);

}  // namespace symmbench
