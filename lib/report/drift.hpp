#pragma once
#include <vector>

#include "journal/lifecycle_record.hpp"

namespace symmbench {

/// stability[].drift: whether operations took longer in the second half of the lifecycles than in the first, by
/// judge_slowdowns(): parts of each half stand for its placements. The first lifecycle of each worker is left out, which
/// does for the first time what the others repeat; where every worker had one only, all count. Null where no operation was timed.
Json fold_drift(const std::vector<const LifecycleRecord*>& in_order);

}  // namespace symmbench
