#pragma once
#include <catch2/catch_test_macros.hpp>
#include <utility>

#include "core/error.hpp"

namespace symmbench {

/// The Failure that `action` throws as an Error; the test fails when it throws none.
template <class Action>
Failure failure_of(Action&& action) {
  try {
    std::forward<Action>(action)();
  } catch (const Error& error) {
    return error.failure();
  }
  FAIL("nothing was thrown");
  return {};
}

}  // namespace symmbench
