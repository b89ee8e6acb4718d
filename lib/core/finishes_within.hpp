#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <utility>

namespace symmbench {

/// Runs `call` on a thread of its own and waits so many seconds for its end: for calls that take no deadline, of a file
/// system whose server is out of reach, or of another's library. What it throws in time is thrown here. Where no thread
/// can be had it runs on this one.
/// @returns false when time is up; the call goes on, so that whatever it uses must be its own
[[nodiscard]] bool finishes_within(double seconds, std::function<void()> call);

/// The same, for a call that returns something; nullopt when time is up.
template <class Call>
auto result_within(double seconds, Call call) -> std::optional<decltype(call())> {
  const auto result = std::make_shared<std::optional<decltype(call())>>();
  if (!finishes_within(seconds, [result, call = std::move(call)] { *result = call(); })) return std::nullopt;
  return std::move(*result);
}

}  // namespace symmbench
