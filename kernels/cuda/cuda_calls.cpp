#include "kernels/cuda/cuda_calls.hpp"

#include <cuda_runtime_api.h>
#include <fmt/format.h>

#include "core/error.hpp"
#include "device/cuda/cuda_stream.hpp"

namespace symmbench {
namespace {

Reason reason_of(cudaError_t error) {
  switch (error) {
    case cudaErrorMemoryAllocation:
    case cudaErrorLaunchOutOfResources:
      return Reason::out_of_memory;
    case cudaErrorNoKernelImageForDevice:
    case cudaErrorNotSupported:
    case cudaErrorInsufficientDriver:
      return Reason::not_supported;
    case cudaErrorInvalidValue:
    case cudaErrorInvalidConfiguration:
    case cudaErrorInvalidClusterSize:
      return Reason::invalid_argument;
    case cudaErrorIllegalAddress:
      return Reason::illegal_address;
    default:
      return Reason::internal;
  }
}

}  // namespace

void CudaCalls::refuse(std::string call, std::string detail) {
  throw Error({.layer = Layer::kernel,
               .reason = Reason::invalid_argument,
               .call = std::move(call),
               .detail = std::move(detail)});
}

void* CudaCalls::native(Stream& stream) const {
  auto* cuda_stream = dynamic_cast<CudaStream*>(&stream.undecorated());
  if (cuda_stream == nullptr) refuse("CudaKernels", "the stream belongs to another kind of device");
  if (cuda_stream->ordinal() != ordinal_) {
    refuse("CudaKernels", fmt::format("kernels of device {}, a stream of device {}", ordinal_, cuda_stream->ordinal()));
  }
  return cuda_stream->native();
}

void CudaCalls::failed(int result, const std::string& what) const {
  const auto error = static_cast<cudaError_t>(result);
  static_cast<void>(cudaGetLastError());  // told here; it must not meet the next launch
  throw Error({.layer = Layer::kernel,
               .reason = reason_of(error),
               .call = "cudaLaunchKernelEx",
               .detail = fmt::format("{} on device {}: {}", what, ordinal_, cudaGetErrorName(error)),
               .code = result});
}

}  // namespace symmbench
