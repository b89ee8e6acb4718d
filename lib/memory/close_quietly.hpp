#pragma once
#include <cstdio>
#include <exception>
#include <string_view>

namespace symmbench {

/// What a destructor may do: close, and tell stderr when that failed. The thing then leaks until the process ends.
template <class Owner>
void close_quietly(Owner& owner, std::string_view what) noexcept {
  try {
    owner.close();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "symmbench: warning: %.*s not given back: %s\n", static_cast<int>(what.size()), what.data(),
                 error.what());
  }
}

}  // namespace symmbench
