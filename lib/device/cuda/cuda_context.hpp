#pragma once
#include <string>

#include "device/cuda/cuda_api.hpp"

namespace symmbench {

/// A share of one device's primary context, which the CUDA runtime in this process uses too.
class CudaContext {
 public:
  /// Initialises the driver when nobody has. `api` must outlive this.
  /// @throws Error{environment, not_supported}: no such device, one without virtual memory management, or one that
  /// this binary holds no kernels for; Error{driver, ...}: the context could not be made
  CudaContext(const CudaApi& api, int ordinal);
  CudaContext(const CudaContext&) = delete;
  CudaContext& operator=(const CudaContext&) = delete;
  ~CudaContext();

  /// Makes the context current in the calling thread: before every call that needs one, since a thread may use several
  /// devices and the CUDA runtime switches too. A few dozen nanoseconds when it is current already.
  void enter() const;
  /// For destructors: whether the context could be made current.
  bool try_enter() const { return api_.context_set_current(context_) == CUDA_SUCCESS; }

  const CudaApi& api() const { return api_; }
  CUdevice device() const { return device_; }
  int ordinal() const { return ordinal_; }

  int attribute(CUdevice_attribute which) const;

  /// check() of the API with "device N: " before the detail.
  template <class Call, class Detail>
  void check(CUresult result, Call call, Detail&& detail) const {
    api_.check(result, call, [&] { return device_text() + std::string(detail()); });
  }

 private:
  std::string device_text() const;

  const CudaApi& api_;
  int ordinal_;
  CUdevice device_ = 0;
  CUcontext context_ = nullptr;
};

/// cuInit and cuDeviceGetCount. @throws Error{environment, not_supported} when the driver cannot start (its code is in
/// the failure) or shows no device
int count_devices(const CudaApi& api);

}  // namespace symmbench
