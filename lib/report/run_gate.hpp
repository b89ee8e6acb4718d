#pragma once
#include <optional>
#include <string>

#include "core/json.hpp"

namespace symmbench {

/// What the times of a run are held against, read before it began.
class RunGate {
 public:
  virtual ~RunGate() = default;
  /// Once the machine is known: why its times cannot be held against that. `report` has the run's head and no times yet.
  virtual std::optional<std::string> objection(const Json& report) const = 0;
  /// The report's "gate". `report` has all that comes before it.
  virtual Json judge(const Json& report) const = 0;
};

/// The "gate" of a report that a gate was asked for (run.config has `baseline` or `threshold`), but not held against; null
/// where none was asked for.
Json gate_not_judged(const Json& report);

}  // namespace symmbench
