#pragma once
#include <span>

#include "findings/finding.hpp"

namespace symmbench {

/// Every check there is: an id each, and what a hit means.
std::span<const CheckRow> check_table();

}  // namespace symmbench
