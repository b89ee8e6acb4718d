#include "selftest/sighting.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "findings/report_facts.hpp"
#include "journal/records.hpp"
#include "report/pick.hpp"

namespace symmbench {
namespace {

constexpr int kFailed = 1, kHung = 4;

/// What a broken protocol shows as, wrong data or a wait, depends on who was faster.
bool may_hang_or_fail(const FaultRow& fault) { return fault.seam == FaultSeam::protocol; }

bool is_layer(const Scenario& scenario, Layer layer) {
  if (layer == scenario.fault().layer) return true;
  return may_hang_or_fail(scenario.fault()) && (layer == Layer::verify || layer == Layer::kernel);
}

/// The rank that did it, or the one to which it was done.
bool names_rank(const Scenario& scenario, const Failure& failure) {
  const FaultSpec& spec = scenario.spec;
  const auto is = [&](const std::optional<int>& rank) {
    return rank && (*rank == spec.rank || (spec.fault->parameters.peer && *rank == spec.peer));
  };
  return is(failure.rank) || is(failure.peer);
}

/// What `failure` lacks of the fault; empty: nothing.
std::vector<std::string> missing_in(const Scenario& scenario, const Failure& failure) {
  const FaultSpec& spec = scenario.spec;
  const FaultRow& fault = scenario.fault();
  std::vector<std::string> missing;
  if (!is_layer(scenario, failure.layer)) missing.push_back(fmt::format("layer {}", name_of(fault.layer)));
  if (!names_rank(scenario, failure)) missing.push_back(fmt::format("rank {}", spec.rank));
  const auto phase = fault.seam == FaultSeam::driver || fault.seam == FaultSeam::point ? spec.phase : fault.seen_in;
  if (phase && failure.phase != phase) missing.push_back(fmt::format("phase {}", name_of(*phase)));
  if (failure.allocator != scenario.allocator) missing.push_back(scenario.allocator);
  if (fault.seam == FaultSeam::driver && failure.call != name_of(spec.call)) {
    missing.push_back(fmt::format("call {}", name_of(spec.call)));
  }
  if (fault.seam == FaultSeam::driver && failure.code != spec.code) {
    missing.push_back(fmt::format("code {}", spec.code));
  }
  return missing;
}

/// Of a leak: the allocator under which it stands.
bool leak_is_told(const Scenario& scenario, const Json& report) {
  return std::ranges::any_of(report.at("stability"), [&](const Json& entry) {
    if (text_or(entry, "allocator") != scenario.allocator) return false;
    return std::ranges::any_of(entry.at("leaks"), [](const Json& grown) { return grown.is_number() && grown > 0; });
  });
}

bool retry_is_told(const Scenario& scenario, const Json& report) {
  return std::ranges::any_of(report.at("stability"), [&](const Json& entry) {
    return text_or(entry, "allocator") == scenario.allocator && entry.at("retries") > 0;
  });
}

/// Of an allocator that is slower on purpose: what the comparison says of it.
std::string verdict_on(const Scenario& scenario, const Json& report) {
  for (const Json& entry : report.at("comparison")) {
    if (text_or(entry, "allocator_a") == scenario.allocator) return text_or(entry, "verdict");
    if (text_or(entry, "allocator_b") != scenario.allocator) continue;
    const std::string verdict = text_or(entry, "verdict");
    return verdict == "faster" ? "slower" : verdict == "slower" ? "faster" : verdict;
  }
  return "";
}

/// Whether a finding of the fault's check names its rank, and of a link the other end.
bool is_found(const Scenario& scenario, const Json& report) {
  return std::ranges::any_of(report.at("findings"), [&](const Json& finding) {
    const Json entities = member(finding, "entities");
    const auto named = [&](int rank) {
      return std::find(entities.begin(), entities.end(), Json(fmt::format("rank {}", rank))) != entities.end();
    };
    return text_or(finding, "check_id") == scenario.fault().check && named(scenario.spec.rank) &&
           (!scenario.fault().parameters.peer || named(scenario.spec.peer));
  });
}

/// Whatever the fault is to leave in a report of a run that passes.
std::string missing_in_passed(const Scenario& scenario, const Json& report) {
  if (scenario.fault().seam == FaultSeam::driver && !retry_is_told(scenario, report)) {
    return fmt::format("no retry of {} is told", scenario.allocator);
  }
  if (scenario.fault().seam != FaultSeam::batch && scenario.fault().seam != FaultSeam::link) return "";
  if (scenario.fault().parameters.rank) {
    return is_found(scenario, report)
               ? ""
               : fmt::format("no finding {} of rank {}", scenario.fault().check, scenario.spec.rank);
  }
  const std::string verdict = verdict_on(scenario, report);
  const bool everywhere = !scenario.fault().parameters.placement;
  const std::string wanted = everywhere ? "slower" : "ambiguous";
  return verdict == wanted ? "" : fmt::format("{} is '{}', not {}", scenario.allocator, verdict, wanted);
}

std::optional<bool> was_struck(const Json& report) {
  const Json struck = member(report.at("run"), "injected_struck");
  if (!struck.is_array() || struck.empty()) return false;
  return struck.front().is_number() ? std::optional(struck.front() > 0) : std::nullopt;
}

void attribute_failure(const Scenario& scenario, const Json& report, Sighting& sighting,
                       std::vector<std::string>& problems) {
  std::optional<std::vector<std::string>> least;
  for (const RecordedFailure& recorded : failures_of(report)) {
    if (recorded.status.empty()) continue;  // a handle trial is not the workspace that the fault is planned for
    const Failure failure = failure_from_json(*recorded.failure);
    auto missing = missing_in(scenario, failure);
    if (least && missing.size() >= least->size()) continue;
    least = std::move(missing);
    sighting.failure = failure;
    sighting.status = recorded.status;
  }
  sighting.attributed = least && least->empty();
  if (!least) problems.emplace_back("no failure is told");
  if (least && !least->empty()) problems.push_back(fmt::format("not named: {}", fmt::join(*least, ", ")));
}

}  // namespace

Sighting sighting_of(const Scenario& scenario, const ScenarioOutcome& outcome) {
  const FaultRow& fault = scenario.fault();
  const Json& report = outcome.report;
  Sighting sighting{.struck = was_struck(report),
                    .bounded = outcome.took_s <= outcome.bound_s,
                    .clean = outcome.left_behind.empty(),
                    .valid = outcome.invalid.empty(),
                    .exit_code = report.at("verdict").at("exit_code").get<int>()};
  std::vector<std::string> problems;
  if (sighting.struck == false) problems.emplace_back("it never struck");
  sighting.detected = sighting.exit_code == fault.exit_code ||
                      (may_hang_or_fail(fault) && (sighting.exit_code == kFailed || sighting.exit_code == kHung));
  if (!sighting.detected) problems.push_back(fmt::format("exit code {}, not {}", sighting.exit_code, fault.exit_code));

  if (fault.seam == FaultSeam::lost_call) {
    sighting.attributed = leak_is_told(scenario, report);
    if (!sighting.attributed) problems.push_back(fmt::format("no leak of {} is told", scenario.allocator));
  } else if (fault.exit_code == 0) {
    const auto missing = missing_in_passed(scenario, report);
    sighting.attributed = missing.empty();
    if (!missing.empty()) problems.push_back(missing);
  } else {
    attribute_failure(scenario, report, sighting, problems);
  }
  if (!sighting.bounded) {
    problems.push_back(fmt::format("took {:.1f} s, {:.1f} s are its bound", outcome.took_s, outcome.bound_s));
  }
  if (!sighting.clean) problems.push_back(fmt::format("left behind: {}", fmt::join(outcome.left_behind, ", ")));
  if (!sighting.valid) problems.push_back(fmt::format("invalid report: {}", outcome.invalid.front()));
  sighting.problem = fmt::format("{}", fmt::join(problems, "; "));
  return sighting;
}

}  // namespace symmbench
