#include "findings/findings.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "core/names.hpp"
#include "findings/check_table.hpp"
#include "findings/report_facts.hpp"

namespace symmbench {
namespace {

constexpr auto kSeverities = name_table<Severity>({{Severity::pass, "pass"},
                                                   {Severity::info, "info"},
                                                   {Severity::warning, "warning"},
                                                   {Severity::critical, "critical"},
                                                   {Severity::unknown, "unknown"}});
constexpr std::size_t kMostShown = 4;

Json entry(const CheckRow& row, Severity severity, const std::vector<std::string>& entities, Json evidence) {
  const bool fired = severity != Severity::pass && severity != Severity::unknown;
  return {{"check_id", row.id},
          {"severity", name_of(severity)},
          {"entities", entities},
          {"evidence", std::move(evidence)},
          {"recommended_action", fired ? Json(row.action) : Json(nullptr)}};
}

int weight(const Json& finding) {
  const auto severity = severity_from(finding.at("severity").get<std::string>());
  return severity ? static_cast<int>(*severity) : 0;
}

}  // namespace

std::string_view name_of(Severity severity) { return kSeverities.name(severity); }

std::optional<Severity> severity_from(std::string_view name) {
  for (const auto severity : {Severity::info, Severity::warning, Severity::critical}) {
    if (name_of(severity) == name) return severity;
  }
  return std::nullopt;
}

Json fold_findings(const Json& report) {
  Json findings = Json::array();
  const bool no_ranks = ranks_of(report).empty();
  for (const CheckRow& row : check_table()) {
    Observed observed = row.observe(row, report);
    for (Hit& hit : observed.hits) {
      findings.push_back(entry(row, hit.severity.value_or(row.severity), hit.entities, std::move(hit.evidence)));
    }
    if (!observed.hits.empty()) continue;
    if (no_ranks && observed.missing.empty()) observed.missing = "ranks that reported";
    const bool known = observed.missing.empty();
    findings.push_back(entry(row, known ? Severity::pass : Severity::unknown, {},
                             known ? Json::object() : Json{{"missing", observed.missing}}));
  }
  return findings;
}

std::vector<const Json*> findings_from(const Json& report, Severity least) {
  std::vector<const Json*> found;
  const auto at = report.find("findings");
  if (at == report.end() || !at->is_array()) return found;
  for (const Json& finding : *at) {
    if (weight(finding) >= static_cast<int>(least)) found.push_back(&finding);
  }
  std::stable_sort(found.begin(), found.end(), [](const Json* a, const Json* b) { return weight(*a) > weight(*b); });
  return found;
}

std::string finding_text(const Json& finding) {
  const auto id = finding.at("check_id").get<std::string>();
  const auto& rows = check_table();
  const auto row = std::find_if(rows.begin(), rows.end(), [&](const CheckRow& one) { return one.id == id; });
  auto entities = finding.at("entities").get<std::vector<std::string>>();
  const std::size_t more = entities.size() > kMostShown ? entities.size() - kMostShown : 0;
  entities.resize(entities.size() - more);
  return fmt::format("{}: {}{}{}{}: {}; do: {}", finding.at("severity").get<std::string>(), id,
                     entities.empty() ? "" : " on ", fmt::join(entities, ", "),
                     more == 0 ? "" : fmt::format(" and {} more", more),
                     row == rows.end() ? std::string_view("an unknown check") : row->about,
                     finding.at("recommended_action").is_string() ? finding.at("recommended_action").get<std::string>()
                                                                  : std::string("nothing"));
}

}  // namespace symmbench
