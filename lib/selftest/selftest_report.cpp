#include "selftest/selftest_report.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>

#include "report/pick.hpp"

namespace symmbench {
namespace {

constexpr int kAllSeen = 0, kMissed = 1, kNotRun = 3;

Json seen_json(const Sighting& sighting) {
  Json seen{{"exit_code", sighting.exit_code}};
  const auto& failure = sighting.failure;
  seen["status"] = failure ? Json(sighting.status) : Json(nullptr);
  seen["layer"] = failure ? Json(name_of(failure->layer)) : Json(nullptr);
  seen["phase"] = failure && failure->phase ? Json(name_of(*failure->phase)) : Json(nullptr);
  seen["rank"] = failure ? json_or_null(failure->rank) : Json(nullptr);
  seen["peer"] = failure ? json_or_null(failure->peer) : Json(nullptr);
  seen["call"] = failure && !failure->call.empty() ? Json(failure->call) : Json(nullptr);
  seen["code"] = failure ? json_or_null(failure->code) : Json(nullptr);
  seen["allocator"] = failure && !failure->allocator.empty() ? Json(failure->allocator) : Json(nullptr);
  seen["detail"] = failure ? Json(failure->detail) : Json(nullptr);
  return seen;
}

Json tested_json(const TestedFault& tested) {
  const auto& [scenario, outcome, sighting] = tested;
  const FaultRow& fault = scenario.fault();
  return {{"fault", fault.name},
          {"injected", scenario.spec.text()},
          {"workspace", scenario.workspace},
          {"allocator", scenario.allocator},
          {"rank", fault.parameters.rank ? Json(scenario.spec.rank) : Json(nullptr)},
          {"peer", fault.parameters.peer ? Json(scenario.spec.peer) : Json(nullptr)},
          {"check", fault.check},
          {"expected_layer", fault.exit_code == 0 ? Json(nullptr) : Json(name_of(fault.layer))},
          {"expected_exit_code", fault.exit_code},
          {"bound_s", outcome.bound_s},
          {"took_s", outcome.took_s},
          {"struck", json_or_null(sighting.struck)},
          {"detected", sighting.detected},
          {"attributed", sighting.attributed},
          {"bounded", sighting.bounded},
          {"clean", sighting.clean},
          {"report_valid", sighting.valid},
          {"left_behind", outcome.left_behind},
          {"seen", seen_json(sighting)},
          {"problem", sighting.problem.empty() ? Json(nullptr) : Json(sighting.problem)}};
}

std::string summary_of(std::size_t seen, std::size_t tested, std::size_t planned, double took_s, std::size_t apart,
                       const std::optional<std::string>& cut_short) {
  std::string text = fmt::format("{} of {} faults detected, attributed and bounded, nothing left behind, in {:.0f} s",
                                 seen, tested, took_s);
  if (cut_short) text += fmt::format("; {} were not provoked: {}", planned - tested, *cut_short);
  if (apart > 0) text += fmt::format("; {} need a launch of their own and were not tested", apart);
  return text;
}

/// In the order of first mention.
std::vector<std::string> values_of(const Json& list, const char* key) {
  std::vector<std::string> values;
  for (const Json& each : list) {
    if (auto value = text_or(each, key); std::ranges::find(values, value) == values.end()) values.push_back(value);
  }
  return values;
}

struct Cell {
  std::size_t seen = 0, all = 0;
  std::string text() const {
    if (all == 0) return "-";
    if (all == 1) return seen == 1 ? "seen" : "MISSED";
    return seen == all ? fmt::format("seen {}", all) : fmt::format("MISSED {} of {}", all - seen, all);
  }
};

}  // namespace

Json selftest_json(const SelftestHead& head, const SelftestPlan& plan, const std::vector<TestedFault>& tested,
                   const std::vector<FaultApart>& apart, std::size_t planned) {
  const auto seen = static_cast<std::size_t>(
      std::ranges::count_if(tested, [](const TestedFault& each) { return each.sighting.seen(); }));
  const bool not_run = head.cut_short || tested.empty();
  const int exit_code = seen < tested.size() ? kMissed : not_run ? kNotRun : kAllSeen;
  Json document{{"schema_version", kSelftestVersion},
                {"tool", head.tool},
                {"command", head.command},
                {"started_at", head.started_at},
                {"ended_at", head.ended_at},
                {"world_size", head.world_size},
                {"device", {{"kind", head.device.kind}, {"emulated", head.device.emulated}}},
                {"seed", plan.seed},
                {"timeout_s", plan.timeout_s},
                {"widened_by", head.widened_by},
                {"exhaustive", plan.exhaustive},
                {"check", plan.check == CheckMode::on},
                {"faults", Json::array()},
                {"apart", Json::array()}};
  for (const TestedFault& each : tested) document["faults"].push_back(tested_json(each));
  for (const FaultApart& each : apart) document["apart"].push_back({{"fault", each.fault}, {"command", each.command}});
  document["verdict"] = {
      {"status", exit_code == kAllSeen  ? "passed"
                 : exit_code == kMissed ? "failed"
                                        : "no_verdict"},
      {"exit_code", exit_code},
      {"seen", seen},
      {"tested", tested.size()},
      {"planned", planned},
      {"took_s", head.took_s},
      {"summary", summary_of(seen, tested.size(), planned, head.took_s, apart.size(), head.cut_short)}};
  return document;
}

std::string line_of(const TestedFault& tested) {
  const auto& [scenario, outcome, sighting] = tested;
  const bool seen = sighting.seen();
  const std::string what = !seen              ? sighting.problem
                           : sighting.failure ? fmt::format("{}: {}", sighting.status, describe(*sighting.failure))
                                              : fmt::format("exit code {}", sighting.exit_code);
  return fmt::format("{:<6}  {:<18}  {:5.1f} s  {}\n        {}\n", seen ? "seen" : "MISSED", scenario.allocator,
                     outcome.took_s, scenario.spec.text(), what);
}

std::string matrix_text(const Json& document) {
  const Json& faults = document.at("faults");
  const auto names = values_of(faults, "fault"), allocators = values_of(faults, "allocator");
  std::map<std::pair<std::string, std::string>, Cell> cells;
  std::size_t width = 5;
  for (const Json& each : faults) {
    Cell& cell = cells[{text_or(each, "fault"), text_or(each, "allocator")}];
    ++cell.all;
    if (member(each, "problem").is_null()) ++cell.seen;
    width = std::max(width, text_or(each, "fault").size());
  }
  std::string text = "\n";
  const auto add_line = [&](const std::string& first, const auto& cell_of) {
    std::string line = fmt::format("{:<{}}", first, width);
    for (const auto& allocator : allocators) line += fmt::format("  {:<18}", cell_of(allocator));
    text += line.substr(0, line.find_last_not_of(' ') + 1) + '\n';
  };
  add_line("fault", [](const std::string& allocator) { return allocator; });
  for (const auto& name : names) {
    add_line(name, [&](const std::string& allocator) { return cells[{name, allocator}].text(); });
  }
  const Json& apart = document.at("apart");
  if (!apart.empty()) text += "\nThe launcher ends a job over these; each needs a launch of its own:\n";
  for (const Json& each : apart) text += fmt::format("  {}: {}\n", text_or(each, "fault"), text_or(each, "command"));
  const Json& verdict = document.at("verdict");
  const std::string status = text_or(verdict, "status");
  text += fmt::format("\n{} (exit code {})\n  {}\n",
                      status == "passed"   ? "PASSED"
                      : status == "failed" ? "FAILED"
                                           : "NO_VERDICT",
                      verdict.at("exit_code").get<int>(), text_or(verdict, "summary"));
  for (const Json& each : faults) {
    if (const Json problem = member(each, "problem"); problem.is_string()) {
      text += fmt::format("  MISSED {} with {}: {}\n", text_or(each, "injected"), text_or(each, "allocator"),
                          problem.get<std::string>());
    }
  }
  return text;
}

}  // namespace symmbench
