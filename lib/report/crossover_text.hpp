#pragma once
#include <ostream>

#include "core/json.hpp"

namespace symmbench {

/// What crossover[] comes to, a line per series: which algorithm is fastest from where to where, all of them where
/// nothing decides between some, and, if `auto` was asked for, the most that it is known to lose. Nothing where no series
/// has more than one algorithm, nor for a run that did not pass. Every line starts with "# " when `commented`.
void write_crossover(std::ostream& out, const Json& report, bool commented = false);

}  // namespace symmbench
