#include "findings/observe_failures.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <tuple>

#include "findings/report_facts.hpp"

namespace symmbench {
namespace {

bool matches(const CheckRow& row, const Json& failure) {
  const auto text = [&](const char* key) { return text_in(failure, key); };
  if (!text("call").starts_with(row.calls)) return false;
  if (!row.reason.empty() && text("reason") != row.reason) return false;
  if (!row.layer.empty() && text("layer") != row.layer) return false;
  if (text("detail").find(row.detail) == std::string::npos) return false;
  if (row.codes.empty()) return true;
  const Json& code = in(failure, "code");
  return code.is_number_integer() && std::find(row.codes.begin(), row.codes.end(), code.get<int>()) != row.codes.end();
}

std::vector<std::string> entities_of(const RecordedFailure& recorded) {
  std::vector<std::string> entities;
  for (const char* key : {"rank", "peer"}) {
    const Json& rank = in(*recorded.failure, key);
    if (rank.is_number_integer()) entities.push_back(fmt::format("rank {}", rank.get<int>()));
  }
  if (!recorded.allocator.empty()) entities.push_back("allocator " + recorded.allocator);
  return entities;
}

}  // namespace

Observed observe_failures(const CheckRow& row, const Json& report) {
  Observed observed;
  std::set<std::tuple<std::string, std::string, std::string>> seen;
  for (const RecordedFailure& recorded : failures_of(report)) {
    if (!matches(row, *recorded.failure)) continue;
    const Json& failure = *recorded.failure;
    if (!seen.emplace(in(failure, "rank").dump(), text_in(failure, "call"), in(failure, "code").dump()).second)
      continue;
    Json evidence{{"where", recorded.where}};
    for (const char* key : {"layer", "reason", "call", "code", "phase", "rank", "peer", "detail"}) {
      evidence[key] = in(failure, key);
    }
    observed.hits.push_back(
        {entities_of(recorded), std::move(evidence), recorded.replaced ? std::optional(Severity::info) : std::nullopt});
  }
  return observed;
}

}  // namespace symmbench
