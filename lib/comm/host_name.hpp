#pragma once
#include <string>

namespace symmbench {

/// What its people call this host; "unknown" when it does not say.
std::string host_name();

}  // namespace symmbench
