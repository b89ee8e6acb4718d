#pragma once
#include "report/record_set.hpp"

namespace symmbench {

/// The "probe" of a report: what the ranks of `symmbench probe` found, each list over all ranks in their order; null for a
/// run.
Json fold_probe(const RecordSet& records);

}  // namespace symmbench
