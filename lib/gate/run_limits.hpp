#pragma once
#include <memory>
#include <span>

#include "config/run_config.hpp"
#include "gate/thresholds.hpp"
#include "report/run_gate.hpp"

namespace symmbench {

/// A report that a run is compared with.
struct Baseline {
  std::string name;  ///< of its file
  Json report;
  double max_regress = 0;  ///< percent
};

/// Limits of a run from a baseline, from thresholds, or from both: judged as one family of checks.
class RunLimits final : public RunGate {
 public:
  RunLimits(std::optional<Baseline> baseline, std::optional<Thresholds> thresholds, std::string thresholds_name);

  std::optional<std::string> objection(const Json& report) const override;
  /// {status: passed|failed|no_verdict, reason, baseline, threshold, max_regress_percent, level, checks[]}: failed when a
  /// check regressed, no_verdict when none could be judged.
  Json judge(const Json& report) const override;

 private:
  std::optional<Baseline> baseline_;
  std::optional<Thresholds> thresholds_;
  std::string thresholds_name_;
};

/// What --baseline, --max-regress and --threshold ask for; nullptr when they ask for nothing. `planned`: the run's rows.
/// @throws Error{config, ...} naming option and file: it cannot be read, is of another major schema version, unfit
/// (unfit_for_gates()), of another device kind than --device asks for, has no row in common with the plan, or thresholds
/// for rows that are not planned
std::unique_ptr<RunGate> make_run_gate(const RunConfig& config, std::span<const Json> planned);

}  // namespace symmbench
