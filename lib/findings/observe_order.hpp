#pragma once
#include "findings/finding.hpp"

namespace symmbench {

/// Whose memory a rank reads and writes where it means a peer's: of a probe by the data of each pair, in both directions, and
/// by each rank's place in its group; of a run by the ownership test (failures that `row` names).
Observed observe_rank_order(const CheckRow& row, const Json& report);

/// Pairs of a probe of which one rank read, or got, what no rank of the job wrote.
Observed observe_peer_access(const CheckRow& row, const Json& report);

}  // namespace symmbench
