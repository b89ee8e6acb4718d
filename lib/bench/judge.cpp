#include "bench/judge.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace symmbench {

CheckResult judge(std::span<const CheckSummary> by_rank, const CheckScope& scope) {
  CheckResult result;
  for (const CheckSummary& each : by_rank) {
    result.checked_elements += each.checked_elements;
    result.wrong_elements += each.wrong_elements;
    result.max_error = std::max(result.max_error, static_cast<double>(each.max_error));
  }
  /// The first rank of which `faulty` holds becomes the failure, unless there is one already.
  const auto fail_where = [&](auto&& faulty, Reason reason, auto&& detail_of) {
    const auto at = std::find_if(by_rank.begin(), by_rank.end(), faulty);
    if (at == by_rank.end() || result.failure) return;
    result.failure = Failure{.layer = Layer::verify,
                             .reason = reason,
                             .detail = detail_of(*at),
                             .phase = Phase::verify,
                             .rank = static_cast<int>(at - by_rank.begin())};
  };
  fail_where([](const CheckSummary& each) { return each.wrong_elements > 0; }, Reason::wrong_data,
             [&](const CheckSummary&) {
               return fmt::format("{} of {} elements wrong", result.wrong_elements, result.checked_elements);
             });
  fail_where([&](const CheckSummary& each) { return each.checked_elements != scope.elements; }, Reason::internal,
             [&](const CheckSummary& each) {
               return fmt::format("the check looked at {} of {} elements", each.checked_elements, scope.elements);
             });
  fail_where([](const CheckSummary& each) { return each.guard_words > 0; }, Reason::corrupted,
             [](const CheckSummary& each) {
               return fmt::format("{} guard words around the outputs were overwritten", each.guard_words);
             });
  if (!scope.same_bits || result.failure) return result;
  fail_where([&](const CheckSummary& each) { return each.digest != by_rank.front().digest; }, Reason::wrong_data,
             [](const CheckSummary&) {
               return std::string("results are within their bounds but not bit-identical on all ranks");
             });
  if (result.failure) result.failure->peer = 0;
  return result;
}

}  // namespace symmbench
