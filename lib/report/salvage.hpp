#pragma once
#include <string>
#include <vector>

#include "core/json.hpp"

namespace symmbench {

struct SalvagedReport {
  Json report;
  std::vector<std::string> problems;  ///< what of the journals is missing or damaged, one line each; also run.events
  bool valid = true;                  ///< the report keeps its schema; where not, `problems` says where it breaks it
};

/// The report of a run whose journals are in `dir`: the same fold as at the end of a run, over what was written until
/// then, so what was not written is not tested and a run without its last record is not complete.
/// @throws Error{config, ...} naming what forbids a report: no journal in `dir`, none of rank 0 that says what was
/// planned, or one of a version that this program does not read
SalvagedReport salvage_report(const std::string& dir);

}  // namespace symmbench
