#pragma once
#include "report/record_set.hpp"

namespace symmbench {

/// hosts[]: what the ranks say of the systems that they run on, in the order of their first ranks. Ranks of one boot id that
/// say the same share an entry; what changes all the time (memory_available_bytes) is its first rank's. Ranks in a container
/// of their own see another system, and have an entry of their own. Ranks that said nothing are in none.
Json fold_hosts(const RecordSet& records);

}  // namespace symmbench
