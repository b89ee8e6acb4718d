#pragma once
#include <string>
#include <vector>

#include "core/json.hpp"
#include "findings/finding.hpp"

namespace symmbench {

/// findings[] of a report that has everything but findings and what comes behind: one entry per hit, and one for each check
/// that passed or could not tell ("unknown", naming the observable that is missing). Fires on recorded facts only.
Json fold_findings(const Json& report);

/// The findings of a report at `least` or above; "pass" and "unknown" never are. In the order of severity.
std::vector<const Json*> findings_from(const Json& report, Severity least);

/// "critical: imex_channel_missing on rank 4, rank 5: no IMEX channel ...; do: ..." in one line.
std::string finding_text(const Json& finding);

}  // namespace symmbench
