#pragma once

namespace symmbench {

/// The ranks of a job are split into contiguous groups of equal size that do the same at the same time. These say how,
/// for everybody. `asked`: ranks per group, 0: all ranks are one group.
constexpr int ranks_per_group(int asked, int world_size) { return asked == 0 ? world_size : asked; }

/// Which group a rank belongs to.
constexpr int group_of_rank(int world_rank, int group_size) { return world_rank / group_size; }

}  // namespace symmbench
