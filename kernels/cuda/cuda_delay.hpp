#pragma once
#include <functional>

#include "device/stream.hpp"

namespace symmbench {

/// What keeps a stream of one GPU busy for so many microseconds, by the GPU's own clock, under the same rules as
/// make_cuda_kernels().
std::function<void(Stream& stream, double us)> make_cuda_delay(int ordinal);

}  // namespace symmbench
