#pragma once
#include <span>

#include "findings/finding.hpp"

namespace symmbench {

/// The rows of check_table() that go by recorded failures: driver calls, and what is between ranks.
std::span<const CheckRow> failure_checks();

}  // namespace symmbench
