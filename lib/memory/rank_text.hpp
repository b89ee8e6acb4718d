#pragma once
#include <span>
#include <string>

namespace symmbench {

/// "rank 3" or "ranks 0, 1, 3".
std::string rank_list(std::span<const int> world_ranks);

/// Who holds what: "4096 on ranks 0, 1, 3; 8192 on rank 2". Values in the order of their first holder.
std::string holders_by_value(std::span<const int> world_ranks, std::span<const std::string> values);

}  // namespace symmbench
