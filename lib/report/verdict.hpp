#pragma once
#include <optional>
#include <string>

#include "core/json.hpp"

namespace symmbench {

/// What a run came to; the process's exit code. When several apply, the order is 4 > 1 > 3 > 77 > 0.
/// 2, a usage error, never reaches a report: nothing was run.
enum class ExitCode : int {
  passed = 0,
  failed = 1,      ///< something failed after something ran: wrong data, crash, bring-up, lifecycle, leak
  usage = 2,       ///< argv and files alone decide
  no_verdict = 3,  ///< interrupted, or no case of an asked allocator could run, or --strict and not everything ran
  hung = 4,
  skipped = 77,  ///< --skip-if-unsupported, and an asked allocator has nothing but skipped rows
};

struct VerdictPolicy {
  bool strict = false;
  bool skip_if_unsupported = false;
  bool unsupported = false;            ///< nothing was run: the machine's facts forbid it
  std::optional<std::string> instead;  ///< RunEnded::instead
};

/// The one place where a report becomes an exit code. `report` has everything but "verdict".
///   4   a row or incident is hung, or a later try of a row that something else had decided
///   1   a row failed; an incident or lifecycle failed; a lifecycle left descriptors, mappings or device memory behind
///       a case is proven slower than its baseline or threshold allows; a series falls short of --min-busbw (report/series.hpp)
///   3   the run is not complete; a record cannot be read; nothing was planned; planned lifecycles were not run; all rows of an asked allocator
///       are skipped, interrupted or not_tested (77 instead, when all of them are skipped, or the machine
///       forbids the run as a whole, and skip_if_unsupported says so; skipped
///       rows of a reference do not count beside others);
///       a probe looked at no pair of a group of several ranks (77 with skip_if_unsupported);
///       nothing could be held against what a gate was asked for with;
///       any row is skipped, interrupted or not_tested, with strict
///   0   otherwise
/// {status: "passed"|"failed"|"hung"|"interrupted"|"no_verdict"|"skipped", exit_code, summary[]}; interrupted is a 3
/// that a signal made
Json verdict_json(const Json& report, const VerdictPolicy& policy);

/// What a run could not deliver after it had its verdict (a file that it was asked for): the verdict becomes
/// no_verdict, unless it is worse already, and its summary says `why`.
void downgrade(Json& report, const std::string& why);

/// The larger of two exit codes in the order 4 > 1 > 3 > 77 > 0; for codes that later checks add.
ExitCode worse(ExitCode a, ExitCode b);

}  // namespace symmbench
