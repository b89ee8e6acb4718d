#pragma once

namespace symmbench {

/// The device of a rank: 0 when the launcher showed this rank a single device, else its rank within the host. Two ranks
/// of one host that were each shown the same single device end up on one GPU: compare DeviceFacts::uuid to see that.
/// @throws Error{environment, not_supported} naming both counts when there are too few
int choose_ordinal(int local_rank, int visible_count);

}  // namespace symmbench
