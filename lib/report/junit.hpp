#pragma once
#include <string>

#include "core/json.hpp"

namespace symmbench {

/// A report as JUnit XML: one suite, with
///  - a testcase per row: class workspace.allocator.pattern, name case_id, time what was spent on its timed batches.
///    Wrong data is a failure, and so is a regression against a baseline or threshold; a crash, a hang, a failed bring-up, what was interrupted or never came to run are errors;
///    what this machine does not support is skipped.
///  - a testcase per entry of stability[]: class workspace.allocator.lifecycle. A leak is a failure, all else an error.
///  - the testcase symmbench.run: red for every exit code but 0 and 77, which is skipped. With these codes nothing is red.
/// Messages name rank, host and GPU.
std::string junit_xml(const Json& report);

}  // namespace symmbench
