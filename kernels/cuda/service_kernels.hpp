#pragma once
#include <cstdint>

#include "kernels/kernel_set.hpp"

namespace symmbench::cuda {

// What is launched around collectives (checks.cu, small_kernels.cu). `stream` is a cudaStream_t whose device is
// current; results are cudaError_t values.

int launch_device_barrier(void* stream, const RankView& view, const SegmentView& flags);
int launch_fill_inputs(void* stream, const BatchView& batch, const CheckCall& call);
int launch_fill_constants(void* stream, const BatchView& batch, const CheckCall& call);
int launch_check(void* stream, const BatchView& batch, const CheckCall& call, std::uint64_t advance);
int launch_scan(void* stream, DevicePtr data, std::uint64_t words, std::uint32_t pattern, DevicePtr count);
int launch_write_word(void* stream, DevicePtr to, std::uint32_t value);
/// `count` addresses, at most kMaxRanks.
int launch_read_words(void* stream, const DevicePtr* from, std::uint32_t count, DevicePtr to);

}  // namespace symmbench::cuda
