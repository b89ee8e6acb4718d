#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "journal/records.hpp"

namespace symmbench {

/// Whether a signal ended the run: report's `run`.
bool was_interrupted(const Json& run);

/// What is said of a failure, for where the case is named beside it: without ", item <case_id>".
std::string without_case(std::string text, std::string_view case_id);

/// A failure while the run still goes on, in one line: what failed, whose, where, in which process.
std::string failure_line(const FailureRecord& failure);

/// What a report comes to, for a person: what failed, where, what to do next; what did not run and why; who is faster.
std::vector<std::string> summary_lines(const Json& report);

}  // namespace symmbench
