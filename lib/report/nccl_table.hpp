#pragma once
#include <ostream>

#include "core/json.hpp"

namespace symmbench {

/// --format nccl: nccl-tests' 13 columns and both footers, one block per allocator between "# Collective test starting"
/// and "concluded"; every other line starts with '#'. Out-of-place and in-place rows of the same shape share a line;
/// the half that did not run is 0.00 with #wrong N/A, so that all parsers find numbers. On an emulated device the
/// bandwidths are 0.00. Rows that did not pass are comment lines. The first footer is "0 OK" only where the report's
/// verdict is passed; wrong data makes it a number and FAILED, and whatever else went wrong a "Test failure" line.
void write_nccl(std::ostream& out, const Json& report);

}  // namespace symmbench
