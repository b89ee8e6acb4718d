#pragma once
#include <span>

#include "findings/finding.hpp"

namespace symmbench {

/// The rows of check_table() that go by links, times, what driver and kernel reported.
std::span<const CheckRow> machine_checks();

}  // namespace symmbench
