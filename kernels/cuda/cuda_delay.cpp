#include "kernels/cuda/cuda_delay.hpp"

#include <algorithm>
#include <cstdint>

#include "kernels/cuda/cuda_calls.hpp"
#include "kernels/cuda/delay.hpp"

namespace symmbench {

std::function<void(Stream& stream, double us)> make_cuda_delay(int ordinal) {
  return [calls = CudaCalls(ordinal)](Stream& stream, double us) {
    const auto ns = static_cast<std::uint64_t>(std::max(us, 0.0) * 1e3);
    calls.check(cuda::launch_delay(calls.native(stream), ns), [] { return "delay"; });
  };
}

}  // namespace symmbench
