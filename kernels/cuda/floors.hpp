#pragma once
#include <cstdint>

#include "kernels/link_probe.hpp"

namespace symmbench::cuda {

// The kernels of LinkProbe (floors.cu), under the same rules as service_kernels.hpp. All but the first and the last need
// two ranks at least.

int launch_empty(void* stream);
int launch_flag_barrier(void* stream, const RankView& view, const SegmentView& segment, std::uint32_t row);
int launch_write_peers(void* stream, const RankView& view, const SegmentView& segment, std::uint32_t blocks_per_peer);
int launch_read_peers(void* stream, const RankView& view, const SegmentView& segment, std::uint32_t blocks_per_peer,
                      DevicePtr sink);
int launch_ping(void* stream, const RankView& view, const SegmentView& segment, std::uint32_t rounds, DevicePtr to);
int launch_stamp(void* stream, DevicePtr to);

}  // namespace symmbench::cuda
