#pragma once
#include <optional>
#include <string>
#include <vector>

#include "gate/environment.hpp"
#include "gate/outcomes.hpp"
#include "gate/report_file.hpp"

namespace symmbench {

/// A case of both reports, with the same allocator.
struct ComparedCase {
  MeasuredRow a, b;
  SlowdownResult result;  ///< ratio: time of b over time of a
};

struct NotCompared {
  RowName name;
  std::string why;
};

struct ReportComparison {
  std::vector<EnvironmentDifference> environment;
  std::vector<ComparedCase> cases;  ///< in b's order
  std::vector<RowName> only_in_a, only_in_b;
  Json stability = Json::array();           ///< see compared_stability()
  std::vector<NotCompared> not_compared;    ///< in both, but without times in one
  std::vector<OutcomeDifference> outcomes;  ///< in both, and not ended alike
  std::optional<double> max_regress;        ///< percent; nullopt: no gate
  double run_spread = 0;                    ///< run_spread_of() the two
  double scatter = 1;                       ///< excess_scatter() of the cases

  /// With a gate: failed when a case regressed, no_verdict when none could be judged.
  enum class GateStatus { passed, failed, no_verdict };
  GateStatus gate_status() const;
  std::size_t count(PairVerdict verdict) const;
  std::size_t count(GateVerdict verdict) const;
  /// Geometric mean of the ratios; nullopt without cases.
  std::optional<double> mean_ratio() const;
  /// The ratio above which a case would have had to be for a gate to fail, median over the judged; nullopt without any.
  std::optional<double> smallest_found() const;
};

/// Pairs the rows of two reports by case and allocator. Both must outlive the result. Never refuses: see why_no_gate().
ReportComparison compare_reports(const Json& a, const Json& b, std::optional<double> max_regress);

/// Why two reports cannot be held against each other by a gate, as a line that names them: one is unfit
/// (unfit_for_gates()), another device kind, GPU model or fabric, no case in common. nullopt: they can.
std::optional<std::string> why_no_gate(const ReportComparison& comparison, const Json& a, const std::string& a_name,
                                       const Json& b, const std::string& b_name);

/// The case of a comparison as one flat object: the keys of its row, both times, ratio, interval, verdict, gate.
Json to_json(const ComparedCase& compared, std::optional<double> max_regress);

}  // namespace symmbench
