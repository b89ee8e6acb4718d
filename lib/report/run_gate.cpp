#include "report/run_gate.hpp"

#include "report/pick.hpp"

namespace symmbench {

Json gate_not_judged(const Json& report) {
  const Json& config = member_of(member_of(report, "run"), "config");
  const Json baseline = pick_text(config, "baseline"), threshold = pick_text(config, "threshold");
  if (baseline.is_null() && threshold.is_null()) return nullptr;
  return {{"status", "not_judged"},
          {"reason", "this report was made without what the run was to be held against"},
          {"baseline", nullptr},
          {"threshold", nullptr},
          {"max_regress_percent", pick_number(config, "max_regress")},
          {"level", nullptr},
          {"checks", Json::array()}};
}

}  // namespace symmbench
