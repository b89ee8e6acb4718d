#pragma once
#include <span>

#include "core/json.hpp"
#include "report/run_gate.hpp"

namespace symmbench {

/// Of the report's layout (configs/schema/report.schema.json); semver: an addition bumps the minor.
inline constexpr const char* kReportSchemaVersion = "1.5.0";

/// The report, from journal records and nothing else: the same for a run that has ended, for one
/// that was cut off, and for journals read back from files. Records may come in any order between ranks, and twice;
/// events keep the order in which they come. Records of unknown type are ignored, malformed ones become run.events.
/// The result always satisfies the shipped schema.
/// @throws Error{report, invalid_argument} when no run_started record is among them: without the plan there is nothing
/// that a row could be held against
/// `gate`: what the run is held against; null where that is not there, which the report's "gate" says.
Json fold_report(std::span<const Json> records, const RunGate* gate = nullptr);

}  // namespace symmbench
