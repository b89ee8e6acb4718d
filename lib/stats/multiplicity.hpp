#pragma once
#include <span>
#include <vector>

namespace symmbench {

/// Holm's step-down over a family of questions, each with its chance of so clear an answer where there is nothing to
/// find: what each chance must stay below so that all answers together are wrong in `level` of the families at most. The
/// smallest is held against level / n, the next against level / (n - 1), up to the first that does not stay below;
/// whatever comes after is held against the same as that one, and does not stay below it either.
std::vector<double> holm_limits(std::span<const double> chances, double level);

}  // namespace symmbench
