#pragma once
#include "report/record_set.hpp"

namespace symmbench {

/// bisect[]: what `run --bisect` found, one entry per group of ranks in which something failed; null where nobody asked.
Json fold_bisect(const RecordSet& records);

}  // namespace symmbench
