#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace symmbench {

/// Why kernels built for `built` do not run on a device of `sm` (major * 10 + minor), naming both, or nullopt. `built`
/// is CMAKE_CUDA_ARCHITECTURES, separated by commas: "90a-real" runs on exactly that SM, "100f-real" on later ones of
/// its major version too, "90-real" likewise, and with "-virtual" or no suffix on every later one. (CUDA programming
/// guide, application compatibility)
std::optional<std::string> architecture_problem(int sm, std::string_view built);

}  // namespace symmbench
