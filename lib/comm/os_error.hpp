#pragma once
#include <string_view>

#include "core/error.hpp"

namespace symmbench {

/// What `errno` value `code` of a failed call means: being out of descriptors is environment/capacity_exceeded and
/// names the limit, everything else is comm/io_error.
Failure os_failure(std::string_view call, int code, std::string_view detail = "");

}  // namespace symmbench
