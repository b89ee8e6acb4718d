#include "bench/group_rows.hpp"

#include <algorithm>

namespace symmbench {

const Case& case_of(const CaseGroup& group, const std::string& id) {
  const auto it = std::find_if(group.cases.begin(), group.cases.end(), [&](const Case& c) { return c.id() == id; });
  if (it == group.cases.end()) {
    throw Error({.layer = Layer::worker, .reason = Reason::internal, .detail = "no case '" + id + "' in " + group.id});
  }
  return *it;
}

RowRecord row_without_run(const Case& bench_case, const WorkerContext& context, const std::string& allocator,
                          std::string status, std::string reason, std::optional<Failure> failure) {
  return {.case_id = bench_case.id(),
          .allocator = allocator,
          .group = bench_case.group,
          .attempt = context.request.attempt,
          .status = std::move(status),
          .reason = std::move(reason),
          .failure = std::move(failure)};
}

}  // namespace symmbench
