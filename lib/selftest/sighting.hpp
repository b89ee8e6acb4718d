#pragma once
#include <optional>
#include <string>
#include <vector>

#include "selftest/scenarios.hpp"

namespace symmbench {

/// What is known of a run with a fault in it, when it is over.
struct ScenarioOutcome {
  Json report;                            ///< of the run
  double took_s = 0, bound_s = 0;         ///< its work, and what that may take
  std::vector<std::string> left_behind;   ///< processes, descriptors, sockets; for people
  std::vector<std::string> invalid = {};  ///< what the report's schema objects to
};

/// Whether a fault was seen for what it was.
struct Sighting {
  std::optional<bool> struck;  ///< it was met at all; nullopt: nothing counts that, what follows must show it
  bool detected = false;       ///< the exit code is the fault's
  bool attributed =
      false;  ///< a failure names layer, phase, rank or peer, allocator; of a driver call also call and code
  bool bounded = false, clean = false, valid = false;
  int exit_code = 0;
  std::optional<Failure> failure;  ///< the one that names most of it; nullopt where there is none
  std::string status;              ///< of that: "failed" or "hung"
  std::string problem;             ///< what is missing, in words; empty: nothing

  bool seen() const { return struck != false && detected && attributed && bounded && clean && valid; }
};

/// Judges by the report alone what a run made of its fault. Pure.
Sighting sighting_of(const Scenario& scenario, const ScenarioOutcome& outcome);

}  // namespace symmbench
