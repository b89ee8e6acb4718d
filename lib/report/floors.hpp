#pragma once
#include <map>

#include "report/record_set.hpp"
#include "stats/limits.hpp"

namespace symmbench {

/// By group of ranks. Where several workers measured, the best of each figure: a limit is what the links have shown
/// that they can do.
std::map<int, Floors> floors_by_group(const RecordSet& records);

/// fabric.floors[]: {group, empty_kernel_us, flag_barrier_us, hop_us, peer_write_gbs, peer_read_gbs, measured};
/// measured is how often. Empty where nothing was measured, as on an emulated device.
Json fold_floors(const RecordSet& records);

}  // namespace symmbench
