#pragma once
#include <string>
#include <string_view>

namespace symmbench {

/// `text` in the colour of a row's status or a run's verdict: green for what passed, red for what failed or hung, yellow
/// for what is not known. As it is where there is no `colour`.
std::string painted(const std::string& text, std::string_view status, bool colour);

}  // namespace symmbench
