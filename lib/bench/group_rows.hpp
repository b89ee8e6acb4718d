#pragma once
#include <optional>
#include <string>

#include "journal/records.hpp"
#include "plan/case_group.hpp"
#include "supervise/worker.hpp"

namespace symmbench {

/// The case of a work item. @throws Error{worker, internal} when the group has none of that id
const Case& case_of(const CaseGroup& group, const std::string& id);

/// The row of a case that does not run under this allocator.
RowRecord row_without_run(const Case& bench_case, const WorkerContext& context, const std::string& allocator,
                          std::string status, std::string reason, std::optional<Failure> failure = {});

}  // namespace symmbench
