#pragma once
#include "findings/finding.hpp"

namespace symmbench {

// Checks on what several libraries and rules see of a GPU: whether it fits together, and is the rank's own GPU.

Observed observe_nonsense(const CheckRow& row, const Json& report);
Observed observe_clique_lists(const CheckRow& row, const Json& report);
Observed observe_multicast_cliques(const CheckRow& row, const Json& report);
Observed observe_lookups(const CheckRow& row, const Json& report);

}  // namespace symmbench
