#pragma once
#include "report/record_set.hpp"

namespace symmbench {

/// fabric.links[]: per group of ranks {group, allocator, bytes, read_us[reader][owner]}, of several measurements the least
/// of each pair; own memory is null. Empty: not measured.
Json fold_link_times(const RecordSet& records);

}  // namespace symmbench
