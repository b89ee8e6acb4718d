#pragma once
#include <span>

#include "memory/shared_memory.hpp"

namespace symmbench {

/// What the trtllm_fusion workspace does otherwise than upstream whichever allocator backs it; what an allocator does
/// otherwise is Allocator::differences(). For `list` and the report. (design section 4, FI 16)
std::span<const Difference> workspace_differences();

}  // namespace symmbench
