#pragma once
#include <catch2/catch_test_macros.hpp>

#include "report/schema_validation.hpp"
#include "run_builder.hpp"

namespace symmbench {

/// The folded report of a run, after it has been held against the shipped schema.
inline Json checked_report(const RunBuilder& run) {
  Json report = run.report();
  for (const auto& violation : validate(report, schema_text("report"))) {
    FAIL_CHECK("the report breaks its schema: " << violation.path << ": " << violation.message);
  }
  return report;
}

}  // namespace symmbench
