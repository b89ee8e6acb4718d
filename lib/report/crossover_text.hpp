#pragma once
#include <ostream>

#include "core/json.hpp"

namespace symmbench {

/// What crossover[] comes to, a line per series: which algorithm is fastest from where to where, and the most that auto
/// loses. Nothing where no series has more than one algorithm. Every line starts with "# " when `commented`.
void write_crossover(std::ostream& out, const Json& report, bool commented = false);

}  // namespace symmbench
