#include "report/junit.hpp"

#include <fmt/format.h>

#include <map>
#include <pugixml.hpp>
#include <sstream>
#include <utility>

#include "findings/findings.hpp"
#include "report/clean_text.hpp"
#include "report/gate_lines.hpp"
#include "report/pick.hpp"
#include "report/stability.hpp"
#include "report/verdict.hpp"

namespace symmbench {
namespace {

/// What a testcase came to.
struct Mark {
  const char* element = nullptr;  ///< "failure", "error", "skipped"; "system-out": passed, with words; null: passed
  std::string type, message, text;
};

void set(pugi::xml_node node, const char* name, const std::string& value) {
  node.append_attribute(name).set_value(clean_text(value).c_str());
}

std::string joined(const Json& lines) {
  std::string text;
  for (const Json& line : lines) text += (text.empty() ? "" : "\n") + line.get<std::string>();
  return text;
}

ExitCode code_of(const Json& report) { return static_cast<ExitCode>(report.at("verdict").at("exit_code").get<int>()); }

bool nothing_red(const Json& report) {
  return code_of(report) == ExitCode::passed || code_of(report) == ExitCode::skipped;
}

/// "rank 2 (host node7, GPU GPU-1b2c)"; what is not known of it is left out.
std::string place_of(const Json& report, int rank) {
  std::string known;
  for (const Json& each : report.at("ranks")) {
    if (integer_or(each, "rank", -1) != rank) continue;
    if (const auto host = text_or(each, "host"); !host.empty()) known = "host " + host;
    const auto gpu = text_or(each, "gpu_uuid", text_or(each, "gpu_name"));
    if (!gpu.empty()) known += fmt::format("{}GPU {}", known.empty() ? "" : ", ", gpu);
  }
  return fmt::format("rank {}{}", rank, known.empty() ? "" : " (" + known + ")");
}

/// A failure's words after the places of its rank and of the rank that it waited for.
std::string describe_with_places(const Json& report, const Json& failure) {
  const Failure parsed = failure_from_json(failure);
  std::string text;
  if (parsed.rank) text = place_of(report, *parsed.rank) + ": ";
  Failure placed = parsed;
  placed.rank.reset();  // it was told with its place
  text += describe(placed);
  if (parsed.peer) text += "; peer: " + place_of(report, *parsed.peer);
  return text;
}

bool is_wrong_data(const Json& row) {
  const auto reason = text_or(pick_object(row, "failure"), "reason");
  const Json wrong = pick_integer(row, "wrong_elements");
  return reason == name_of(Reason::wrong_data) || reason == name_of(Reason::corrupted) ||
         (reason.empty() && !wrong.is_null() && wrong.get<std::int64_t>() > 0);
}

/// A regression of a row against its baseline or threshold.
Mark mark_of_gate(const std::vector<const Json*>& regressions) {
  Mark mark;
  for (const Json* check : regressions) {
    const auto line = regression_text(*check);
    if (mark.element == nullptr) mark = {.element = "failure", .type = "regression", .message = line, .text = {}};
    mark.text += (mark.text.empty() ? "" : "\n") + line;
  }
  return mark;
}

/// Checks of the report's gate that regressed, by case_id and allocator.
using Regressions = std::map<std::pair<std::string, std::string>, std::vector<const Json*>>;
Regressions regressions_of(const Json& report) {
  Regressions found;
  const Json& checks = member_of(member_of(report, "gate"), "checks");
  if (!checks.is_array()) return found;
  for (const Json& check : checks) {
    if (text_or(check, "verdict") != "regressed") continue;
    found[{text_or(check, "case_id"), text_or(check, "allocator")}].push_back(&check);
  }
  return found;
}

Mark mark_of_row(const Json& report, const Json& row, const Regressions& regressions) {
  const auto status = row.at("status").get<std::string>();
  if (status == "ok") {
    const auto found = regressions.find({text_or(row, "case_id"), text_or(row, "allocator")});
    return found == regressions.end() ? Mark{} : mark_of_gate(found->second);
  }
  const auto reason = text_or(row, "reason", status);
  const bool cannot = status == "skipped" || (nothing_red(report) && status != "failed" && status != "hung");
  if (cannot) return {"skipped", status, reason, {}};
  const Json failure = pick_object(row, "failure");
  Mark mark{.element = "error", .type = status, .message = reason, .text = reason};
  if (!failure.is_null()) {
    mark.message = describe_with_places(report, failure);
    if (status == "failed") mark.type = text_or(failure, "reason", status);
  }
  if (status == "failed" && is_wrong_data(row)) mark.element = "failure";
  if (const Json blame = pick_object(row, "blame"); !blame.is_null()) mark.text += "\nblame: " + blame.dump();
  return mark;
}

std::string leaks_of(const Json& entry) {
  std::string text;
  for (const auto& [what, count] : entry.at("leaks").items()) {
    if (!count.is_number() || count.get<double>() <= 0) continue;
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count.dump(), what);
  }
  return text;
}

Mark mark_of_lifecycles(const Json& report, const Json& entry) {
  const auto counts =
      fmt::format("lifecycles: {} ran, {} failed", lifecycles_that_ran(entry), entry.at("failed").dump());
  Json first = entry.at("first_failure");
  for (const Json& incident : entry.at("incidents")) {
    if (first.is_null() || incident.at("status") == "hung") first = incident.at("failure");
  }
  const bool hung = entry.at("hangs").get<std::int64_t>() > 0;
  if (hung || !first.is_null()) {
    const auto words = first.is_object() ? describe_with_places(report, first) : "a hang";
    return {"error", hung ? "hung" : text_or(first, "reason", "failed"), words, counts};
  }
  if (const auto leaks = leaks_of(entry); !leaks.empty()) return {"failure", "leak", "left behind: " + leaks, counts};
  if (ran_as_planned(entry)) return {};
  const Json handle = pick_object(entry, "handle");
  const bool no_handle = pick_text(handle, "used").is_null() && !pick_text(handle, "reason").is_null();
  if (no_handle) return {"skipped", "skipped", text_or(handle, "reason"), counts};
  return {nothing_red(report) ? "skipped" : "error", "not_tested", counts, {}};
}

Mark mark_of_run(const Json& report) {
  const Json& verdict = report.at("verdict");
  const auto status = verdict.at("status").get<std::string>();
  const auto summary = joined(verdict.at("summary"));
  const auto message = fmt::format("{} (exit code {})", status, verdict.at("exit_code").dump());
  switch (code_of(report)) {
    case ExitCode::passed:
      return {};
    case ExitCode::skipped:
      return {"skipped", status, message, summary};
    case ExitCode::failed:
      return {"failure", status, message, summary};
    default:
      return {"error", status, message, summary};
  }
}

std::string finding_name(const Json& finding) {
  std::string name = text_or(finding, "check_id");
  for (const Json& entity : finding.at("entities")) name += "/" + entity.get<std::string>();
  return name;
}

/// Red only where --fail-on makes it so: whoever did not ask is told in words.
Mark mark_of_finding(const Json& report, const Json& finding) {
  const auto asked = severity_from(text_or(member_of(member_of(report, "run"), "config"), "fail_on"));
  const auto severity = severity_from(text_or(finding, "severity"));
  const auto words = finding_text(finding);
  const auto evidence = "evidence: " + finding.at("evidence").dump(-1, ' ', false, Json::error_handler_t::replace);
  if (asked && severity && *severity >= *asked) return {"failure", text_or(finding, "severity"), words, evidence};
  return {"system-out", "", "", words + "\n" + evidence};
}

/// What did not work is no more than skipped where the probe passed all the same.
Mark mark_of_probed(const Json& report, bool works, const std::string& why) {
  if (works) return {};
  return {nothing_red(report) ? "skipped" : "failure", "probe", why, {}};
}

Mark mark_of_trial(const Json& report, const Json& trial) {
  const Json failure = pick_object(trial, "failure");
  if (!failure.is_null()) return mark_of_probed(report, false, describe_with_places(report, failure));
  if (trial.at("passed").is_null()) return {"skipped", "not_tried", text_or(trial, "reason", "not tried"), {}};
  return mark_of_probed(report, trial.at("passed") == true, "it did not pass");
}

/// Of one rank: the peers whose memory it does not reach.
Mark mark_of_pairs(const Json& report, const Json& pairs, const Json& rank) {
  std::string missed;
  for (const Json& pair : pairs) {
    if (pair.at("rank") != rank || pair.at("access") == true) continue;
    missed += (missed.empty() ? "" : ", ") + pair.at("peer").dump();
  }
  return mark_of_probed(report, missed.empty(), "does not read what these wrote: " + missed);
}

/// A suite that counts what it is given.
class Suite {
 public:
  explicit Suite(pugi::xml_node parent) : node_(parent.append_child("testsuite")) {}
  pugi::xml_node node() const { return node_; }

  void add(const std::string& class_name, const std::string& name, double seconds, const Mark& mark) {
    pugi::xml_node test = node_.append_child("testcase");
    set(test, "classname", class_name);
    set(test, "name", name);
    set(test, "time", fmt::format("{:.6f}", seconds));
    ++tests_;
    seconds_ += seconds;
    if (mark.element == nullptr) return;
    ++marks_[mark.element];
    pugi::xml_node child = test.append_child(mark.element);
    if (!mark.type.empty()) set(child, "type", mark.type);
    if (!mark.message.empty() || !mark.type.empty()) set(child, "message", mark.message);
    if (!mark.text.empty()) child.append_child(pugi::node_pcdata).set_value(clean_text(mark.text).c_str());
  }

  void write_counts() {
    set(node_, "tests", std::to_string(tests_));
    set(node_, "failures", std::to_string(marks_["failure"]));
    set(node_, "errors", std::to_string(marks_["error"]));
    set(node_, "skipped", std::to_string(marks_["skipped"]));
    set(node_, "time", fmt::format("{:.6f}", seconds_));
  }

 private:
  pugi::xml_node node_;
  std::size_t tests_ = 0;
  std::map<std::string, std::size_t> marks_;
  double seconds_ = 0;
};

void add_properties(Suite& suite, const Json& report) {
  pugi::xml_node properties = suite.node().append_child("properties");
  const auto add = [&](const std::string& name, const std::string& value) {
    pugi::xml_node property = properties.append_child("property");
    set(property, "name", name);
    set(property, "value", value);
  };
  for (const char* key : {"version", "git", "build"}) add(key, text_or(report.at("tool"), key));
  add("device", text_or(report.at("device"), "kind"));
  add("command", text_or(report.at("run"), "command"));
  if (const Json injected = member(report.at("run"), "injected"); injected.is_array())
    add("injected", joined(injected));
  for (const Json& rank : report.at("ranks")) {
    const int number = integer_or(rank, "rank", 0);
    add(fmt::format("rank {}", number), place_of(report, number));
  }
}

void add_probe(Suite& suite, const Json& report) {
  const Json& probe = member_of(report, "probe");
  if (!probe.is_object()) return;
  for (const Json& trial : report.at("fabric").at("handle_trials")) {
    suite.add(
        "symmbench.probe.handle_trial",
        fmt::format("group {}/{}/{}", trial.at("group").dump(), text_or(trial, "allocator"), text_or(trial, "type")), 0,
        mark_of_trial(report, trial));
  }
  for (const Json& test : probe.at("descriptors")) {
    suite.add("symmbench.probe.descriptors", "rank " + test.at("rank").dump(), 0,
              mark_of_probed(report, test.at("passed") == true, "descriptors of its group did not come"));
  }
  for (const Json& group : probe.at("groups")) {
    if (probe.at("pairs").empty()) break;
    suite.add("symmbench.probe.peer_access", "rank " + group.at("rank").dump(), 0,
              mark_of_pairs(report, probe.at("pairs"), group.at("rank")));
  }
}

double seconds_of(const Json& row) {
  const Json time = pick_object(row, "time_us");
  const Json batch = pick_integer(row, "iterations_per_batch");
  if (time.is_null() || batch.is_null()) return 0;
  return time.at("mean").get<double>() * time.at("samples").get<double>() * batch.get<double>() / 1e6;
}

}  // namespace

std::string junit_xml(const Json& report) {
  pugi::xml_document document;
  Suite suite(document.append_child("testsuites"));
  set(suite.node(), "name", "symmbench");
  // Without fraction and zone, which the format does not know; it is UTC.
  set(suite.node(), "timestamp", text_or(report.at("run"), "started_at").substr(0, 19));
  if (!report.at("ranks").empty()) set(suite.node(), "hostname", text_or(report.at("ranks")[0], "host"));
  add_properties(suite, report);
  const Regressions regressions = regressions_of(report);
  for (const Json& row : report.at("results")) {
    const auto class_name =
        fmt::format("{}.{}.{}", text_or(row, "workspace"), text_or(row, "allocator"), text_or(row, "pattern"));
    suite.add(class_name, text_or(row, "case_id"), seconds_of(row), mark_of_row(report, row, regressions));
  }
  for (const Json& entry : report.at("stability")) {
    const bool watched = entry.at("lifecycles_planned").get<std::uint64_t>() > 0 || !entry.at("incidents").empty();
    if (!watched) continue;
    suite.add(fmt::format("{}.{}.lifecycle", text_or(entry, "workspace"), text_or(entry, "allocator")),
              fmt::format("{}/{}", text_or(entry, "transport"), text_or(pick_object(entry, "handle"), "asked", "auto")),
              0, mark_of_lifecycles(report, entry));
  }
  add_probe(suite, report);
  for (const Json* finding : findings_from(report, Severity::info)) {
    suite.add("symmbench.finding", finding_name(*finding), 0, mark_of_finding(report, *finding));
  }
  suite.add("symmbench.run", "verdict", 0, mark_of_run(report));
  suite.write_counts();
  std::ostringstream text;
  document.save(text, "  ", pugi::format_default, pugi::encoding_utf8);
  return text.str();
}

}  // namespace symmbench
