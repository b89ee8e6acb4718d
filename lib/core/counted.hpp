#pragma once
#include <fmt/format.h>

#include <string>
#include <string_view>

namespace symmbench {

/// "1 row", "2 rows": a count with what is counted, of words whose plural is made by an s.
template <class Count>
std::string counted(Count count, std::string_view what) {
  return fmt::format("{} {}{}", count, what, count == Count{1} ? "" : "s");
}

}  // namespace symmbench
