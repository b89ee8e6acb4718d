#pragma once
#include <span>

#include "findings/finding.hpp"

namespace symmbench {

/// The rows of check_table() that go by facts of ranks, handle trials, rows.
std::span<const CheckRow> fact_checks();

}  // namespace symmbench
