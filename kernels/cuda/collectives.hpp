#pragma once
#include <cstdint>

#include "kernels/kernel_set.hpp"

namespace symmbench::cuda {

// The seam between cuda_kernels.cpp, which g++ compiles, and the .cu files. `stream` is a cudaStream_t whose device is
// current; results are cudaError_t values.

int launch_plain_fp16(const LaunchShape& shape, void* stream, const AllreduceCall& call);
int launch_plain_bf16(const LaunchShape& shape, void* stream, const AllreduceCall& call);
int launch_plain_fp32(const LaunchShape& shape, void* stream, const AllreduceCall& call);
int launch_fused_fp16(const LaunchShape& shape, void* stream, const AllreduceCall& call);
int launch_fused_bf16(const LaunchShape& shape, void* stream, const AllreduceCall& call);
int launch_fused_fp32(const LaunchShape& shape, void* stream, const AllreduceCall& call);
int launch_barrier_fp16(const LaunchShape& shape, void* stream, const AllreduceCall& call);
int launch_barrier_bf16(const LaunchShape& shape, void* stream, const AllreduceCall& call);
int launch_barrier_fp32(const LaunchShape& shape, void* stream, const AllreduceCall& call);

int launch_device_barrier(void* stream, const RankView& view, const SegmentView& flags);
int launch_fill_inputs(void* stream, const BatchView& batch, const CheckCall& call);
int launch_fill_constants(void* stream, const BatchView& batch, const CheckCall& call);
int launch_check(void* stream, const BatchView& batch, const CheckCall& call, std::uint64_t advance);
int launch_scan(void* stream, DevicePtr data, std::uint64_t words, std::uint32_t pattern, DevicePtr count);
int launch_write_word(void* stream, DevicePtr to, std::uint32_t value);
/// `count` addresses, at most kMaxRanks.
int launch_read_words(void* stream, const DevicePtr* from, std::uint32_t count, DevicePtr to);

}  // namespace symmbench::cuda
