#include "page/report_page.hpp"

#include <fmt/format.h>

#include <sstream>

#include "findings/findings.hpp"
#include "page/comparison_sections.hpp"
#include "page/element.hpp"
#include "page/timing_sections.hpp"
#include "report/pick.hpp"
#include "report/probe_text.hpp"
#include "report/summary.hpp"
#include "report/text.hpp"

namespace symmbench {
namespace {

/// No character that XML would escape, for it stands in a text of the document.
constexpr const char* kStyle = R"(
body { font: 15px/1.45 system-ui, sans-serif; max-width: 68rem; margin: 1.5rem auto; padding: 0 1rem; color: #1a1a1a; background: #fff }
h1 { font-size: 1.5rem } h2 { font-size: 1.2rem; margin-top: 2.2rem; border-bottom: 1px solid #ccc } h3 { font-size: 1rem }
pre, code { font: 13px/1.4 ui-monospace, monospace } pre { white-space: pre-wrap; background: #f5f5f5; padding: .6rem }
.wide { overflow-x: auto } table { border-collapse: collapse; font-size: 13px; margin: .4rem 0 }
th, td { text-align: left; padding: .15rem .6rem; border-bottom: 1px solid #e4e4e4; vertical-align: top }
td.name { overflow-wrap: anywhere; min-width: 9rem } td.words { min-width: 15rem }
td.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap }
.verdict { padding: .5rem .8rem; font-weight: 600 } .banner { padding: .4rem .8rem; background: #fff3cd }
.passed { background: #d6f0dc } .failed, .hung { background: #f8d0cc } .no_verdict, .skipped { background: #fff3cd }
td.failed, td.hung, td.critical, td.warning { font-weight: 600 } .quiet { color: #666 }
svg { width: 100%; height: auto; font: 11px system-ui, sans-serif }
)";

std::string shown(const std::string& status) {
  std::string words = status;
  for (char& c : words) c = c == '_' ? ' ' : c;
  return words;
}

void add_banner(pugi::xml_node body, const std::string& text) { add_styled(body, "p", "banner", text); }

void add_head(pugi::xml_node body, const NamedReport& named) {
  const Json& report = named.report;
  const Json &verdict = member_of(report, "verdict"), &run = member_of(report, "run"),
             &tool = member_of(report, "tool");
  add(body, "h1", fmt::format("symmbench: {}", named.name));
  const auto status = text_or(verdict, "status", "no_verdict");
  add_styled(body, "p", "verdict " + status,
             fmt::format("{} (exit code {})", shown(status), integer_or(verdict, "exit_code", 3)));
  if (pick_flag(member_of(report, "device"), "emulated") == true) {
    add_banner(body, "Emulated device: times say nothing about hardware.");
  }
  if (const Json& injected = member_of(run, "injected"); injected.is_array() && !injected.empty()) {
    std::string faults;
    for (const Json& fault : injected) {
      faults += (faults.empty() ? "" : "; ") + (fault.is_string() ? fault.get<std::string>() : fault.dump());
    }
    add_banner(body, "Faults were injected: " + faults);
  }
  std::string summary;
  for (const Json& line : member_of(verdict, "summary")) {
    if (line.is_string()) summary += line.get<std::string>() + "\n";
  }
  add(body, "pre", summary);
  PageTable facts(body, {"run", ""});
  const auto fact = [&](const char* title, const std::string& value) {
    if (!value.empty()) facts.add_row({{title}, {value}});
  };
  fact("command", text_or(run, "command"));
  fact("again", text_or(run, "repro_command"));
  fact("launcher", text_or(run, "launcher"));
  fact("began", text_or(run, "started_at"));
  fact("ended", text_or(run, "ended_at"));
  fact("device", text_or(member_of(report, "device"), "kind"));
  fact("fabric", text_or(member_of(report, "fabric"), "profile"));
  fact("tool", fmt::format("{} ({}, {})", text_or(tool, "version"), text_or(tool, "git"), text_or(tool, "build")));
  fact("schema", text_or(report, "schema_version"));
}

void add_findings(pugi::xml_node body, const Json& report) {
  const auto found = findings_from(report, Severity::info);
  if (found.empty()) return;
  add(body, "h2", "Findings");
  PageTable table(body, {"severity", "check", "what was found, and what to do"});
  for (const Json* finding : found) {
    const auto severity = text_or(*finding, "severity");
    const auto check = text_or(*finding, "check_id"), text = finding_text(*finding);
    const auto lead = fmt::format("{}: {} ", severity, check);  // which have columns of their own
    table.add_row({{severity, severity}, {check}, {text.starts_with(lead) ? text.substr(lead.size()) : text, "words"}});
  }
}

void add_events(pugi::xml_node body, const Json& report) {
  const Json& incidents = member_of(member_of(report, "run"), "incidents");
  if (!incidents.is_array() || incidents.empty()) return;
  add(body, "h2", "Incidents");
  PageTable table(body, {"status", "what happened"});
  for (const Json& incident : incidents) {
    const Json& failure = member_of(incident, "failure");
    const auto status = text_or(incident, "status");
    table.add_row({{status, status}, {failure.is_object() ? describe(failure_from_json(failure)) : "", "words"}});
  }
}

/// The table of a probe is made of what probes record now.
std::string probe_words(const Json& report) {
  try {
    return probe_text(report);
  } catch (const Json::exception& error) {
    return fmt::format("not shown, it is of an older schema: {}", error.what());
  }
}

void add_ranks(pugi::xml_node body, const Json& report) {
  const Json& ranks = member_of(report, "ranks");
  if (!ranks.is_array() || ranks.empty()) return;
  add(body, "h2", "Ranks");
  PageTable table(body, {"rank", "host", "GPU", "UUID", "PCI", "pid"});
  for (const Json& rank : ranks) {
    const Json pid = pick_integer(rank, "pid");
    table.add_row({{fmt::format("{}", integer_or(rank, "rank", -1)), "number"},
                   {text_or(rank, "host")},
                   {text_or(rank, "gpu_name")},
                   {text_or(rank, "gpu_uuid")},
                   {text_or(rank, "pci_bus_id")},
                   {pid.is_null() ? "" : pid.dump(), "number"}});
  }
}

struct HtmlWriter final : pugi::xml_writer {
  void write(const void* data, size_t size) override { text.append(static_cast<const char*>(data), size); }
  std::string text = "<!DOCTYPE html>\n";
};

}  // namespace

std::string report_page(const NamedReport& named, const std::optional<NamedReport>& other) {
  const Json& report = named.report;
  pugi::xml_document document;
  pugi::xml_node html = document.append_child("html");
  set(html, "lang", std::string_view("en"));
  pugi::xml_node head = add(html, "head");
  set(add(head, "meta"), "charset", std::string_view("utf-8"));
  pugi::xml_node view = add(head, "meta");
  set(view, "name", std::string_view("viewport"));
  set(view, "content", std::string_view("width=device-width"));
  add(head, "title", fmt::format("symmbench: {}, {}", named.name, text_or(member_of(report, "verdict"), "status")));
  add(head, "style").text().set(kStyle);
  pugi::xml_node body = add(html, "body");
  add_head(body, named);
  if (other) add_other_report(body, named, *other);
  add_findings(body, report);
  add_events(body, report);
  if (member_of(report, "probe").is_object()) {
    add(body, "h2", "Probe");
    add(body, "pre", probe_words(report));
  }
  add_rows_that_did_not_pass(body, report);
  add_times(body, report);
  add_allocator_comparisons(body, report);
  add_lifecycles(body, report);
  add_ranks(body, report);
  HtmlWriter writer;
  // HTML knows no empty-element tags: a <td/> would stay open.
  document.save(writer, "", pugi::format_raw | pugi::format_no_declaration | pugi::format_no_empty_element_tags,
                pugi::encoding_utf8);
  return writer.text + "\n";
}

}  // namespace symmbench
