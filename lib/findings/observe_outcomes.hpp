#pragma once
#include "findings/finding.hpp"

namespace symmbench {

// Checks on what became of trials, rows and lifecycles.

Observed observe_no_handle(const CheckRow& row, const Json& report);
Observed observe_trials(const CheckRow& row, const Json& report);
Observed observe_one_allocator(const CheckRow& row, const Json& report);
Observed observe_wrong_by_handle(const CheckRow& row, const Json& report);
Observed observe_leaks(const CheckRow& row, const Json& report);
Observed observe_wrong_by_transport(const CheckRow& row, const Json& report);
Observed observe_misleading_test(const CheckRow& row, const Json& report);

}  // namespace symmbench
