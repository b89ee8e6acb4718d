#pragma once
#include <cstdint>

namespace symmbench::cuda {

/// One thread that looks at the clock for `ns`. `stream` is a cudaStream_t whose device is current; the result is a
/// cudaError_t value.
int launch_delay(void* stream, std::uint64_t ns);

}  // namespace symmbench::cuda
